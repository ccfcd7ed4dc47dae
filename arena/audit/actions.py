"""Write down what happened."""

import sqlite3
from typing import Any

import msgspec

from arena.audit import store
from arena.audit.models import Caller
from arena.core import ids


def note(conn: sqlite3.Connection, event: str, user_id: str | None, caller: Caller, now: int, **details: Any) -> None:
    """Append an event in the caller's own transaction, so that it is written exactly when the deed is."""
    store.add(
        conn,
        ids.uuid7(),
        user_id,
        event,
        caller.address[:45] if caller.address else None,
        caller.agent[:300] if caller.agent else None,
        msgspec.json.encode(details).decode(),
        now,
    )
