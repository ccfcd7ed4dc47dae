"""Load price tables, and know what a model costs."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import msgspec

from arena.prices import rules, store
from arena.prices.models import Change, Cost, Dated, Price, Table, Used

SHIPPED = Path(__file__).with_name("table.json")


@cache
def shipped() -> Table:
    """The table that this release ships with."""
    return msgspec.json.decode(SHIPPED.read_bytes(), type=Table)


def load_shipped(conn: sqlite3.Connection, *, now: int) -> Change:
    """Load this release's table, unless it was loaded before."""
    digest = sha256(SHIPPED.read_bytes()).hexdigest()
    return Change(None) if store.version_of(conn, digest) else load(conn, shipped(), digest=digest, now=now)


def load(conn: sqlite3.Connection, table: Table, *, digest: str, now: int) -> Change:
    """Take a table's prices over: new models from the beginning, changed prices from the table's day on.

    What a model cost before stays known, so that usage of earlier days keeps its cost. A table that was loaded before
    (by its digest) changes nothing; a model that the table leaves out keeps its price.
    """
    if store.version_of(conn, digest):
        return Change(None)
    known = _read(conn)
    version = store.newest(conn)[0] + 1
    new = [model for model in table.prices if model not in known]
    moved = [
        model
        for model, price in table.prices.items()
        if model in known and _held(known[model], table.as_of).price != price
    ]
    store.add_version(conn, version, table.source, table.as_of, digest, now)
    store.put_prices(
        conn,
        [(model, "", version, _json(table.prices[model])) for model in new]
        + [(model, table.as_of, version, _json(table.prices[model])) for model in moved],
    )
    return Change(version, tuple(new), tuple(moved), table.as_of)


class Prices:
    """Every price that is known, and which name found it: worked out once for each version of the table."""

    def __init__(self, state: tuple[int, str, int], known: Mapping[str, Sequence[Dated]]) -> None:
        self.state = state
        self._known = known
        self._found: dict[str, tuple[Sequence[Dated], bool]] = {}

    def of(self, model: str) -> Sequence[Dated]:
        """A model's prices, the earliest first; none if nobody knows it."""
        return self._find(model)[0]

    def cost(self, model: str, used: Used, day: str) -> Cost | None:
        """What a response of a day cost; None for a model whose price nobody knows."""
        dated, fast = self._find(model)
        return rules.cost(msgspec.structs.replace(used, speed="fast") if fast else used, dated, day)

    def _find(self, model: str) -> tuple[Sequence[Dated], bool]:
        found = self._found.get(model)
        if found is None:
            if len(self._found) > MODELS_KEPT:
                self._found.clear()
            found = self._found[model] = rules.find(self._known, model)
        return found


MODELS_KEPT = 10_000
"""Names remembered at the most: people may send any."""
_current = Prices((0, "", 0), {})


def current(conn: sqlite3.Connection) -> Prices:
    """The prices as they are in the database, read again only when a table was loaded since."""
    global _current  # noqa: PLW0603  (a new one takes the old one's place in one step)
    state = store.newest(conn)
    if _current.state != state:
        _current = Prices(state, _read(conn))
    return _current


def _read(conn: sqlite3.Connection) -> dict[str, list[Dated]]:
    known: dict[str, list[Dated]] = {}
    for model, effective_from, version, price in store.prices(conn):
        known.setdefault(model, []).append(Dated(effective_from, version, msgspec.json.decode(price, type=Price)))
    return known


def _held(prices: Sequence[Dated], day: str) -> Dated:
    return [each for each in prices if each.effective_from <= day][-1]


def _json(price: Price) -> str:
    return msgspec.json.encode(price).decode()
