"""What stands in a table of usage for whoever pays: which rows there are, and how it is written."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from arena.core.clock import is_day
from arena.usage.models import TOOL_BY_NUMBER, Begun, Bill, BillRow, Payer, RoadSums, Totals, Used
from arena.usage.rules.copies import counting_road

BY = ("day", "person", "team", "project", "tool", "model")
"""What rows can be told apart by, in the order of the columns."""
OF_RECORDS = frozenset({"project", "model"})
"""What only records tell, and no sum of a day."""
FIGURES = (
    *("input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens", "total_tokens"),
    *("sessions", "records", "cost_usd", "records_without_price"),
)
UNTOLD = "unknown"
"""What a table for people says where only the sums of a day tell of something."""
PROJECT = 16
"""Characters of a project's hash: all that our own laptops send, enough to tell those of others apart."""

Key = tuple[str, int, str | None, str | None]
"""Day, tool, model and project."""


def problems(asked: Bill) -> dict[str, str]:
    """Say by field what of a question cannot be understood."""
    found = {
        field: "A day looks like 2026-11-20."
        for field, day in (("since", asked.since), ("until", asked.until))
        if not is_day(day)
    }
    if not found and asked.since > asked.until:
        found["until"] = "The last day is before the first one."
    return found


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """What of some names rows can be told apart by, each once, in the order of the columns."""
    wanted = set(names)
    return tuple(name for name in BY if name in wanted)


def used_by_key(
    days: Mapping[str, Mapping[int, RoadSums]], used: Iterable[Used] = (), begun: Iterable[Begun] = ()
) -> dict[Key, Totals]:
    """Share out what counts of a person's days among models and projects, as far as records and sessions still tell.

    What the sums of a day hold beyond them stands beside them without model and project, so that everything together
    is always what the boards count. A session is counted once: on its day, with the model that wrote most of it.
    """
    found: dict[Key, Totals] = defaultdict(Totals)
    for each in used:
        found[each.day, each.tool, each.model, each.project].add(each.totals)
    for some in begun:
        if counting_road(dict(days.get(some.day, {})), some.tool) == some.road:
            found[some.day, some.tool, some.model, some.project].sessions += some.sessions
    told: dict[tuple[str, int], Totals] = defaultdict(Totals)
    for (day, tool, _, _), totals in found.items():
        told[day, tool].add(totals)
    for day, by_tool in days.items():
        for tool, roads in by_tool.items():
            road = counting_road(dict(by_tool), tool)
            whole = roads.get((road, 0)) if road is not None else None
            rest = (whole or Totals()).minus(told[day, tool])
            if rest != Totals():
                found[day, tool, None, None].add(rest)
    return dict(found)


class Sheet:
    """Put together what belongs in one row, holding no more rows than must wait for each other."""

    def __init__(self, by: Sequence[str]) -> None:
        self.by = by
        self._is_apart = bool({"person", "project"} & set(by))  # a project is of one person
        self._rows: dict[tuple[str | None, ...], Totals] = defaultdict(Totals)

    def take(self, payer: Payer, used: Mapping[Key, Totals]) -> list[BillRow]:
        """Take in what somebody used; return the rows that are complete by that."""
        for (day, tool, model, project), totals in used.items():
            cells: dict[str, str | None] = {
                "day": day,
                "person": payer.name,
                "team": payer.team,
                "project": project if project is None else project[:PROJECT],
                "tool": TOOL_BY_NUMBER[tool].id,
                "model": model,
            }
            self._rows[tuple(cells[name] for name in self.by)].add(totals)
        return self.rest() if self._is_apart else []

    def rest(self) -> list[BillRow]:
        """Return the rows that waited, in the order of their cells."""
        rows = [BillRow(cells, self._rows[cells]) for cells in sorted(self._rows, key=_place)]
        self._rows.clear()
        return rows


def cells_of(row: BillRow) -> list[str]:
    """A row for a spreadsheet."""
    totals = row.totals
    tokens = (totals.input, totals.output, totals.cache_write, totals.cache_read, totals.tokens)
    counts = (*tokens, totals.sessions, totals.records)
    return [
        *(UNTOLD if cell is None else cell for cell in row.cells),
        *map(str, counts),
        dollars(totals) or "",
        str(totals.unpriced),
    ]


def line_of_json(by: Sequence[str], row: BillRow) -> bytes:
    """A row for programs: the same figures as numbers, the cost as a text so that no digit of it is lost."""
    figures = dict(zip(FIGURES, cells_of(row)[len(by) :], strict=True))
    numbers = {name: figure if name == "cost_usd" else int(figure) for name, figure in figures.items()}
    return msgspec.json.encode({**dict(zip(by, row.cells, strict=True)), **numbers, "cost_usd": dollars(row.totals)})


def dollars(totals: Totals) -> str | None:
    """Write a cost in US dollars with every digit that is kept ("1.204000000"); None while nothing of it is known."""
    if totals.unpriced and not totals.cost:
        return None
    return f"{totals.cost // 10**9}.{totals.cost % 10**9:09}"


def _place(cells: tuple[str | None, ...]) -> tuple[tuple[str, bool], ...]:
    return tuple((cell or "", cell is None) for cell in cells)
