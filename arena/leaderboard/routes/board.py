"""The board's page: the whole of it, or the fragment that a tab, a search or a live change asks for."""

from functools import partial
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromQuery
from litestar.response import Stream

from arena.accounts.guards import caller_id, still_may_look
from arena.core import clock
from arena.core.addresses import network_of
from arena.core.errors import Invalid
from arena.leaderboard.actions.boards import boards_in, find_scope, week_of
from arena.leaderboard.pages import board as pages
from arena.leaderboard.rules import METRICS, PERIODS
from arena.usage import store as usage
from arena.web.box import Box, address_of, box_of, visitor_of
from arena.web.live import event
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]
CODING = 5 * clock.MINUTE
"""Somebody with a record in the last five minutes is coding now."""


@get(["/", "/leaderboard"])
async def leaderboard(
    request: AnyRequest,
    period: FromQuery[str] = "weekly",
    metric: FromQuery[str] = "score",
    tool: FromQuery[str] = "",
    team: FromQuery[str] = "",
    q: FromQuery[str] = "",
    page: FromQuery[int] = 1,
) -> Response[bytes]:
    """Show a page of the board, or, while nobody has sent anything, what to do next."""
    if period == "all-time":
        period = "all_time"
    if period not in PERIODS:
        raise Invalid(f"period: must be one of {', '.join(PERIODS)}.")
    if metric not in METRICS:
        raise Invalid(f"metric: must be one of {', '.join(METRICS)}.")
    box, visitor, now = box_of(request), visitor_of(request), clock.now()
    today = box.days.of(now)
    scope = box.db.glance(partial(find_scope, tool=tool, team=team))
    made = await boards_in(box.memory, box.db, box.config).get(period, metric, today, scope)
    if not made.standings and await box.db.read(usage.is_empty):
        shown = pages.first_run(
            made,
            address=box.address,
            name=visitor.name if visitor else None,
            is_admin=visitor is not None and visitor.is_admin,
            demo_command="arena serve --demo --data ./demo",
            link_days=box.config.accounts.link_days,
        )
    else:
        people = pages.people_on(made, visitor_id=visitor.id if visitor else None, search=q, page=page)
        week = await box.db.read(lambda conn: week_of(conn, people, today, tool=scope.tool))
        shown = pages.leaderboard(
            made,
            visitor_id=visitor.id if visitor else None,
            search=q,
            page=page,
            week=week,
            now=now,
            profiles=False,
        )
    request.scope["shared"] = visitor is None  # type: ignore[typeddict-unknown-key]
    return render(request, "leaderboard/board.html", shown, nav="leaderboard")


@get("/live")
async def live(request: AnyRequest) -> Stream:
    """Tell an open page whenever the board moves."""
    box, reader = box_of(request), caller_id(request, "public")
    who = reader or network_of(address_of(request.scope))
    box.live.refuse(who, is_known=reader is not None)
    return Stream(
        box.live.stream(lambda: _presence(box), who, partial(still_may_look, request)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _presence(box: Box) -> bytes:
    now = clock.now()
    return event("presence", {"coding": box.db.glance(lambda conn: usage.seen_since(conn, now - CODING))})
