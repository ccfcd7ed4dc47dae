"""Let administrators decide on flagged sessions."""

import sqlite3

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core.clock import Days
from arena.core.errors import Conflict, NotFound
from arena.usage import store
from arena.usage.actions.book import Book
from arena.usage.models import (
    VERDICTS,
    AnomalyState,
    Verdict,
)


def judge(
    conn: sqlite3.Connection, *, session_id: str, verdict: Verdict, days: Days, caller: Caller, now: int, by: str
) -> bool:
    """Let an administrator decide on a flagged session; every sum and board follows. Returns whether that is new.

    ``fine`` has seen it and lets it count, ``exclude`` leaves it out of ranking whatever is sent of it later,
    ``restore`` lets it count again. What is closed of a session stays where it is. Raises `NotFound` for a session
    that was not flagged, and `Conflict` for one that somebody else excluded before it was found fine, or of which only
    its identity is left.
    """
    found = store.anomaly(conn, session_id)
    if found is None:
        raise NotFound("There is no flagged session at this address; its person may have removed it.")
    if verdict == "fine" and found.state == "excluded":
        raise Conflict("This session was left out of ranking meanwhile. Restore it if it should count.")
    state: AnomalyState = "excluded" if verdict == "exclude" else "fine"
    if found.state == state or (verdict == "restore" and found.state == "open"):
        return False
    moves = "excluded" in (found.state, state)
    if moves and store.is_closed(conn, session_id):
        raise Conflict("This session is older than detail is kept, so what it counts stays as it is.")
    if found.state == "fine":  # its figures are of then
        counts = store.token_usage(conn, session_id)
        found.input_tokens, found.output_tokens = counts.input, counts.output
        found.cache_tokens = counts.cache_write + counts.cache_read
    found.state, found.decided_at, found.decided_by = state, now, by
    if moves:
        book = Book(conn, found.user_id, days, now)
        book.take_apart(found)
        book.close()
    store.put_anomaly(conn, found)
    note(conn, VERDICTS[verdict], found.user_id, caller, now, session=session_id, by=by)
    return True
