"""What the administrators' table of usage shows."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from msgspec import Struct

from arena.teams.models import Team
from arena.usage.models import TOOL_BY_ID, Bill, BillRow, Totals
from arena.usage.rules.bill import BY, UNTOLD, dollars
from arena.web import words

HEADS = {
    "day": "Day",
    "person": "Person",
    "team": "Team",
    "project": "Project",
    "tool": "Tool",
    "model": "Model",
}
PATH = "/admin/usage"
SHOWN = 100
"""Rows of the page: those that cost most."""


class Cell(Struct, frozen=True):
    """What tells a row apart; ``is_known`` unless the box has no name for it."""

    text: str
    is_known: bool


class Row(Struct, frozen=True):
    """A row of the table. ``exact`` is the cost to the last digit; ``share`` what it is of the whole cost, in words."""

    cells: tuple[Cell, ...]
    input: int
    output: int
    cache: int
    sessions: int
    cost: str
    exact: str
    share: str


class Choice(Struct, frozen=True):
    """Something that rows can be told apart by."""

    name: str
    label: str
    chosen: bool


class BillPage(Struct, frozen=True):
    """What `usage/bill.html` shows. ``rows`` is None when the question was not understood."""

    asked: Bill
    errors: Mapping[str, str]
    by: tuple[Choice, ...]
    teams: tuple[Team, ...]
    heads: tuple[str, ...]
    rows: tuple[Row, ...] | None
    total: Row
    more: int
    dates: str
    people: int
    unpriced: int
    csv_href: str
    zone: str


class Found:
    """The rows that cost most of however many there are, and what all of them add up to."""

    def __init__(self) -> None:
        self.count = 0
        self.totals = Totals()
        self._top: list[tuple[tuple[int, int, int], BillRow]] = []

    def take(self, rows: Iterable[BillRow]) -> None:
        """Look at some more rows."""
        for row in rows:
            self.count += 1
            self.totals.add(row.totals)
            item = ((row.totals.cost, row.totals.tokens, -self.count), row)
            if len(self._top) < SHOWN:
                heapq.heappush(self._top, item)
            else:
                heapq.heappushpop(self._top, item)

    @property
    def top(self) -> list[BillRow]:
        """The rows that cost most, the dearest first; of equal ones the one with more tokens."""
        return [row for _, row in sorted(self._top, key=lambda item: item[0], reverse=True)]


def bill_page(
    asked: Bill, errors: Mapping[str, str], found: Found, *, people: int, teams: Sequence[Team], zone: str
) -> BillPage:
    """Make the page of what was found; with errors it shows the question again and no rows."""
    return BillPage(
        asked=asked,
        errors=errors,
        by=tuple(Choice(name, HEADS[name], name in asked.by) for name in BY),
        teams=tuple(teams),
        heads=tuple(HEADS[name] for name in asked.by),
        rows=None if errors else tuple(_row(asked.by, row, found.totals) for row in found.top),
        total=_row((), BillRow((), found.totals), found.totals),
        more=max(0, found.count - SHOWN),
        dates="" if errors else words.day_range(asked.since, asked.until),
        people=people,
        unpriced=found.totals.unpriced,
        csv_href=href(asked, f"{PATH}.csv"),
        zone=zone,
    )


def href(asked: Bill, path: str = PATH) -> str:
    """The address of a question, without what was left empty."""
    fields = [("from", asked.since), ("to", asked.until), ("person", asked.person), ("team", asked.team)]
    fields += [("by", name) for name in asked.by]
    return f"{path}?{urlencode([pair for pair in fields if pair[1]])}"


def _row(by: Sequence[str], row: BillRow, of: Totals) -> Row:
    totals = row.totals
    return Row(
        cells=tuple(_cell(name, cell) for name, cell in zip(by, row.cells, strict=True)),
        input=totals.input,
        output=totals.output,
        cache=totals.cache_write + totals.cache_read,
        sessions=totals.sessions,
        cost=words.cost(totals.cost, totals.unpriced),
        exact=f"${dollars(totals)}" if dollars(totals) else "nobody knows the price",
        share=f"{round(100 * totals.cost / of.cost)}%" if of.cost else "",
    )


def _cell(name: str, cell: str | None) -> Cell:
    if cell is None:
        return Cell(UNTOLD, is_known=False)
    if name == "day":
        return Cell(words.day(cell), is_known=True)
    if name == "tool":
        return Cell(TOOL_BY_ID[cell].display_name, is_known=True)
    return Cell(cell or "none", is_known=bool(cell))
