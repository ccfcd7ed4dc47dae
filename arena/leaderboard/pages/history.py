"""The picture of how a person's place moved: a line, its marks in words, and its table."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from arena.core import clock
from arena.leaderboard.models import Board, History, Placed
from arena.leaderboard.pages.board import MONTHS, Choice, name
from arena.leaderboard.rules import window
from arena.web import words

TITLES = {"daily": "Rank by day", "weekly": "Rank by week", "monthly": "Rank by month"}
KINDS = {"daily": "Day", "weekly": "Week", "monthly": "Month"}
STEPS = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
RULES = 4
"""Rules below the first at the most."""


class Mark(Struct, frozen=True):
    """A place on the line; x and y run from 0 to 100, rightwards and downwards."""

    x: float
    y: float
    words: str
    last: bool


class Tick(Struct, frozen=True):
    """A label beside the line, at a percentage of its height or width."""

    at: float
    label: str
    anchor: str = "end"


class Line(Struct, frozen=True):
    """A line of the table."""

    name: str
    rank: int
    people: int
    score: float


class RankLine(Struct, frozen=True):
    """What `parts/rank_line.html` shows: a kind of period, from its oldest to the one that runs."""

    period: str
    title: str
    finding: str
    path: str
    marks: tuple[Mark, ...]
    ranks: tuple[Tick, ...]
    times: tuple[Tick, ...]
    lines: tuple[Line, ...]
    """Latest first."""
    choices: tuple[Choice, ...]


def rank_line(history: History, running: Board, *, user_id: str, shown: int, address: str) -> RankLine:
    """Draw somebody's places in the last periods of a kind, ``shown`` at the most, and in the one that runs.

    ``running`` is its board by score. A period in which they were not ranked is a gap. ``address`` is of the page that
    shows it; ``?ranks=`` chooses the kind.
    """
    places = {each.start: each for each in history.places}
    now = next((each for each in running.standings if each.user_id == user_id), None)
    if now is not None:
        places[running.start] = Placed(running.start, now.rank, len(running.standings), now.score)
    starts = _starts(history.period, running.start, shown)
    while starts and starts[0] not in places:
        starts.pop(0)
    bottom = _bottom(max((places[start].rank for start in starts if start in places), default=1))
    points = [_point(number, len(starts), places.get(start), bottom) for number, start in enumerate(starts)]
    named = {start: _name(history.period, start, running) for start in starts}
    marks = [
        Mark(*point, f"{named[start]}: {_place(places[start])}", start == running.start)
        for start, point in zip(starts, points, strict=True)
        if point is not None
    ]
    return RankLine(
        period=history.period,
        title=TITLES[history.period],
        finding=_finding(history, running, now.rank if now else 0),
        path=_path(points),
        marks=tuple(marks),
        ranks=tuple(Tick(_height(rank, bottom), words.exact(rank)) for rank in _rules(bottom)),
        times=_times(history.period, starts),
        lines=tuple(
            Line(named[start], places[start].rank, places[start].people, places[start].score)
            for start in reversed(starts)
            if start in places
        ),
        choices=tuple(
            Choice(key, label, address if key == "weekly" else f"{address}?ranks={key}", key == history.period)
            for key, label in KINDS.items()
        ),
    )


def _starts(period: str, last: str, shown: int) -> list[str]:
    """The first days of the last periods of a kind, oldest first."""
    found = [last]
    while len(found) <= shown:
        found.append(window(period, clock.shift(found[-1], -1))[0])
    return found[::-1]


def _bottom(worst: int) -> int:
    """The rank at the foot: the last of a few rules at round ranks."""
    step = next(step for step in STEPS if -(-worst // step) <= RULES or step == STEPS[-1])
    return max(1, -(-worst // step)) * step


def _rules(bottom: int) -> list[int]:
    step = next(step for step in STEPS if bottom // step <= RULES or step == STEPS[-1])
    return [1, *range(step, bottom + 1, step)]


def _height(rank: int, bottom: int) -> float:
    return round(100 * (rank - 1) / (bottom - 1), 2)


def _point(number: int, of: int, place: Placed | None, bottom: int) -> tuple[float, float] | None:
    if place is None:
        return None
    return round(100 * number / (of - 1), 2) if of > 1 else 100.0, _height(place.rank, bottom)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """The strand's curve from point to point, broken at gaps."""
    drawn, last = "", None
    for point in points:
        if point is not None and last is None:
            drawn += f"M{point[0]:g} {point[1]:g}h0"
        elif point is not None and last is not None:
            middle = round((last[0] + point[0]) / 2, 2)
            drawn += f"C{middle:g} {last[1]:g} {middle:g} {point[1]:g} {point[0]:g} {point[1]:g}"
        last = point
    return drawn


def _times(period: str, starts: Sequence[str]) -> tuple[Tick, ...]:
    """Labels at both ends and in the middle."""
    last = len(starts) - 1
    if last < 1:
        return tuple(Tick(100, _short(period, start)) for start in starts)
    ends = {0: "start", last: "end"} if last < 4 else {0: "start", last // 2: "middle", last: "end"}
    return tuple(Tick(round(100 * at / last, 2), _short(period, starts[at]), anchor) for at, anchor in ends.items())


def _short(period: str, start: str) -> str:
    first = date.fromisoformat(start)
    match period:
        case "daily":
            return f"{first.day} {MONTHS[first.month - 1][:3]}"
        case "weekly":
            return f"W{first.isocalendar().week}"
    return MONTHS[first.month - 1][:3]


def _name(period: str, start: str, running: Board) -> str:
    named = name(period, start, running.today)
    return f"{named}, so far" if start == running.start and period != "daily" else named


def _place(place: Placed) -> str:
    return f"{words.ordinal(place.rank)} of {words.exact(place.people)}"


def _finding(history: History, running: Board, now: int) -> str:
    best = history.best
    if best is None or 0 < now < best.rank:
        return f"best {words.ordinal(now)}, now" if now else "not ranked yet"
    when = name(history.period, best.start, running.today)
    return f"best {words.ordinal(best.rank)}, {'on' if history.period == 'daily' else 'in'} {when}"
