"""What programs read of the boards: a person's ranks, the leaderboard, the figures of all."""

from functools import partial
from typing import Any

from litestar import Request, Router, get
from litestar.params import FromQuery
from litestar.types import ASGIApp

from arena.accounts.guards import by_key
from arena.core import clock
from arena.core.errors import Invalid
from arena.leaderboard.actions.boards import boards_in, find_scope, week_of
from arena.leaderboard.models import Standing
from arena.leaderboard.rules import METRICS, PERIODS, efficiency, period_on
from arena.prices.rules import dollars
from arena.projects import store as projects
from arena.usage import store as usage
from arena.usage.models import Day, UserTotals
from arena.web.api import answer
from arena.web.box import box_of, visitor_of

AnyRequest = Request[Any, Any, Any]
MOST = 100


@get("/api/v1/rank")
async def rank(request: AnyRequest) -> ASGIApp:
    """Tell the owner of a key where they stand in the four periods, and what they used.

    ``movement`` is the places won since the end of yesterday, null for somebody new; ``streak`` is in days; costs are
    in US dollars, null where nothing of them is known.
    """
    person = by_key(request)
    box, now = box_of(request), clock.now()
    today = box.days.of(now)
    rankings = {}
    for period, name in zip(PERIODS, ("daily", "weekly", "monthly", "allTime"), strict=True):
        board = await boards_in(box.memory, box.db, box.config).get(period, "score", today)
        mine = next((each for each in board.standings if each.user_id == person.id), None)
        rankings[name] = {
            "position": mine.rank if mine else len(board.standings) + 1,
            "compositeScore": mine.score if mine else 0,
            "totalParticipants": len(board.standings),
            "movement": mine.before - mine.rank if mine and mine.before is not None else None,
        }
    totals, days, passed = await box.db.read(
        lambda conn: (
            usage.user_totals(conn, person.id) or UserTotals(),
            usage.days(conn, person.id, clock.shift(today, -30), today),
            projects.passed(conn, person.id),
        )
    )
    last_30: list[dict[str, Any]] = [
        {
            "date": day.stat_date,
            "inputTokens": day.input_tokens,
            "outputTokens": day.output_tokens,
            "cacheTokens": day.cache_tokens,
            "sessions": day.session_count,
        }
        for day in days
    ]
    week_ago = clock.shift(today, -7)
    yesterday = clock.shift(today, -1)
    streak = next((day.streak for day in reversed(days) if day.streak and day.stat_date >= yesterday), 0)
    return answer(
        {
            "username": person.name,
            "rankings": rankings,
            "stats": {
                "totalTokens": totals.total_all_tokens,
                "totalSessions": totals.total_sessions,
                "inputTokens": totals.total_input_tokens,
                "outputTokens": totals.total_output_tokens,
            },
            "usage": {
                "totalInputTokens": totals.total_input_tokens,
                "totalOutputTokens": totals.total_output_tokens,
                "totalCacheTokens": totals.total_cache_tokens,
                "totalTokens": totals.total_all_tokens,
                "totalSessions": totals.total_sessions,
                "estimatedCost": dollars(totals.total_cost, totals.total_unpriced),
                "costIsComplete": totals.total_unpriced == 0,
                "toolBreakdown": [{"tool": tool, "tokens": tokens} for tool, tokens in totals.tools.items()],
                "last7Days": [day for day in last_30 if day["date"] >= week_ago],
                "last30Days": last_30,
            },
            "today": _today(days, today),
            "streak": streak,
            "overview": {"successfulProjectsCount": passed},
            "lastUpdated": clock.iso(now),
        },
        mirror=True,
    )


def _today(days: list[Day], today: str) -> dict[str, Any]:
    day = next((each for each in days if each.stat_date == today), Day(today, 0, 0, 0, 0, "{}", 0))
    return {
        "date": today,
        "inputTokens": day.input_tokens,
        "outputTokens": day.output_tokens,
        "cacheTokens": day.cache_tokens,
        "sessions": day.session_count,
        "estimatedCost": dollars(day.cost, day.unpriced),
        "costIsComplete": day.unpriced == 0,
    }


@get("/api/leaderboard")
async def leaderboard(
    request: AnyRequest,
    period: FromQuery[str] = "weekly",
    metric: FromQuery[str] = "score",
    limit: FromQuery[int] = 50,
    offset: FromQuery[int] = 0,
    tool: FromQuery[str] = "",
    team: FromQuery[str] = "",
    on: FromQuery[str] = "",
) -> ASGIApp:
    """A page of a board: of everyone, or of one tool (by id), one team (as its name stands in addresses), or both.

    With a day (``on``) it is the board of the day, week or month that held it, as it was frozen.
    """
    period = period.replace("-", "_")
    if period not in PERIODS:
        raise Invalid(f"period: must be one of {', '.join(PERIODS)}", {"errors": {"period": ["is not a period"]}})
    if metric not in METRICS:
        raise Invalid(f"metric: must be one of {', '.join(METRICS)}", {"errors": {"metric": ["is not a metric"]}})
    if not 1 <= limit <= MOST or not 0 <= offset <= 10_000_000:
        raise Invalid(f"limit must be 1 to {MOST}, offset 0 or more", {"errors": {"limit": ["is out of range"]}})
    box = box_of(request)
    today = box.days.of(clock.now())
    scope = box.db.glance(partial(find_scope, tool=tool, team=team))
    boards = boards_in(box.memory, box.db, box.config)
    if start := period_on(period, on, today) if on else "":
        board = await boards.get_of(period, start, metric, today, scope)
    else:
        board = await boards.get(period, metric, today, scope)
    total = len(board.standings)
    shown = board.standings[offset : offset + limit]
    ids = [each.user_id for each in shown]
    weekly = await box.db.read(lambda conn: week_of(conn, ids, today, cache=True, tool=scope.tool))
    week = {user_id: sum(tokens) for user_id, tokens in weekly.items()}
    request.scope["shared"] = visitor_of(request) is None  # type: ignore[typeddict-unknown-key]
    return answer(
        {
            "items": [_item(each, week.get(each.user_id, 0)) for each in shown],
            "pagination": {
                "page": offset // limit + 1,
                "limit": limit,
                "total": total,
                "totalPages": max(1, -(-total // limit)),
                "hasNext": offset + limit < total,
                "hasPrevious": offset > 0,
                "hasMore": offset + limit < total,
            },
        }
    )


def _item(standing: Standing, week: int) -> dict[str, Any]:
    private = standing.private
    return {
        "rank": standing.rank,
        "userId": "private" if private else standing.user_id,
        "username": "Anonymous" if private else standing.name,
        "displayName": "Anonymous" if private else standing.display,
        "avatarUrl": None,
        "team": None if private or standing.team is None else standing.team.name,
        "totalTokens": standing.input + standing.output + standing.cache,
        "inputTokens": standing.input,
        "outputTokens": standing.output,
        "cacheTokens": standing.cache,
        "weeklyTokens": week,
        "estimatedCost": dollars(standing.cost, standing.unpriced),
        "costIsComplete": standing.unpriced == 0,
        "sessionCount": standing.sessions,
        "streak": standing.streak,
        "score": standing.score,
        "compositeScore": standing.score,
        "projectScore": standing.projects,
        "efficiencyScore": efficiency(standing.input, standing.output),
        "lastActivityAt": None if private or not standing.last_at else clock.iso(standing.last_at),
        "isPrivate": private,
    }


@get("/api/stats/global")
async def everybody(request: AnyRequest) -> ASGIApp:
    """The figures of all people together."""
    box, now = box_of(request), clock.now()
    totals, active = await box.db.read(lambda conn: (usage.everybody(conn), _active(conn, now)))
    sessions = totals["sessions"]
    request.scope["shared"] = visitor_of(request) is None  # type: ignore[typeddict-unknown-key]
    return answer(
        {
            "totalUsers": totals["people"],
            "totalSessions": sessions,
            "totalTokens": {"input": totals["input"], "output": totals["output"], "total": totals["total"]},
            "activeUsers": active,
            "averageTokensPerSession": round(totals["total"] / sessions) if sessions else 0,
            "lastUpdated": clock.iso(now),
        }
    )


def _active(conn: Any, now: int) -> dict[str, int]:
    return {
        name: usage.active_since(conn, now - days * clock.DAY)
        for name, days in (("daily", 1), ("weekly", 7), ("monthly", 30))
    }


router = Router(path="/", route_handlers=[rank, leaderboard, everybody])
