"""A fault at each statement of a write that records usage: all of it is stored or nothing, and nothing twice."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from arena.audit.actions import note, verify
from arena.audit.models import OPERATOR
from arena.core.clock import Days
from arena.core.db import Database
from arena.core.errors import Unavailable
from arena.usage.actions.records import record
from arena.usage.actions.recount import recount
from arena.usage.models import Road
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import HOUR, a_record, a_report, sums

ALICE = PEOPLE["alice"]
FULL = 13


class Faults:
    """Lets statements fail as on a full disk: the one of a number, or all from it on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.lasts, self.seen = 0, False, 0
        for name in ("execute", "executemany"):
            monkeypatch.setattr(sqlite.Connection, name, self._wrapped(getattr(sqlite.Connection, name)), raising=False)

    def _wrapped(self, does: Callable[..., Any]) -> Callable[..., Any]:
        def do(conn: sqlite3.Connection, sql: str, *values: Any) -> Any:
            if not sql.startswith(("BEGIN", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE")):
                self.seen += 1
                if self.at and (self.seen == self.at or (self.lasts and self.seen > self.at)):
                    problem = sqlite3.OperationalError("database or disk is full")
                    problem.sqlite_errorcode = FULL
                    raise problem
            return does(conn, sql, *values)

        return do

    def begin(self, at: int, *, lasts: bool = False) -> None:
        """From now on fail at a statement; 0: never."""
        self.at, self.lasts, self.seen = at, lasts, 0


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(monkeypatch)


def write(conn: sqlite3.Connection, number: int, days: Days) -> None:
    """Two new sessions, one that has grown and one that is known, and a line of the security log."""
    new = a_report(*(a_record(f"m{number}-{at}", output=number + at) for at in range(3)), session=f"s{number}")
    other = a_report(a_record(f"o{number}", at=NOW - 30 * HOUR), session=f"o{number}", tool="codex")
    grown = a_report(a_record("growing", output=10 + number), session="growing")
    known = a_report(a_record("known"), session="known")
    record(conn, ALICE, [new, other, grown, known], Road.TRANSCRIPTS, days=days, now=NOW + number)
    note(conn, "session_created", ALICE, OPERATOR, NOW, sessions=[number])


def check(db: Database, days: Days, writes: int) -> None:
    """What is stored is what so many writes store; every sum is what the records make anew."""
    (records, tokens), (lines,) = db.read_sync(
        lambda conn: (
            tuple(conn.execute("SELECT COUNT(*), SUM(output_tokens) FROM usage_records").fetchone()),
            tuple(conn.execute("SELECT COUNT(*) FROM security_audit_log").fetchone()),
        )
    )
    assert (records, lines) == (4 * writes + 2, writes)
    assert tokens == sum(3 * number + 3 + 5 for number in range(writes)) + 10 + writes - 1 + 5
    before = sums(db)
    db.write_sync(partial(recount, user_id=ALICE, days=days, now=NOW))
    assert sums(db) == before
    assert verify(db).problem is None


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
def test_a_fault_at_any_statement_leaves_all_or_nothing(
    db: Database, days: Days, faults: Faults, *, lasts: bool
) -> None:
    db.write_sync(partial(write, number=0, days=days))
    faults.begin(0)
    db.write_sync(partial(write, number=1, days=days))
    statements, writes = faults.seen, 2
    assert statements > 20
    for at in range(1, statements + 1):
        faults.begin(at, lasts=lasts)
        if lasts:
            with pytest.raises(Unavailable, match="disk is full"):
                db.write_sync(partial(write, number=writes, days=days))
            faults.begin(0)
            check(db, days, writes)
        faults.begin(0 if lasts else at)
        db.write_sync(partial(write, number=writes, days=days))
        faults.begin(0)
        writes += 1
        check(db, days, writes)
