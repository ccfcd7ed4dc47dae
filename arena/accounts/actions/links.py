"""Make one-time links, and let people in through them."""

import sqlite3
from functools import partial

from arena.accounts import rules, store
from arena.accounts.actions.passwords import refuse_crowd, slowly
from arena.accounts.actions.people import add_user, refuse, someone, taken
from arena.accounts.actions.sessions import open_session
from arena.accounts.models import Link, LinkKind, Person, Role, SignedIn
from arena.audit.actions import note
from arena.audit.models import OPERATOR, Caller
from arena.core import ids
from arena.core.clock import DAY
from arena.core.db import Database
from arena.core.errors import Conflict, NotFound

ANYONE = Link("invite", None, None, "member", 0, None)
"""What an open box grants to whoever comes: as if everybody had an invitation."""


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
        refuse(name=rules.name_problem(name))
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


def withdraw_link(conn: sqlite3.Connection, *, mark: str, caller: Caller, now: int, by: str | None = None) -> bool:
    """Let a one-time link that nobody used open nothing; return whether there was one with this mark."""
    if not store.drop_link(conn, mark):
        return False
    note(conn, "link_withdrawn", None, caller, now, link=mark[:8], by=by)
    return True


def look_at_link(conn: sqlite3.Connection, *, token: str, now: int) -> Link:
    """Read a link without using it up. Raises `NotFound` with the reason why it does not open."""
    link = store.link_by_hash(conn, ids.digest(token))
    problem = rules.link_problem(link, now)
    if problem is None and link is not None and link.kind == "admin" and store.enabled_admins(conn):
        problem = "This link has done its work: there is an administrator already. Ask them for an invitation."
    if problem is not None or link is None:
        raise NotFound(problem or "")
    return link


def use_link(conn: sqlite3.Connection, *, token: str | None, now: int) -> Link:
    """Use a link up and return it; without a token, what an open box grants to anyone. Raises `NotFound`."""
    if token is None:
        return ANYONE
    link = look_at_link(conn, token=token, now=now)
    if not store.claim_link(conn, ids.digest(token), now):
        raise NotFound(rules.link_problem(link, now) or "")
    return link


def how(token: str | None) -> dict[str, str]:
    """What the security log says of a link that somebody came by: a mark, which its making has too, and no name."""
    return {"link": ids.digest(token)[:8]} if token is not None else {}


async def join(
    db: Database,
    *,
    token: str | None,
    name: str,
    display: str,
    password: str,
    session_days: int,
    caller: Caller,
    now: int,
    previous: str | None = None,
) -> SignedIn:
    """Use a link up and sign its visitor in: a new person, or for a sign-in link the one it was made for.

    Without a token it is somebody new who needs none: the caller has asked the configuration. ``previous`` is the
    token of a web session that ends with it. A sign-in link sets the password if one is given, must set it if there is
    none yet, and then ends that person's other web sessions. Raises `NotFound` for a link that does not open, and
    `Unavailable` in a crowd or `Invalid` whose details say ``{"errors": {field: sentence}}``; the link can then be
    used again.
    """
    refuse_crowd()
    link = ANYONE if token is None else db.glance(partial(look_at_link, token=token, now=now))
    if link.kind == "sign-in":
        stored = db.glance(partial(store.password_by_name, username=link.name or ""))
        if password or stored is None or stored.hash is None:
            refuse(password=rules.password_problem(password, link.name or ""))
        hashed = await slowly(partial(rules.hash_password, password)) if password else None
        enter = partial(_come_back, hashed=hashed)
    else:
        name = link.name or rules.name_of(name)
        display = rules.display_of(display) or name
        refuse(
            name=rules.name_problem(name) or db.glance(partial(taken, name=name)),
            display=rules.display_problem(display),
            password=rules.password_problem(password, name),
        )
        hashed = await slowly(partial(rules.hash_password, password))
        enter = partial(_arrive, name=name, display=display, hashed=hashed)

    def write(conn: sqlite3.Connection) -> SignedIn:
        link = use_link(conn, token=token, now=now)
        person = enter(conn, link=link, caller=caller, now=now)
        return open_session(conn, person, session_days, caller, now, previous, **how(token))

    return await db.write(write)


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
    note(conn, "invitation_created", user_id, caller, now, kind=kind, role=role, by=by, **how(token))
    return token


def _arrive(
    conn: sqlite3.Connection, *, link: Link, name: str, display: str, hashed: str, caller: Caller, now: int
) -> Person:
    refuse(name=taken(conn, name))
    return add_user(conn, name=name, display=display, role=link.role, password_hash=hashed, caller=caller, now=now)


def _come_back(conn: sqlite3.Connection, *, link: Link, hashed: str | None, caller: Caller, now: int) -> Person:
    person = store.user(conn, link.user_id or "")
    if person is None or person.is_disabled:
        raise NotFound("This link does not open any more: the account is disabled.")
    if hashed is not None:
        store.set_password(conn, person.id, hashed, now)
        store.end_sessions(conn, person.id)
        store.drop_unused_sign_in_links(conn, person.id)
        note(conn, "password_changed", person.id, caller, now)
    return person
