"""Look things up for the administrator's pages."""

import sqlite3

import msgspec

from arena.accounts import rules as names
from arena.accounts import store as accounts
from arena.audit import actions as audit
from arena.audit import store as audit_store
from arena.audit.actions import note
from arena.audit.models import Caller, Entry, Query
from arena.operations.models import Log
from arena.operations.rules.log import ID


def person_of(conn: sqlite3.Connection, text: str) -> str | None:
    """The id of whoever is meant by a user name, in any case, or by an id, which may be of somebody deleted."""
    if ID.fullmatch(text):
        return text
    found = accounts.user_by_name(conn, names.name_of(text))
    return found.id if found else None


def log(conn: sqlite3.Connection, asked: Query, *, limit: int, after: tuple[int, int] | None) -> Log:
    """Read a page of the security log with the names of whoever is in it as they are now."""
    found = audit.search(conn, asked, limit=limit, after=after)
    ids = {id for row in found.rows for id in mentioned(row)}
    people = {id: accounts.user(conn, id) for id in ids}
    chain = audit_store.chain(conn)
    oldest = audit_store.following(conn, chain.anchor_seq, 1)
    return Log(
        rows=found.rows,
        names={id: person.name for id, person in people.items() if person},
        more=found.more,
        looked=found.looked,
        chain=chain,
        since=oldest[0].created_at if oldest else None,
    )


def mentioned(row: Entry) -> set[str]:
    """The ids of people in a row: whom it is about, and who did it to them."""
    by = msgspec.json.decode(row.details).get("by")
    return {id for id in (row.user_id, by) if isinstance(id, str)}


def note_export(conn: sqlite3.Connection, *, event: str | None, caller: Caller, now: int, by: str) -> None:
    """Note that rows of the log were handed out: of one event, or of any."""
    note(conn, "audit_exported", None, caller, now, only=event, by=by)
