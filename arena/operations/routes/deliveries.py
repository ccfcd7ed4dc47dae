"""The messages that leave the box, for administrators: how each stands, and a way to have one sent again."""

import sqlite3
from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts.guards import caller_of, me, write
from arena.core import clock
from arena.deliveries import store
from arena.deliveries.actions import SEND, send_again, waiting
from arena.deliveries.models import Delivery, Waiting
from arena.operations.pages.deliveries import KINDS, PAGE, STATES, deliveries_page
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/admin/deliveries")
async def deliveries(request: AnyRequest) -> Response[bytes]:
    """Show messages, newest first, as far as they were asked for."""
    return await _page(request)


@post("/admin/deliveries/{id:str}/again", status_code=200)
async def again(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Have a message sent again that was given up, and show the same messages."""
    deed = partial(send_again, id=id, caller=caller_of(request), now=clock.now(), by=me(request).id)
    if not await write(request, deed):
        return await _page(request, problem="That message is not given up any more, or nobody knows what it said.")
    await box_of(request).wake(SEND)
    return await _page(request, said="It waits again and is sent in a moment.")


async def _page(request: AnyRequest, *, said: str = "", problem: str = "") -> Response[bytes]:
    box, typed = box_of(request), request.query_params
    state = typed.get("state", "") if typed.get("state", "") in STATES else ""
    kind = typed.get("kind", "") if typed.get("kind", "") in KINDS else ""
    before = typed.get("before", "")

    def look(conn: sqlite3.Connection) -> tuple[list[Delivery], Waiting]:
        return store.deliveries(conn, state, kind, before, PAGE + 1), waiting(conn)

    found, stands = await box.db.read(look)
    page = deliveries_page(
        found,
        stands,
        box.config,
        state=state,
        kind=kind,
        before=before,
        said=said,
        problem=problem,
        now=clock.now(),
    )
    return render(request, "operations/deliveries.html", page, headers=PRIVATE)
