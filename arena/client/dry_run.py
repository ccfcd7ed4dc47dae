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


def _table(rows: list[dict[str, int | str]]) -> None:
    if not rows:
        return
    heads = ("day", "model", "input", "output", "cache write", "cache read", "responses")
    table = [(str(row["day"]), str(row["model"]), *_tokens(row), terminal.human(int(row["responses"]))) for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *table, strict=True)]
    print(terminal.bold(_line(heads, widths)))
    for cells in table:
        print(_line(cells, widths))
    unknown = sum(int(row["tokens_unknown"]) for row in rows)
    if unknown:
        print(f"{terminal.human(unknown)} of these responses came from tools that do not keep their tokens.")


def _tokens(row: dict[str, int | str]) -> tuple[str, str, str, str]:
    if row["tokens_unknown"] == row["responses"]:
        return NOT_AVAILABLE, NOT_AVAILABLE, NOT_AVAILABLE, NOT_AVAILABLE
    return (
        terminal.human(int(row["input"])),
        terminal.human(int(row["output"])),
        terminal.human(int(row["cache_write_5m"]) + int(row["cache_write_1h"])),
        terminal.human(int(row["cache_read"])),
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    texts = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    return "  ".join([*texts, *(cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True))])
