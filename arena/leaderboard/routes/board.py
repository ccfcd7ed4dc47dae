"""The board's page: the whole of it, or the fragment that a tab, a search or a live change asks for."""

from functools import partial
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from arena.accounts.guards import caller_id, still_may_look
from arena.core import clock
from arena.core.addresses import network_of
from arena.core.errors import Invalid, NotFound
from arena.leaderboard.actions import history
from arena.leaderboard.actions.boards import boards_in, find_scope, week_of
from arena.leaderboard.models import Board
from arena.leaderboard.pages import board as pages
from arena.leaderboard.pages.seasons import seasons as seasons_page
from arena.leaderboard.rules import METRICS, PERIODS, month_of, period_on
from arena.usage import store as usage
from arena.web.box import Box, address_of, box_of, visitor_of
from arena.web.forms import see_other
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
    on: FromQuery[str] = "",
) -> Response[bytes]:
    """Show a page of the board, or, while nobody has sent anything, what to do next.

    With a day (``on``) it is the board of the day or week that held it; a month is a season, which has its own page.
    """
    if period == "all-time":
        period = "all_time"
    if period not in PERIODS:
        raise Invalid(f"period: must be one of {', '.join(PERIODS)}.")
    if metric not in METRICS:
        raise Invalid(f"metric: must be one of {', '.join(METRICS)}.")
    box, visitor, now = box_of(request), visitor_of(request), clock.now()
    today = box.days.of(now)
    scope = box.db.glance(partial(find_scope, tool=tool, team=team))
    start = period_on(period, on, today) if on else ""
    if start and period == "monthly":
        return see_other(pages.href(period, metric, q, page, scope, on=start))
    boards = boards_in(box.memory, box.db, box.config)
    if start:
        made = await boards.get_of(period, start, metric, today, scope)
    else:
        made = await boards.get(period, metric, today, scope)
    if not start and not made.standings and await box.db.read(usage.is_empty):
        shown = pages.first_run(
            made,
            address=box.address,
            name=visitor.name if visitor else None,
            is_admin=visitor is not None and visitor.is_admin,
            demo_command="arena serve --demo --data ./demo",
            link_days=box.config.accounts.link_days,
        )
    else:
        shown = await _shown(request, made, q, page, now)
    request.scope["shared"] = visitor is None  # type: ignore[typeddict-unknown-key]
    return render(request, "leaderboard/board.html", shown, nav="leaderboard")


@get("/seasons")
async def seasons(request: AnyRequest) -> Response[bytes]:
    """List the seasons: who won each, and where the visitor stood."""
    box, visitor = box_of(request), visitor_of(request)
    today = box.days.of(clock.now())
    running = await boards_in(box.memory, box.db, box.config).get("monthly", "score", today)
    visitor_id = visitor.id if visitor else None
    found = await box.db.read(partial(history.seasons, running=running, user_id=visitor_id))
    request.scope["shared"] = visitor is None  # type: ignore[typeddict-unknown-key]
    page = seasons_page(found, running, visitor_id=visitor_id)
    return render(request, "leaderboard/seasons.html", page, nav="seasons")


@get("/seasons/{month:str}")
async def season(
    request: AnyRequest,
    month: FromPath[str],
    metric: FromQuery[str] = "score",
    tool: FromQuery[str] = "",
    team: FromQuery[str] = "",
    q: FromQuery[str] = "",
    page: FromQuery[int] = 1,
) -> Response[bytes]:
    """Show the standing of a month against the month before: the final one, or the one so far."""
    if metric not in METRICS:
        raise Invalid(f"metric: must be one of {', '.join(METRICS)}.")
    box, now = box_of(request), clock.now()
    today = box.days.of(now)
    start = month_of(month)
    if not start or start > today:
        raise NotFound(
            "There is no season at this address. A season is a month that has begun, as in /seasons/2026-10."
        )
    scope = box.db.glance(partial(find_scope, tool=tool, team=team))
    made = await boards_in(box.memory, box.db, box.config).get_of("monthly", start, metric, today, scope)
    shown = await _shown(request, made, q, page, now, address=f"{box.address}/seasons/{month}")
    request.scope["shared"] = visitor_of(request) is None  # type: ignore[typeddict-unknown-key]
    return render(request, "leaderboard/board.html", shown, nav="seasons")


async def _shown(
    request: AnyRequest, made: Board, search: str, page: int, now: int, address: str = ""
) -> pages.LeaderboardPage:
    box, visitor = box_of(request), visitor_of(request)
    visitor_id = visitor.id if visitor else None
    people = pages.people_on(made, visitor_id=visitor_id, search=search, page=page)
    week = (
        {} if made.is_over else await box.db.read(lambda conn: week_of(conn, people, made.today, tool=made.scope.tool))
    )
    return pages.leaderboard(
        made,
        visitor_id=visitor_id,
        search=search,
        page=page,
        week=week,
        now=now,
        season=bool(address),
        address=address,
    )


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
    """How many are coding now, and the day, so that an open board begins anew when another begins."""
    now = clock.now()
    coding = box.db.glance(lambda conn: usage.seen_since(conn, now - CODING))
    return event("presence", {"coding": coding, "day": box.days.of(now)})
