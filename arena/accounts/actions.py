"""What people and the operator do with accounts.

Functions of `conn` run inside a write of their caller (`db.write`, `db.write_sync`); those that check or make a
password take `db`, because hashing is slow and must not hold up the writer. ``by`` is the id of the administrator
who does it to somebody else; nobody's id means the person themselves or the operator.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from arena.accounts import rules, store
from arena.accounts.models import Export, KeyOwner, Link, LinkKind, Person, Role, SessionOwner, SignedIn
from arena.audit.actions import note
from arena.audit.models import OPERATOR, Caller
from arena.core import ids
from arena.core.clock import DAY
from arena.core.db import Database
from arena.core.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn

T = TypeVar("T")
HASHING = ThreadPoolExecutor(2, thread_name_prefix="arena-password")
"""Two hashes at once, 64 MiB each: a crowd that signs in waits its turn and cannot fill the memory."""
WRONG = "The user name or the password is wrong."

# -- one-time links


def create_first_link(conn: sqlite3.Connection, *, days: int, now: int, caller: Caller = OPERATOR) -> str | None:
    """Make the link whose visitor becomes the administrator, as long as there is none; earlier ones stop working.

    Returns the token.
    """
    if store.enabled_admins(conn):
        return None
    store.drop_unused_admin_links(conn)
    return _add_link(conn, "admin", None, None, "admin", days, caller, now, None)


def invite(
    conn: sqlite3.Connection,
    *,
    name: str | None,
    role: Role = "member",
    days: int,
    caller: Caller,
    now: int,
    by: str | None = None,
) -> str:
    """Make a link that lets somebody new in, under a given name or one of their choice; return its token.

    An earlier invitation for the same name stops working. Raises `Invalid` for a bad name, `Conflict` for a taken one.
    """
    if name is not None:
        name = rules.name_of(name)
        _refuse(name=rules.name_problem(name))
        if store.user_by_name(conn, name):
            raise Conflict(f"The user name {name} is taken.")
        store.drop_unused_invitations(conn, name)
    return _add_link(conn, "invite", None, name, role, days, caller, now, by)


def sign_in_link(
    conn: sqlite3.Connection, *, name: str, days: int, caller: Caller, now: int, by: str | None = None
) -> str:
    """Make a link that signs a person in and lets them set a password; return its token. Earlier ones stop working.

    Raises `NotFound`, and `Conflict` for somebody who is disabled.
    """
    person = someone(conn, name)
    if person.is_disabled:
        raise Conflict(f"{person.name} is disabled; enable them first.")
    store.drop_unused_sign_in_links(conn, person.id)
    return _add_link(conn, "sign-in", person.id, person.name, person.role, days, caller, now, by)


def look_at_link(conn: sqlite3.Connection, *, token: str, now: int) -> Link:
    """Read a link without using it up. Raises `NotFound` with the reason why it does not open."""
    link = store.link_by_hash(conn, ids.digest(token))
    problem = rules.link_problem(link, now)
    if problem is None and link is not None and link.kind == "admin" and store.enabled_admins(conn):
        problem = "This link has done its work: there is an administrator already. Ask them for an invitation."
    if problem is not None or link is None:
        raise NotFound(problem or "")
    return link


async def join(
    db: Database,
    *,
    token: str,
    name: str,
    display: str,
    password: str,
    session_days: int,
    caller: Caller,
    now: int,
    previous: str | None = None,
) -> SignedIn:
    """Use a link up and sign its visitor in: a new person, or for a sign-in link the one it was made for.

    ``previous`` is the token of a web session that ends with it. A sign-in link sets the password if one is given,
    must set it if there is none yet, and then ends that person's other web sessions. Raises `NotFound` for a link
    that does not open, and `Invalid` whose details say ``{"errors": {field: sentence}}``; the link can then be used
    again.
    """
    link = db.glance(partial(look_at_link, token=token, now=now))
    if link.kind == "sign-in":
        stored = db.glance(partial(store.password_by_name, username=link.name or ""))
        if password or stored is None or stored.hash is None:
            _refuse(password=rules.password_problem(password, link.name or ""))
        hashed = await _slowly(partial(rules.hash_password, password)) if password else None
        enter = partial(_come_back, hashed=hashed)
    else:
        name = link.name or rules.name_of(name)
        display = rules.display_of(display) or name
        _refuse(
            name=rules.name_problem(name) or db.glance(partial(_taken, name=name)),
            display=rules.display_problem(display),
            password=rules.password_problem(password, name),
        )
        hashed = await _slowly(partial(rules.hash_password, password))
        enter = partial(_arrive, name=name, display=display, hashed=hashed)

    def write(conn: sqlite3.Connection) -> SignedIn:
        link = look_at_link(conn, token=token, now=now)
        if not store.claim_link(conn, ids.digest(token), now):
            raise NotFound(rules.link_problem(link, now) or "")
        person = enter(conn, link=link, caller=caller, now=now)
        return _open_session(conn, person, session_days, caller, now, previous)

    return await db.write(write)


# -- web sessions


async def sign_in(
    db: Database,
    *,
    name: str,
    password: str,
    session_days: int,
    caller: Caller,
    now: int,
    previous: str | None = None,
) -> SignedIn:
    """Open a web session for whoever knows the password; ``previous`` is the token of one that ends with it.

    Raises `NotSignedIn` with one sentence, after the same time, whether the name or the password is wrong, and
    `Forbidden` for somebody who is right and disabled.
    """
    name = rules.name_of(name)
    found = db.glance(partial(store.password_by_name, username=name))
    stored = found.hash if found else None
    right = await _slowly(partial(rules.is_password, stored, password))
    if not right or found is None or stored is None:
        # Not the name that was typed: people type their password there.
        user_id = found.user_id if found else None
        await db.write(lambda conn: note(conn, "sign_in_failed", user_id, caller, now))
        raise NotSignedIn(WRONG)
    rehashed = await _slowly(partial(rules.hash_password, password)) if rules.wants_rehash(stored) else None

    def write(conn: sqlite3.Connection) -> SignedIn | None:
        person = store.user_by_name(conn, name)
        if person is None or store.password_by_name(conn, name) != found:  # changed while we hashed
            return None
        if person.is_disabled:
            note(conn, "sign_in_failed", person.id, caller, now, reason="disabled")
            return SignedIn(person, "")
        if rehashed is not None:
            store.set_password(conn, person.id, rehashed, now)
        return _open_session(conn, person, session_days, caller, now, previous)

    opened = await db.write(write)
    if opened is None:
        raise NotSignedIn(WRONG)
    if not opened.token:
        raise Forbidden("This account is disabled. Ask an administrator of this arena.")
    return opened


def sign_out(conn: sqlite3.Connection, *, token: str, caller: Caller, now: int) -> None:
    """End the web session with this token, if there is one."""
    user_id = store.end_session(conn, ids.digest(token))
    if user_id is not None:
        note(conn, "user_signed_out", user_id, caller, now)


def identify(conn: sqlite3.Connection, *, token: str, now: int) -> SessionOwner | None:
    """Say whose web session this is, unless it is over or its person disabled."""
    found = store.user_by_session_hash(conn, ids.digest(token))
    return found if found and found.expires_at > now and not found.person.is_disabled else None


# -- API keys


def make_key(
    conn: sqlite3.Connection, *, user_id: str, label: str = "", caller: Caller, now: int, by: str | None = None
) -> str:
    """Make an API key for one machine and return it: this is the only time that it can be seen.

    Raises `Invalid` for a label that is too long, `NotFound`, and `Conflict` for a person who is disabled or has as
    many keys as may be.
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
    note(conn, "api_key_generated", user_id, caller, now, prefix=prefix, label=label, by=by)
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
    return found.person if found and found.revoked_at is None and not found.person.is_disabled else None


def note_refusal(conn: sqlite3.Connection, *, key_id: str, user_id: str, reason: str, caller: Caller, now: int) -> None:
    """Write down that a known key was refused, once in ten minutes however often it is tried."""
    if store.claim_refusal(conn, key_id, now - rules.NOTE_EVERY, now):
        note(conn, "api_key_invalid", user_id, caller, now, reason=reason)


# -- people


def add_user(
    conn: sqlite3.Connection,
    *,
    name: str,
    display: str = "",
    role: Role = "member",
    password_hash: str | None = None,
    caller: Caller,
    now: int,
    by: str | None = None,
) -> Person:
    """Create a person. Raises `Invalid` for a bad name or display name, `Conflict` when the name is taken."""
    name = rules.name_of(name)
    display = rules.display_of(display) or name
    _refuse(name=rules.name_problem(name), display=rules.display_problem(display))
    if store.user_by_name(conn, name):
        raise Conflict(f"The user name {name} is taken.")
    id = ids.uuid7()
    store.add_user(conn, id, name, display, role, password_hash, now)
    note(conn, "user_created", id, caller, now, name=name, role=role, by=by)
    return Person(id, name, display, role, False, None, None, now)


def disable_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Shut a person out: web sessions and sign-in links end, keys are refused. Nothing of theirs is lost.

    Raises `NotFound`, and `Conflict` for the last administrator.
    """
    person = someone(conn, name)
    if person.is_disabled:
        return person
    _refuse_last_admin(conn, person, "disabled")
    store.set_disabled(conn, person.id, now, now)
    store.end_sessions(conn, person.id)
    store.drop_unused_sign_in_links(conn, person.id)
    note(conn, "user_disabled", person.id, caller, now, name=person.name, by=by)
    return someone(conn, name)


def enable_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Let a disabled person in again; their keys work as before. Raises `NotFound`."""
    person = someone(conn, name)
    if not person.is_disabled:
        return person
    store.set_disabled(conn, person.id, None, now)
    note(conn, "user_enabled", person.id, caller, now, name=person.name, by=by)
    return someone(conn, name)


def promote_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Make a person an administrator. Raises `NotFound`."""
    person = someone(conn, name)
    if person.is_admin:
        return person
    store.set_role(conn, person.id, "admin", now)
    note(conn, "user_promoted", person.id, caller, now, name=person.name, by=by)
    return someone(conn, name)


def delete_user(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Person:
    """Delete a person and everything that belongs to them; return who it was.

    Raises `NotFound`, and `Conflict` for the last administrator.
    """
    person = someone(conn, name)
    _refuse_last_admin(conn, person, "deleted")
    store.delete_user(conn, person.id)
    note(conn, "user_deleted", person.id, caller, now, name=person.name, by=by)
    return person


def export_user(conn: sqlite3.Connection, *, name: str) -> Export:
    """Gather what this room knows about a person, without any secret. Raises `NotFound`."""
    person = someone(conn, name)
    account = store.account(conn, person.id)
    if account is None:
        raise NotFound(f"There is nobody called {person.name}.")
    return Export(account, store.keys_of(conn, person.id), store.sessions_of(conn, person.id))


def someone(conn: sqlite3.Connection, name: str) -> Person:
    """The person with this user name, in any case. Raises `NotFound`."""
    name = rules.name_of(name)
    person = store.user_by_name(conn, name)
    if person is None:
        raise NotFound(f"There is nobody called {rules.display_of(name)[:50]}.")
    return person


def tidy(db: Database, now: int) -> int:
    """Delete web sessions and links that are over; return how many there were. (From a thread: it waits.)"""
    return db.write_sync(lambda conn: store.drop_expired_sessions(conn, now) + store.drop_expired_links(conn, now))


# -- parts of the above


def _add_link(
    conn: sqlite3.Connection,
    kind: LinkKind,
    user_id: str | None,
    name: str | None,
    role: Role,
    days: int,
    caller: Caller,
    now: int,
    by: str | None,
) -> str:
    token = ids.token()
    store.add_link(conn, ids.digest(token), kind, user_id, name, role, now, now + days * DAY)
    note(conn, "invitation_created", user_id, caller, now, kind=kind, name=name, role=role, by=by)
    return token


def _arrive(
    conn: sqlite3.Connection, *, link: Link, name: str, display: str, hashed: str, caller: Caller, now: int
) -> Person:
    _refuse(name=_taken(conn, name))
    return add_user(conn, name=name, display=display, role=link.role, password_hash=hashed, caller=caller, now=now)


def _come_back(conn: sqlite3.Connection, *, link: Link, hashed: str | None, caller: Caller, now: int) -> Person:
    person = store.user(conn, link.user_id or "")
    if person is None or person.is_disabled:
        raise NotFound("This link does not open any more: the account is disabled.")
    if hashed is not None:
        store.set_password(conn, person.id, hashed, now)
        store.end_sessions(conn, person.id)
        note(conn, "password_changed", person.id, caller, now)
    return person


def _open_session(
    conn: sqlite3.Connection, person: Person, days: int, caller: Caller, now: int, previous: str | None
) -> SignedIn:
    if previous is not None:
        store.end_session(conn, ids.digest(previous))
    token = ids.token()
    address = caller.address[:45] if caller.address else None
    agent = caller.agent[:300] if caller.agent else None
    store.add_session(conn, ids.uuid7(), person.id, ids.digest(token), address, agent, now, now + days * DAY)
    note(conn, "user_signed_in", person.id, caller, now)
    return SignedIn(person, token)


def _taken(conn: sqlite3.Connection, name: str) -> str | None:
    return f"The user name {name} is taken." if store.user_by_name(conn, name) else None


def _refuse(**problems: str | None) -> None:
    errors = {field: sentence for field, sentence in problems.items() if sentence}
    if errors:
        raise Invalid(next(iter(errors.values())), {"errors": errors})


def _refuse_last_admin(conn: sqlite3.Connection, person: Person, what: str) -> None:
    if person.is_admin and not person.is_disabled and store.enabled_admins(conn) == 1:
        raise Conflict(f"{person.name} is the last administrator and cannot be {what}. Promote somebody else first.")


async def _slowly(fn: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(HASHING, fn)
