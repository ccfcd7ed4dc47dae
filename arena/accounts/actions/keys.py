"""Make, check and revoke API keys."""

import sqlite3
from typing import Any

from arena.accounts import rules, store
from arena.accounts.actions.people import someone
from arena.accounts.models import Key, KeyOwner, Person, Way
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
    key = _add(conn, user_id, label, now)
    note(conn, "api_key_generated", user_id, caller, now, prefix=key[: rules.PREFIX_LENGTH], way=way, by=by)
    return key


def replace_key(conn: sqlite3.Connection, *, user_id: str, prefix: str = "", caller: Caller, now: int) -> str:
    """Make a key in place of the one with this prefix, or of the newest, which opens nothing from now on; return it.

    The new one takes the label of the old. Raises `NotFound` and `Conflict`.
    """
    old = _live(conn, user_id, prefix)
    if old is None:
        raise NotFound("There is no live key to put another in place of. Sign in with `arena login`.")
    store.revoke_keys(conn, user_id, old.prefix, now)
    key = _add(conn, user_id, old.label, now)
    note(conn, "api_key_regenerated", user_id, caller, now, prefix=key[: rules.PREFIX_LENGTH], old=old.prefix)
    return key


def revoke_key(
    conn: sqlite3.Connection, *, user_id: str, prefix: str, caller: Caller, now: int, by: str | None = None
) -> None:
    """Let a person's key open nothing any more. Raises `NotFound` when they have no live key with this prefix."""
    prefix = prefix.strip()[: rules.PREFIX_LENGTH]
    if not store.revoke_keys(conn, user_id, prefix, now):
        raise NotFound("There is no live key with this prefix.")
    note(conn, "api_key_revoked", user_id, caller, now, prefix=prefix, by=by)


def revoke_all(conn: sqlite3.Connection, *, user_id: str, caller: Caller, now: int) -> list[str]:
    """Let none of a person's keys open anything any more; return the prefixes of those that did until now."""
    prefixes = [key.prefix for key in store.keys_of(conn, user_id) if key.revoked_at is None]
    for prefix in prefixes:
        revoke_key(conn, user_id=user_id, prefix=prefix, caller=caller, now=now)
    return prefixes


def revoke_any_key(conn: sqlite3.Connection, *, id: str, caller: Caller, now: int, by: str) -> Key:
    """Let a key, whosever it is, open nothing any more; one that was revoked before stays so. Raises `NotFound`."""
    key = store.key(conn, id)
    if key is None:
        raise NotFound("There is no such key any more.")
    if key.revoked_at is None:
        owner = someone(conn, key.username)
        revoke_key(conn, user_id=owner.id, prefix=key.prefix, caller=caller, now=now, by=by)
    return key


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


def _add(conn: sqlite3.Connection, user_id: str, label: str, now: int) -> str:
    person = store.user(conn, user_id)
    if person is None:
        raise NotFound("There is nobody with this id.")
    if person.is_disabled:
        raise Conflict(f"{person.name} is disabled; enable them first.")
    if store.live_keys(conn, user_id) >= rules.LIVE_KEYS:
        raise Conflict(f"{person.name} has {rules.LIVE_KEYS} keys, as many as may be. Revoke one first.")
    key = rules.new_key()
    store.add_key(conn, ids.uuid7(), user_id, ids.digest(key), key[: rules.PREFIX_LENGTH], label, now)
    return key


def _live(conn: sqlite3.Connection, user_id: str, prefix: str) -> Key | None:
    """A person's live key with this prefix; without a prefix, the newest."""
    if not prefix:
        return store.newest_key(conn, user_id)
    found = (key for key in store.keys_of(conn, user_id) if key.prefix == prefix and key.revoked_at is None)
    return next(found, None)
