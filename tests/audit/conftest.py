"""A log with something in it, and hands that may do to its file what the program may not."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from arena.audit import store
from arena.audit.actions import note
from arena.audit.models import Caller, Entry
from arena.core import sqlite
from arena.core.db import Database
from tests.conftest import NOW, PEOPLE

HERE = Caller("192.0.2.7", "a browser")
SECOND = 1_000
TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'security_audit_%'"


@contextmanager
def without_triggers(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as somebody with an editor of databases has it."""
    with closing(sqlite.connect(path)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        triggers = conn.execute(TRIGGERS).fetchall()
        for name, _ in triggers:
            conn.execute(f"DROP TRIGGER {name}")
        yield conn
        for _, sql in triggers:
            conn.execute(sql)
        conn.execute("COMMIT")


Fill = Callable[[int], None]


@pytest.fixture
def fill(db: Database) -> Fill:
    """Note so many things, one a second, the last one now."""

    def write(rows: int) -> None:
        def deed(conn: sqlite3.Connection) -> None:
            for number in range(rows):
                person = PEOPLE["alice" if number % 2 else "bob"]
                at = NOW - (rows - 1 - number) * SECOND
                note(conn, "session_created", person, HERE, at, number=number)

        db.write_sync(deed)

    return write


def entries(db: Database) -> list[Entry]:
    return db.read_sync(partial(store.following, seq=0, limit=100_000))


def tell(db: Database, event: str = "user_signed_in", now: int = NOW, **details: Any) -> None:
    db.write_sync(lambda conn: note(conn, event, PEOPLE["alice"], HERE, now, **details))
