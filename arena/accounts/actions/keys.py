"""Make, check and revoke API keys."""

import sqlite3
from typing import Any

from arena.accounts import rules, store
from arena.accounts.models import KeyOwner, Person, Way
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids
from arena.core.errors import Conflict, Invalid, NotFound


def make_key(
    conn: sqlite3.Connection,
    *,
    user_id: str,
    label: str = "",
    way: Way = "page",
    caller: Caller,
    now: int,
    by: str | None = None,
) -> str:
    """Make an API key for one machine and return it: this is the only time that it can be seen.

    ``way`` is how somebody came to it, for the security log. Raises `Invalid` for a label that is too long,
    `NotFound`, and `Conflict` for a person who is disabled or has as many keys as may be.
    """
    label = rules.display_of(label) or "laptop"
    if len(label) > rules.LABEL_LENGTH:
        raise Invalid(f"A label has at most {rules.LABEL_LENGTH} characters; this one has {len(label)}.")
    person = store.user(conn, user_id)
    if person is None:
        raise NotFound("There is nobody with this id.")
    if person.is_disabled:
        raise Conflict(f"{person.name} is disabled; enable them first.")
    if store.live_keys(conn, user_id) >= rules.LIVE_KEYS:
        raise Conflict(f"{person.name} has {rules.LIVE_KEYS} keys, as many as may be. Revoke one first.")
    key = rules.new_key()
    prefix = key[: rules.PREFIX_LENGTH]
    store.add_key(conn, ids.uuid7(), user_id, ids.digest(key), prefix, label, now)
    note(conn, "api_key_generated", user_id, caller, now, prefix=prefix, way=way, by=by)
    return key


def revoke_key(
    conn: sqlite3.Connection, *, user_id: str, prefix: str, caller: Caller, now: int, by: str | None = None
) -> None:
    """Let a person's key open nothing any more. Raises `NotFound` when they have no live key with this prefix."""
    prefix = prefix.strip()[: rules.PREFIX_LENGTH]
    if not store.revoke_keys(conn, user_id, prefix, now):
        raise NotFound("There is no live key with this prefix.")
    note(conn, "api_key_revoked", user_id, caller, now, prefix=prefix, by=by)


def still_good(conn: sqlite3.Connection, owner: KeyOwner) -> Person | None:
    """Look a key up again inside a write: its owner as they are now, or None if it opens nothing any more."""
    found = store.user_by_key_id(conn, owner.key_id)
    return found.person if found and found.is_good else None


def note_refusal(
    conn: sqlite3.Connection, *, event: str, key_id: str, user_id: str, caller: Caller, now: int, **details: Any
) -> None:
    """Write down that a known key was refused, in the security log and beside the key."""
    store.set_key_refused(conn, key_id, now)
    note(conn, event, user_id, caller, now, **details)
