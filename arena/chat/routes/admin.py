"""Chats and programs that are told what happens, for administrators."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post

from arena.accounts.guards import caller_of, me, write
from arena.accounts.pages import Outcome
from arena.chat.actions import events as actions
from arena.chat.models import EVENTS, Teller
from arena.chat.pages import ChatPage
from arena.core import clock
from arena.deliveries.actions import SEND
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render
from arena.web.words import plural

AnyRequest = Request[Any, Any, Any]


@get("/admin/chat")
async def chat(request: AnyRequest) -> Response[bytes]:
    """Show what is told, and to whom."""
    return _page(request)


@post("/admin/chat/test", status_code=200)
async def test(request: AnyRequest) -> Response[bytes]:
    """Send a test message to every address."""
    box, visitor = box_of(request), me(request)
    teller = Teller(box.config, box.address, clock.now())
    send = partial(actions.send_test, teller=teller, caller=caller_of(request), by=visitor.id, name=visitor.name)
    sent = await write(request, send)
    await box.wake(SEND)
    said = f"{plural(sent, 'test message leaves', 'test messages leave')} in a moment."
    return _page(request, Outcome(said) if sent else Outcome(problem="There is no address to send a test to."))


def _page(request: AnyRequest, outcome: Outcome | None = None) -> Response[bytes]:
    box = box_of(request)
    config = box.config
    page = ChatPage(
        targets=actions.targets(config),
        is_signed=config.webhooks.key is not None,
        answers_slack=bool(config.slack.signing_secret),
        may_join=config.slack.may_join,
        address=box.address,
        events={type: meaning for type, meaning in EVENTS.items() if type != "test"},
        outcome=outcome or Outcome(),
    )
    return render(request, "chat/admin.html", page, headers=PRIVATE)
