"""Scores, tiers, calendar periods and places."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256

import msgspec

from arena.core.clock import shift
from arena.core.config import Ranking
from arena.core.errors import Invalid
from arena.leaderboard.models import EVERYONE, Due, Overview, Period, Ranked, Scope, Standing

PERIODS = ("daily", "weekly", "monthly", "all_time")
ENDING = ("daily", "weekly", "monthly")
"""The periods that end, and are frozen then."""
EARLIEST = "2000-01-01"
"""No board is of a day before."""
METRICS = ("score", "tokens", "cost", "sessions", "streak", "projects")
TIERS = ((800, "Diamond"), (600, "Platinum"), (400, "Gold"), (200, "Silver"), (0, "Bronze"))
STREAK_CAP = 30
"""Days of a streak that score."""


def composite(input: int, output: int, sessions: int, streak: int, weights: Ranking) -> float:
    """Score 0 to 1,000, rounded half up to 2 decimals. Tokens exclude the cache; ``streak`` is in days.

    Source of the formula and of its vectors: product description, section Ranking.
    """
    token = min(1.0, math.log10(input + output + 1) / 10)
    efficiency = min(output / input, 2.0) / 2 if input > 0 else 0.0
    session = min(1.0, math.log10(sessions + 1) / 3)
    run = min(streak, STREAK_CAP) / STREAK_CAP
    total = 1000 * (
        weights.token * token + weights.efficiency * efficiency + weights.session * session + weights.streak * run
    )
    return math.floor(total * 100 + 0.5 + 1e-9) / 100


def tier(score: float) -> str:
    """The tier of a score."""
    return next(name for floor, name in TIERS if score >= floor)


def window(period: str, day: str) -> tuple[str, str]:
    """The first and last day of the calendar period that holds a day; weeks begin on Monday, all time has no first."""
    current = date.fromisoformat(day)
    match period:
        case "daily":
            return day, day
        case "weekly":
            monday = current - timedelta(days=current.weekday())
            return monday.isoformat(), (monday + timedelta(days=6)).isoformat()
        case "monthly":
            first = current.replace(day=1)
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            return first.isoformat(), last.isoformat()
        case "all_time":
            return "", day
    raise ValueError(f"unknown period {period!r}")


def period_on(period: str, day: str, today: str) -> str:
    """The first day of the day, week or month that holds a day, if it is over; empty for the one that runs.

    Raises `Invalid` for what is no day (YYYY-MM-DD), for a day ahead, and for all time.
    """
    try:
        start, end = window(period, date.fromisoformat(day).isoformat())
    except (ValueError, OverflowError):
        start, end = "", ""
    if not EARLIEST <= start <= today or len(day) != 10:
        raise Invalid("on: must be a day that has begun, as 2026-10-31, with a period of daily, weekly or monthly.")
    return start if end < today else ""


def month_of(text: str) -> str:
    """The first day of a month that is written as YYYY-MM; empty if it is not, or lies before any tool."""
    try:
        start = date.fromisoformat(f"{text}-01").isoformat() if len(text) == 7 else ""
    except ValueError:
        return ""
    return start if start >= EARLIEST else ""


def place(
    standings: Iterable[Standing], metric: str, before: dict[str, int] | None, ranks: dict[str, int] | None = None
) -> tuple[Standing, ...]:
    """Put people in order and give them their places; those who tie share one.

    The order within a tie: more tokens, then earlier joining, then id; but of equal tokens those in privacy mode come
    last, by what is shown of them, because a place between two known people would tell when somebody joined.
    ``before`` holds the places then, to tell movement by; None leaves it out. ``ranks`` are places that were given
    once and stand, whoever has left since.
    """
    value = VALUES[metric]

    def order(standing: Standing) -> float:
        return -value(standing) if ranks is None else ranks[standing.user_id]

    ordered = sorted(standings, key=lambda s: (order(s), -(s.input + s.output), *_tie(s)))
    sharing = Counter(map(order, ordered))
    placed = []
    rank, last = 0, None
    for position, each in enumerate(ordered, 1):
        worth = order(each)
        if worth != last:
            rank, last = position, worth
        placed.append(
            msgspec.structs.replace(
                each,
                rank=rank if ranks is None else ranks[each.user_id],
                tied=sharing[worth] > 1,
                value=value(each),
                before=before.get(each.user_id) if before is not None else None,
            )
        )
    return tuple(placed)


def ranked(standings: Sequence[Standing], period: str, start: str) -> list[Ranked]:
    """Everybody's places in a period by every metric, and their figures; no place where somebody is on no board."""
    places = {metric: _places(on_board(standings, EVERYONE, metric), metric) for metric in METRICS}
    return [
        Ranked(
            period_type=period,
            period_start=start,
            user_id=each.user_id,
            rank_position=places["score"].get(each.user_id),
            rank_by_tokens=places["tokens"].get(each.user_id),
            rank_by_cost=places["cost"].get(each.user_id),
            rank_by_sessions=places["sessions"].get(each.user_id),
            rank_by_streak=places["streak"].get(each.user_id),
            rank_by_projects=places["projects"].get(each.user_id),
            composite_score=each.score,
            efficiency_score=efficiency(each.input, each.output),
            input_tokens=each.input,
            output_tokens=each.output,
            cache_tokens=each.cache,
            session_count=each.sessions,
            streak=each.streak,
            cost=each.cost,
            unpriced=each.unpriced,
            project_score=each.projects,
        )
        for each in standings
    ]


def due(
    period: str, known: Iterable[Period], *, first: str, whole_from: str, today: str, again_from: str | None = None
) -> list[Due]:
    """The periods of a kind that are to be frozen, oldest first: those that are over and not final yet.

    ``first`` is the first day of which anything is known; what begins before ``whole_from`` has lost days since, and
    is left as it is. From ``again_from`` on final ones are frozen again too.
    """
    by_start = {each.start: each for each in known}
    found = []
    start, end = window(period, max(first, whole_from))
    while end < today:
        there = by_start.get(start)
        is_open = there is None or there.final_at is None or not there.is_whole
        again = again_from is not None and end >= again_from
        if start >= whole_from and (is_open or again):
            found.append(Due(period, start, end))
        start, end = window(period, shift(end, 1))
    return found


def final_from(frozen: str, late_days: int) -> str:
    """The day whose night makes a ranking final that was frozen first on another day.

    It counts from then and not from the period's end, because a team that begins with a box sends its history in the
    first days.
    """
    return shift(frozen, late_days)


def on_board(standings: Iterable[Standing], scope: Scope, metric: str) -> Sequence[Standing]:
    """Leave those who stand on a scope's board: by projects, whoever has one that passed; else whoever used something.

    A team's board leaves out whoever is in privacy mode, their own view included: a team is so small that its
    "Anonymous" has a name for everybody who knows the team.
    """
    if metric == "projects":
        there = [each for each in standings if each.projects]
    else:
        there = [each for each in standings if each.input + each.output + each.cache]
    if scope.team is None:
        return there
    return [each for each in there if each.team == scope.team and not each.private]


def overview(standings: Sequence[Standing]) -> Overview:
    """Sum up all people of a board, and find everybody's row as the board was ordered yesterday."""
    ranked = sorted((each.before, row) for row, each in enumerate(standings) if each.before is not None)
    return Overview(
        tokens=sum(each.input + each.output for each in standings),
        sessions=sum(each.sessions for each in standings),
        cost=sum(each.cost for each in standings),
        unpriced=sum(each.unpriced > 0 for each in standings),
        ranks_then=tuple(before for before, _ in ranked),
        rows_then={row: then for then, (_, row) in enumerate(ranked)},
    )


def efficiency(input: int, output: int) -> float:
    """Output for each token of input, 4 decimals; 0 when nothing was put in."""
    if input <= 0:
        return 0.0
    return float((Decimal(output) / Decimal(input)).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _places(standings: Sequence[Standing], metric: str) -> dict[str, int]:
    """Everybody's place by a metric."""
    value = VALUES[metric]
    of: dict[float, int] = {}
    for position, worth in enumerate(sorted(map(value, standings), reverse=True), 1):
        of.setdefault(worth, position)
    return {each.user_id: of[value(each)] for each in standings}


def _tie(standing: Standing) -> tuple[int | str, ...]:
    if not standing.private:
        return 0, standing.joined_at, standing.user_id
    # An id begins with the time it was made at; its hash does not.
    shown = (standing.input, standing.cache, standing.cost, standing.sessions, standing.streak)
    return 1, *shown, sha256(standing.user_id.encode()).hexdigest()


def _score(standing: Standing) -> float:
    return standing.score


def _tokens(standing: Standing) -> float:
    return standing.input + standing.output


def _cost(standing: Standing) -> float:
    return standing.cost


def _sessions(standing: Standing) -> float:
    return standing.sessions


def _streak(standing: Standing) -> float:
    return standing.streak


def _projects(standing: Standing) -> float:
    return standing.projects


VALUES: dict[str, Callable[[Standing], float]] = {
    "score": _score,
    "tokens": _tokens,
    "cost": _cost,
    "sessions": _sessions,
    "streak": _streak,
    "projects": _projects,
}
