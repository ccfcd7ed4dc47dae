"""The chat room's doors."""

from litestar import Router

from arena.chat.routes import admin

router = Router(path="/", route_handlers=[admin.chat, admin.test])
