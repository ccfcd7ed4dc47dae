"""Slow statements are told by the function of the store that runs them, with none of their values."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from arena.core.db import Database

SECRET = "what somebody typed"
LONG = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 400000)
SELECT COUNT(*) FROM numbers WHERE :value IS NOT NULL
"""


@pytest.fixture
def store(tmp_path: Path) -> dict[str, Any]:
    """A module of a room whose statement takes some hundred thousand steps."""
    source = (
        f"def totals(conn, value): return [row for row in conn.execute('''{LONG}''', {{'value': value}})]\n"
        "def by_key(conn, value): return conn.execute('SELECT :value', {'value': value}).fetchone()\n"
        "def again(conn, value): return totals(conn, value), totals(conn, value)\n"
    )
    made: dict[str, Any] = {"__name__": "arena.boards.store"}
    exec(compile(source, str(tmp_path / "store.py"), "exec"), made)
    return made


def read(path: Path, slow_ms: int, fn: Any) -> tuple[list[Any], int]:
    """Read with a database of its own; what it logs, and how many statements it says were slow."""

    async def run() -> int:
        db = Database(path, slow_ms)
        await db.open()
        try:
            await db.read(fn)
            return db.slow_statements
        finally:
            await db.close()

    with capture_logs() as logged:
        slow = asyncio.run(run())
    return logged, slow


def test_a_slow_read_is_told_by_its_function_without_its_values(tmp_path: Path, store: dict[str, Any]) -> None:
    logged, slow = read(tmp_path / "a.db", 1, lambda conn: store["totals"](conn, SECRET))
    (line,) = logged
    assert (line["event"], line["name"], slow) == ("slow statement", "boards.store.totals", 1)
    assert line["ms"] >= 1
    assert SECRET not in str(line)


def test_a_quick_statement_is_not_told(tmp_path: Path, store: dict[str, Any]) -> None:
    assert read(tmp_path / "a.db", 1, lambda conn: store["by_key"](conn, SECRET)) == ([], 0)
    assert read(tmp_path / "a.db", 3_600_000, lambda conn: store["totals"](conn, SECRET)) == ([], 0)


def test_each_slow_statement_of_a_read_is_told(tmp_path: Path, store: dict[str, Any]) -> None:
    logged, slow = read(tmp_path / "a.db", 1, lambda conn: store["again"](conn, SECRET))
    assert ([line["name"] for line in logged], slow) == (["boards.store.totals"] * 2, 2)


def test_a_slow_write_is_told_also_when_it_fails(tmp_path: Path, store: dict[str, Any]) -> None:
    def write(conn: sqlite3.Connection) -> None:
        store["totals"](conn, SECRET)
        raise LookupError

    db = Database(tmp_path / "a.db", 1)
    with capture_logs() as logged:
        with pytest.raises(LookupError):
            db.write_sync(write)
        db.close_sync()
    assert {line["name"] for line in logged} == {"boards.store.totals"}
    assert db.slow_statements == len(logged)


def test_commits_are_counted_with_the_writes_that_share_them(tmp_path: Path) -> None:
    db = Database(tmp_path / "a.db")
    for _ in range(3):
        db.write_sync(lambda conn: None)
    db.close_sync()
    assert (db.commits.total, db.commits.sum, db.commit_seconds.total) == (3, 3, 3)
