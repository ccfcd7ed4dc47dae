"""The chat room's doors."""

from litestar import Router

from arena.chat.routes import admin, slack

router = Router(path="/", route_handlers=[admin.chat, admin.test, slack.command, slack.key_page, slack.make_key])
