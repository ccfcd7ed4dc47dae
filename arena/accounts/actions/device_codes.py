"""Sign a machine without a browser in: it shows a code, somebody types it elsewhere and says yes or no (RFC 8628).

The key is made when the machine comes for it, so that nobody else ever holds it.
"""

import sqlite3
from collections.abc import Callable
from typing import Literal

from arena.accounts import rules, store
from arena.accounts.actions import guesses
from arena.accounts.actions.keys import make_key
from arena.accounts.models import DeviceCode, NewCodes, NewKey
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids
from arena.core.db import Database
from arena.core.errors import Conflict, Invalid, TooMany

Wait = Literal["authorization_pending", "slow_down", "access_denied", "expired_token", "invalid_grant"]
"""Why a machine gets no key, or not yet; the words of RFC 8628, section 3.5."""


def ask(conn: sqlite3.Connection, *, label: str, caller: Caller, now: int) -> NewCodes:
    """Let a machine ask for a key, and give it the two codes. Raises `TooMany` while too many others wait."""
    if store.device_codes_waiting(conn, now) >= rules.CODES_WAITING:
        raise TooMany("Too many machines wait to be signed in. Try again in a few minutes.", retry_after=60)
    codes = NewCodes(ids.token(), rules.new_user_code())
    store.add_device_code(
        conn,
        ids.digest(codes.device_code),
        ids.digest(codes.user_code),
        rules.label_of(label),
        caller.address[:45] if caller.address else None,
        caller.agent[:300] if caller.agent else None,
        rules.CODE_PAUSE,
        now,
        now + rules.CODE_LIFE,
    )
    return codes


async def answer(
    db: Database,
    *,
    code: str,
    allow: bool | None,
    user_id: str,
    secret: str,
    caller: Caller,
    now: int,
    still: Callable[[sqlite3.Connection], None] = lambda _: None,
) -> DeviceCode:
    """Say yes or no, once, to the machine that waits behind a short code; None only looks who it is.

    Raises `Invalid` with the reason why there is none, `TooMany` once too many codes were wrong, and `Conflict` for
    somebody who has as many keys as may be; the machine then goes on waiting. ``still`` raises in the write if they
    may not any more.
    """
    begun = await guesses.begin(db, counters=rules.code_counters(secret, user_id, caller.address), now=now)

    def write(conn: sqlite3.Connection) -> DeviceCode | Invalid | Conflict:
        still(conn)
        asked = store.device_code_by_user_code(conn, ids.digest(rules.user_code_of(code)))
        if asked is None:
            return Invalid("No machine waits behind this code. Compare it with your terminal; it has eight letters.")
        guesses.was_right(conn, begun=begun, now=now)
        if problem := rules.device_code_problem(asked, now):
            return Invalid(problem)
        if allow and store.live_keys(conn, user_id) >= rules.LIVE_KEYS:
            return Conflict(f"You have {rules.LIVE_KEYS} keys, as many as may be. Revoke one on the dashboard first.")
        if allow is not None:
            store.answer_device_code(conn, asked.device_hash, "allowed" if allow else "denied", user_id)
            note(conn, "device_code_answered", user_id, caller, now, allowed=allow, asked_from=asked.ip_address)
        return asked

    found = await db.write(write)
    if not isinstance(found, DeviceCode):
        raise found
    return found


def collect(conn: sqlite3.Connection, *, device_code: str, caller: Caller, now: int) -> NewKey | Wait:
    """Give a machine its key, once, after somebody said yes; or tell it what to do instead."""
    asked = store.device_code(conn, ids.digest(device_code))
    if asked is None or asked.state == "used":
        return "invalid_grant"
    if asked.state == "denied":
        return "access_denied"
    if asked.expires_at <= now:
        return "expired_token"
    if asked.state == "pending" or asked.user_id is None:
        hasty = asked.polled_at is not None and now - asked.polled_at < asked.pause * 1000
        store.set_device_code_polled(conn, asked.device_hash, asked.pause + rules.CODE_PAUSE * hasty, now)
        return "slow_down" if hasty else "authorization_pending"
    try:
        key = make_key(conn, user_id=asked.user_id, label=asked.label, way="device", caller=caller, now=now)
    except Conflict:  # since the yes they were disabled, or made as many keys as may be
        store.answer_device_code(conn, asked.device_hash, "denied", asked.user_id)
        return "access_denied"
    store.answer_device_code(conn, asked.device_hash, "used", asked.user_id)
    person = store.user(conn, asked.user_id)
    return NewKey(person, key) if person else "access_denied"
