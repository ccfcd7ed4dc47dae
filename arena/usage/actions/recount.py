"""Make sums anew, and remove what somebody does not want here."""

import sqlite3

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core.clock import Days
from arena.usage import store
from arena.usage.actions.book import Book


def recount(conn: sqlite3.Connection, user_id: str, *, days: Days, now: int) -> None:
    """Make every sum of a person anew from their records, each put into the day of the zone as it is now."""
    store.clear_sums(conn, user_id)
    book = Book(conn, user_id, days, now)
    book.take_everything()
    book.close()


def forget(
    conn: sqlite3.Connection, user_id: str, project: str, *, prefix: str, caller: Caller, days: Days, now: int
) -> tuple[int, int]:
    """Remove all that a person sent of a project; return how many sessions and records that were.

    Sums of whole days, which hold the project too, go with it where its records tell the tool and the day. The
    security log says that it was done, by which key, and not of which project.
    """
    sessions = store.sessions_of_project(conn, user_id, project)
    rows = store.day_rows_beside_project(conn, user_id, project)
    records = 0
    for number in [*sessions, *rows]:
        records += store.delete_records_of_session(conn, user_id, number)
        store.delete_session(conn, number)
    recount(conn, user_id, days=days, now=now)
    if sessions:
        note(conn, "usage_forgotten", user_id, caller, now, prefix=prefix, sessions=len(sessions), records=records)
    return len(sessions), records
