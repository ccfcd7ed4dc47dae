"""Shows exactly what a sync would send, and sends nothing."""

import json
import sqlite3
import sys
from collections.abc import Iterator

import msgspec

from arena.client import terminal
from arena.client.batches import Batch, Totals, batches, summed
from arena.client.exclusions import excluded_files

FIGURES = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read", "responses", "tokens_unknown")
NOT_AVAILABLE = "not available"


def show(conn: sqlite3.Connection, tools: list[str], since: int, excluded: tuple[str, ...], *, as_json: bool) -> None:
    """Print sums per day and model and how much would be sent; as JSON, the very bodies of the requests."""
    hidden, sessions = excluded_files(conn, excluded)
    totals = Totals()
    if as_json:
        _requests(batches(conn, tools, since, frozenset(hidden), totals=totals), totals, len(sessions))
        return
    records, stretches = summed(conn, tools, since, frozenset(hidden), totals)
    _table(totals.rows())
    would = f"{terminal.human(records)} records of {terminal.human(stretches)} sessions"
    print(f"would send {would}; {len(sessions)} sessions are excluded. Nothing was sent.")


def _requests(made: Iterator[Batch], totals: Totals, excluded: int) -> None:
    """Print each body as it is made: a long history must not stand in memory whole."""
    records = 0
    sys.stdout.write('{"requests":[')
    for number, batch in enumerate(made):
        sys.stdout.write(("," if number else "") + msgspec.json.encode(batch.report).decode())
        records += len(batch)
    rows = totals.rows()
    sums = {name: sum(int(row[name]) for row in rows) for name in FIGURES}
    rest = {"daily": rows, "totals": sums, "records": records, "excluded_sessions": excluded}
    print("]," + json.dumps(rest)[1:])


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print rows under their heads: two columns of words, the others of figures."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    print(terminal.bold(_line(heads, widths)))
    for cells in rows:
        print(_line(cells, widths))


def _table(rows: list[dict[str, int | str]]) -> None:
    if not rows:
        return
    heads = ("day", "model", "input", "output", "cache write", "cache read", "responses")
    table(heads, [(str(row["day"]), str(row["model"]), *_tokens(row), _human(row["responses"])) for row in rows])
    unknown = sum(int(row["tokens_unknown"]) for row in rows)
    if unknown:
        print(f"{terminal.human(unknown)} of these responses came from tools that do not keep their tokens.")


def _tokens(row: dict[str, int | str]) -> tuple[str, str, str, str]:
    if row["tokens_unknown"] == row["responses"]:
        return NOT_AVAILABLE, NOT_AVAILABLE, NOT_AVAILABLE, NOT_AVAILABLE
    return (
        _human(row["input"]),
        _human(row["output"]),
        _human(int(row["cache_write_5m"]) + int(row["cache_write_1h"])),
        _human(row["cache_read"]),
    )


def _human(count: int | str) -> str:
    return terminal.human(int(count))


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    texts = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    return "  ".join([*texts, *(cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True))])
