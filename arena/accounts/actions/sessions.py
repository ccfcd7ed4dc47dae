"""Open and end web sessions."""

import sqlite3
from functools import partial

from arena.accounts import rules, store
from arena.accounts.actions import guesses
from arena.accounts.actions.passwords import refuse_crowd, slowly
from arena.accounts.actions.people import someone
from arena.accounts.models import Device, Person, SessionOwner, SignedIn
from arena.audit.actions import note, seldom
from arena.audit.models import Caller
from arena.audit.rules import Tally
from arena.core import ids
from arena.core.clock import DAY
from arena.core.db import Database
from arena.core.errors import Forbidden, NotFound, NotSignedIn

WRONG = "The user name or the password is wrong."


async def sign_in(
    db: Database,
    *,
    name: str,
    password: str,
    session_days: int,
    secret: str,
    tally: Tally,
    caller: Caller,
    now: int,
    device: Device | None = None,
    previous: str | None = None,
) -> SignedIn:
    """Open a web session for whoever knows the password; ``previous`` is the token of one that ends with it.

    ``device`` is what the browser remembers of those who signed in with it. Raises `NotSignedIn` with one sentence,
    after the same time, whether the name or the password is wrong, `TooMany` with when to try again once too many
    were wrong, `Unavailable` in a crowd, and `Forbidden` for somebody who is right and disabled.
    """
    refuse_crowd()
    name = rules.name_of(name)
    found = db.glance(partial(store.password_by_name, username=name))
    stored = found.hash if found else None
    known = device.id if device and found and stored and rules.is_known(device, found.user_id, stored) else None
    counters = rules.password_counters(secret, name, caller.address, known)
    begun = await guesses.begin(db, counters=counters, now=now)
    right = await slowly(partial(rules.is_password, stored, password))
    if not right or found is None or stored is None:
        # Not the name that was typed: people type their password there.
        user_id, wait = found.user_id if found else None, rules.longest_wait(begun, now)
        if deed := seldom(tally, "sign_in_failed", user_id, caller, now, first=rules.AT_ONE.free, wait=wait):
            await db.write(deed)
        raise NotSignedIn(WRONG)
    rehashed = await slowly(partial(rules.hash_password, password)) if rules.wants_rehash(stored) else None

    def write(conn: sqlite3.Connection) -> SignedIn | None:
        person = store.user_by_name(conn, name)
        if person is None or store.password_by_name(conn, name) != found:  # changed while we hashed
            return None
        guesses.was_right(conn, begun=begun, now=now)
        if person.is_disabled:
            return SignedIn(person, "")
        if rehashed is not None:
            store.set_password(conn, person.id, rehashed, now)
        return open_session(conn, person, session_days, caller, now, previous)

    opened = await db.write(write)
    if opened is None:
        raise NotSignedIn(WRONG)
    if not opened.token:
        if deed := seldom(tally, "sign_in_failed", opened.person.id, caller, now, reason="disabled"):
            await db.write(deed)
        raise Forbidden("This account is disabled. Ask an administrator of this arena.")
    return opened


def sign_out(conn: sqlite3.Connection, *, token: str, caller: Caller, now: int) -> None:
    """End the web session with this token, if there is one."""
    user_id = store.end_session(conn, ids.digest(token))
    if user_id is not None:
        note(conn, "user_signed_out", user_id, caller, now)


def end_one(conn: sqlite3.Connection, *, user_id: str, id: str, caller: Caller, now: int) -> None:
    """End one of a person's web sessions. Raises `NotFound`."""
    if not store.end_session_of(conn, user_id, id):
        raise NotFound("That browser is signed out already.")
    note(conn, "user_signed_out", user_id, caller, now, elsewhere=1)


def end_others(conn: sqlite3.Connection, *, user_id: str, keep: str | None, caller: Caller, now: int) -> None:
    """End all web sessions of a person but the one with the token ``keep``."""
    ended = store.end_other_sessions(conn, user_id, ids.digest(keep) if keep else "")
    if ended:
        note(conn, "user_signed_out", user_id, caller, now, elsewhere=ended)


def end_any_session(conn: sqlite3.Connection, *, id: str, caller: Caller, now: int, by: str) -> Person | None:
    """End a web session, whosever it is; return whose it was, or None if it was over already."""
    user_id = store.end_session_by_id(conn, id)
    if user_id is None:
        return None
    note(conn, "sessions_ended", user_id, caller, now, sessions=1, by=by)
    return store.user(conn, user_id)


def end_sessions_of(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str) -> tuple[Person, int]:
    """End every web session of a person; return whose, and how many there were. Raises `NotFound`."""
    person = someone(conn, name)
    ended = store.end_sessions(conn, person.id)
    if ended:
        note(conn, "sessions_ended", person.id, caller, now, sessions=ended, by=by)
    return person, ended


def identify(conn: sqlite3.Connection, *, token: str, now: int) -> SessionOwner | None:
    """Say whose web session this is, unless it is over or its person disabled."""
    found = store.user_by_session_hash(conn, ids.digest(token))
    return found if found and found.expires_at > now and not found.person.is_disabled else None


def open_session(
    conn: sqlite3.Connection, person: Person, days: int, caller: Caller, now: int, previous: str | None, **how: str
) -> SignedIn:
    """Open a web session for somebody who proved who they are; ``previous`` is the token of one that ends with it.

    ``how`` they did it is for the security log: no secret, no name.
    """
    if previous is not None:
        store.end_session(conn, ids.digest(previous))
    token = ids.token()
    address = caller.address[:45] if caller.address else None
    agent = caller.agent[:300] if caller.agent else None
    store.end_oldest_sessions(conn, person.id, rules.SESSIONS - 1)
    store.add_session(conn, ids.uuid7(), person.id, ids.digest(token), address, agent, now, now + days * DAY)
    note(conn, "user_signed_in", person.id, caller, now, **how)
    return SignedIn(person, token)
