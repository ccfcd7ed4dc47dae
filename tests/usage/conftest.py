"""Short words for usage: a record, a session's report, a write, and all sums."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from arena.core.clock import Days
from arena.core.db import Database
from arena.prices.actions import load
from arena.prices.models import LongPrompt, Price, Rates, Table
from arena.usage.actions.records import record
from arena.usage.models import TOOL_BY_ID, Outcome, Report, Road
from arena.wire import Record, record_key, session_hash
from tests.conftest import NOW, PEOPLE

HOUR = 3_600_000
DAY = 24 * HOUR
SUMS = ("road_days", "daily_user_stats", "daily_tool_stats", "user_stats", "user_tool_stats", "token_usage")


def a_record(message: str = "m1", request: str = "r1", at: int = NOW - HOUR, **fields: Any) -> Record:
    return Record(key=record_key(message, request), at=at, **{"model": "claude-x", "input": 10, "output": 5, **fields})


def a_report(*records: Record, session: str = "s1", tool: str = "claude-code", project: str = "") -> Report:
    return Report(
        tool=TOOL_BY_ID[tool],
        session_hash=session_hash(tool, session),
        started_at=min(each.at for each in records),
        ended_at=max(each.at for each in records),
        records=list(records),
        project=project,
        collector="test/1",
    )


PRICE = Price(
    {"standard": Rates(input=3, output=15, cache_write=3.75, cache_write_1h=6, cache_read=0.3)},
    (LongPrompt(200_000, {"standard": Rates(input=6, output=30, cache_write=7.5, cache_write_1h=12, cache_read=0.6)}),),
)
"""What claude-x costs; what other models cost, nobody knows."""


@pytest.fixture(autouse=True)
def _prices(db: Database) -> None:
    table = Table("a test", "2026-01-01", {"claude-x": PRICE})
    db.write_sync(lambda conn: load(conn, table, digest="a test", now=NOW))


Send = Callable[..., Outcome]


@pytest.fixture
def send(db: Database, days: Days) -> Send:
    def write(*reports: Report, person: str = "alice", road: int = Road.TRANSCRIPTS) -> Outcome:
        return db.write_sync(lambda conn: record(conn, PEOPLE[person], reports, road, days=days, now=NOW))

    return write


def sums(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every sum that usage keeps, without ids and times of writing."""

    def read(conn: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
        found = {}
        for table in SUMS:
            columns = [row[1] for row in conn.execute(f"PRAGMA table_xinfo({table})")]
            kept = [name for name in columns if name not in ("session_id", "created_at", "updated_at", "recorded_at")]
            found[table] = sorted(tuple(row) for row in conn.execute(f"SELECT {', '.join(kept)} FROM {table}"))
        return found

    return db.read_sync(read)


def counted(db: Database, person: str = "alice") -> tuple[int, int, int]:
    """Input and output tokens and sessions of a person, of all time."""
    row = db.read_sync(
        lambda conn: conn.execute(
            "SELECT total_input_tokens, total_output_tokens, total_sessions FROM user_stats WHERE user_id = ?",
            (PEOPLE[person],),
        ).fetchone()
    )
    return tuple(row) if row else (0, 0, 0)
