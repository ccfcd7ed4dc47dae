"""Rows are found newest first, page by page, by whatever was asked, and never by looking at everything at once."""

import sqlite3
from functools import partial

import pytest

from arena.audit import actions
from arena.audit.actions import note, search
from arena.audit.models import Caller, Query
from arena.core.db import Database
from tests.audit.conftest import SECOND, Fill
from tests.conftest import NOW, PEOPLE


def found(db: Database, limit: int = 100, **asked: object) -> list[int]:
    """The rows that are found, page after page, and that no page was longer than asked."""
    numbers: list[int] = []
    after = None
    while True:
        page = db.read_sync(partial(search, asked=Query(**asked), limit=limit, after=after))
        assert len(page.rows) <= limit
        numbers += [row.seq for row in page.rows]
        if page.more is None:
            return numbers
        assert page.more != after
        after = page.more


@pytest.fixture
def log(db: Database) -> Database:
    def write(conn: sqlite3.Connection) -> None:
        callers = (Caller("192.0.2.1", "Firefox"), Caller("192.0.2.2", "arena/0.1.0"), Caller(None, "arena admin"))
        for number in range(60):
            event = ("session_created", "api_key_invalid", "user_signed_in")[number % 3]
            person = (PEOPLE["alice"], PEOPLE["bob"], None, None)[number % 4]
            note(conn, event, person, callers[number % 5 % 3], NOW + number // 2 * SECOND, number=f"No {number + 1}")

    db.write_sync(write)
    return db


@pytest.mark.parametrize("limit", [1, 7, 60, 100])
def test_all_rows_come_newest_first_however_long_a_page_is(log: Database, limit: int) -> None:
    assert found(log, limit) == list(range(60, 0, -1))


@pytest.mark.parametrize("limit", [2, 100])
def test_conditions_hold_alone_and_together(log: Database, limit: int) -> None:
    every = range(60, 0, -1)
    assert found(log, limit, event="api_key_invalid") == [n for n in every if (n - 1) % 3 == 1]
    assert found(log, limit, person=PEOPLE["bob"]) == [n for n in every if (n - 1) % 4 == 1]
    assert found(log, limit, address="192.0.2.2") == [n for n in every if (n - 1) % 5 in (1, 4)]
    assert found(log, limit, since=NOW + 10 * SECOND, until=NOW + 12 * SECOND) == [24, 23, 22, 21]
    assert found(log, limit, words="no 17") == [17]
    assert found(log, limit, words="FIREFOX signed") == [n for n in every if (n - 1) % 5 in (0, 3) and (n - 1) % 3 == 2]
    assert found(log, limit, words=PEOPLE["alice"][-4:]) == [n for n in every if (n - 1) % 4 == 0]
    assert found(log, limit, event="session_created", person=PEOPLE["alice"], address="192.0.2.1") == [
        n for n in every if (n - 1) % 12 == 0 and (n - 1) % 5 in (0, 3)
    ]
    assert found(log, limit, event="session_created", until=NOW + 6 * SECOND, words="no") == [10, 7, 4, 1]
    assert found(log, limit, address="192.0.2.2", since=NOW + 29 * SECOND) == [60]
    assert found(log, limit, person="nobody") == []


def test_a_search_stops_when_it_has_looked_at_enough_and_says_where_to_go_on(
    log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "LOOKED_AT", 10)
    first = log.read_sync(partial(search, asked=Query(words="no 17"), limit=50))
    assert (first.rows, first.looked, first.more) == ([], 10, (NOW + 25 * SECOND, 51))
    assert found(log, words="no 17") == [17]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "idx_security_audit_log_created_at"),
        ({"event": "user_created"}, "idx_security_audit_log_event_type"),
        ({"person": "someone"}, "idx_security_audit_log_user_id"),
        ({"address": "192.0.2.1"}, "idx_security_audit_log_ip_address"),
    ],
)
def test_every_question_walks_an_index_and_sorts_nothing(
    db: Database, fill: Fill, asked: dict[str, str], index: str
) -> None:
    fill(3)
    plans: list[str] = []

    def explained(conn: sqlite3.Connection) -> None:
        said: list[str] = []
        conn.set_trace_callback(said.append)
        search(conn, Query(**asked), limit=2)
        conn.set_trace_callback(None)
        plans.extend(str(row["detail"]) for row in conn.execute(f"EXPLAIN QUERY PLAN {said[-1]}"))

    db.read_sync(explained)
    assert len(plans) == 1
    assert index in plans[0]
