"""Make sums anew, and remove what somebody does not want here."""

import sqlite3
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core.clock import Days
from arena.core.db import Database
from arena.usage import store
from arena.usage.actions.book import Book
from arena.usage.models import TOOL_BY_ID, Road

T = TypeVar("T")
PAUSE = 0.2
"""Seconds at the most: who waits for the lock looks again after a tenth of one, on a busy machine a little later."""


def recount(conn: sqlite3.Connection, user_id: str, *, days: Days, now: int) -> None:
    """Make every sum of a person anew from their records, each put into the day of the zone as it is now.

    What closed records left behind stays as it is, in the days that they were of.
    """
    known = store.user_totals(conn, user_id)
    store.clear_sums(conn, user_id)
    store.forget_streak(conn, user_id)
    book = Book(conn, user_id, days, now)
    book.take_everything()
    if known is not None and book.before.closed_person is not None:  # when a closed session ended is not known any more
        book.last_activity = max(book.last_activity, known.last_activity_at)
    book.close()
    if first_day := book.before.first_day:
        store.drop_days(conn, user_id, first_day, store.longest_streak(conn, user_id, first_day))


def recount_all(db: Database, people: Iterable[str], *, days: Days, now: int) -> None:
    """Recount several people, each in a write of their own. (From a thread: it waits.)"""
    for user_id in people:
        in_turn(db, partial(recount, user_id=user_id, days=days, now=now))


def in_turn(db: Database, write: Callable[[sqlite3.Connection], T]) -> T:
    """Do one of many writes in a row, and let others in after it. (From a thread: it waits.)"""
    began = time.perf_counter()
    done = db.write_sync(write)
    time.sleep(min(PAUSE, time.perf_counter() - began))
    return done


def forget(
    conn: sqlite3.Connection, user_id: str, project: str, *, prefix: str, caller: Caller, days: Days, now: int
) -> tuple[int, int]:
    """Remove all that a person sent of a project; return how many sessions and records that were.

    Sums of whole days, which hold the project too, go with it where its records tell the tool and the day. The
    security log says that it was done, by which key, and not of which project.
    """
    sessions = store.sessions_of_project(conn, user_id, project)
    rows = store.day_rows_beside_project(conn, user_id, project)
    records = _forget_sessions(conn, user_id, {*sessions, *rows})
    for number in rows:
        if row := store.session_by_number(conn, number):
            store.forget_closed_day(conn, user_id, row.day, TOOL_BY_ID[row.tool_type_id].number, Road.DAY_ROWS)
    store.forget_closed_project(conn, user_id, project)
    for number in [*sessions, *rows]:
        store.delete_session(conn, number)
    recount(conn, user_id, days=days, now=now)
    if sessions:
        note(conn, "usage_forgotten", user_id, caller, now, prefix=prefix, sessions=len(sessions), records=records)
    return len(sessions), records


def _forget_sessions(conn: sqlite3.Connection, user_id: str, sessions: set[int]) -> int:
    """Remove all records of sessions, and the identities of those that are closed; return how many."""
    keys = store.keys_of_sessions(conn, user_id, sessions)
    store.delete_records(conn, user_id, keys)
    person = store.before_write(conn, user_id).closed_person
    if person is None:
        return len(keys)
    closed = store.closed_keys_of_sessions(conn, person, sessions)
    store.forget_closed_records(conn, person, closed)
    return len(keys) + len(closed)
