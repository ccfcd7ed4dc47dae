"""What the page shows that tells a person by which road their usage came, and what of it counts."""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from arena.usage.models import TOOL_BY_NUMBER, Road, RoadSums
from arena.usage.rules.copies import counting_road
from arena.web import words

ROADS = {
    Road.TRANSCRIPTS: "transcripts",
    Road.TELEMETRY: "OpenTelemetry",
    Road.METRICS: "OpenTelemetry metrics",
    Road.SESSION_API: "session API",
    Road.DAY_ROWS: "ccusage",
}
GO_FIRST = {
    Road.TRANSCRIPTS: "transcripts go first",
    Road.TELEMETRY: "OpenTelemetry goes first",
    Road.METRICS: "OpenTelemetry metrics go first",
    Road.SESSION_API: "the session API goes first",
}
LEFT_OUT = "left out of ranking by an administrator"
MONTHS = "January February March April May June July August September October November December".split()
PATH = "/dashboard/roads"


class Brought(Struct, frozen=True):
    """What one road brought of a tool on a day. ``why`` says why it counts or does not, without a full stop."""

    tool: str
    is_first: bool
    """Whether no other road stands above it for that tool."""
    road: str
    input: int
    output: int
    cache: int
    sessions: int | None
    """None for a road that tells of no sessions."""
    cost: str
    counts: bool
    why: str


class DayOfRoads(Struct, frozen=True):
    """A day, and what came of it."""

    day: str
    brought: tuple[Brought, ...]


class Month(Struct, frozen=True):
    """Another month that holds something."""

    label: str
    href: str


class RoadsPage(Struct, frozen=True):
    """What `usage/roads.html` shows: a month's days, the newest first. Tokens are input and output."""

    month: str
    days: tuple[DayOfRoads, ...]
    counted: int
    beside: int
    left_out: int
    before: Month | None
    after: Month | None
    zone: str


def roads(
    month: str, found: Mapping[str, dict[int, RoadSums]], *, before: str | None, after: str | None, zone: str
) -> RoadsPage:
    """Show a month (YYYY-MM): what each road brought by day and tool; ``before`` and ``after`` have something too."""
    days = tuple(DayOfRoads(day, tuple(_brought(by_tool))) for day, by_tool in sorted(found.items(), reverse=True))
    everything = [each for day in days for each in day.brought]
    beside = [each for each in everything if not each.counts]
    return RoadsPage(
        month=_name(month),
        days=days,
        counted=sum(each.input + each.output for each in everything if each.counts),
        beside=sum(each.input + each.output for each in beside if each.why != LEFT_OUT),
        left_out=sum(each.input + each.output for each in beside if each.why == LEFT_OUT),
        before=_month(before),
        after=_month(after),
        zone=zone,
    )


def is_month(text: str) -> bool:
    """Whether a text names a month (YYYY-MM)."""
    try:
        return len(text) == 7 and bool(date.fromisoformat(f"{text}-01"))
    except ValueError:
        return False


def _month(month: str | None) -> Month | None:
    return Month(_name(month), f"{PATH}?month={month}") if month else None


def _name(month: str) -> str:
    return f"{MONTHS[int(month[5:]) - 1]} {month[:4]}"


def _brought(by_tool: dict[int, RoadSums]) -> list[Brought]:
    made: list[Brought] = []
    for tool, sums in sorted(by_tool.items()):
        best = counting_road(by_tool, tool)
        for number, ((road, apart), totals) in enumerate(sorted(sums.items())):
            made.append(
                Brought(
                    tool=TOOL_BY_NUMBER[tool].display_name,
                    is_first=number == 0,
                    road=ROADS[road],
                    input=totals.input,
                    output=totals.output,
                    cache=totals.cache_write + totals.cache_read,
                    sessions=None if road == Road.DAY_ROWS else totals.sessions,
                    cost=words.cost(totals.cost, totals.unpriced),
                    counts=road == best and not apart,
                    why=_why(road, best, apart),
                )
            )
    return made


def _why(road: int, best: int | None, apart: int) -> str:
    if apart:
        return LEFT_OUT
    if road == best:
        return "counts"
    return GO_FIRST[best] if best else "may be part of what a tool told itself"
