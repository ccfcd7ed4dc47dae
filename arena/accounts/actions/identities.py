"""Let people in by what a provider says of them; link and unlink it.

An identity opens the account that it was linked to, by a link of this box or from within, and no other: an e-mail
address that fits proves only who owns the mailbox today, and would hand the account to whoever a provider says does.
"""

import sqlite3
from collections.abc import Collection

from msgspec.structs import replace

from arena.accounts import rules, store
from arena.accounts.actions.links import how, look_at_link, use_link
from arena.accounts.actions.people import add_user, refuse, taken, with_id
from arena.accounts.actions.sessions import open_session
from arena.accounts.models import Identity, Person, SignedIn
from arena.audit.actions import note, seldom
from arena.audit.models import Caller
from arena.audit.rules import Tally
from arena.core import ids
from arena.core.config import Config
from arena.core.db import Database
from arena.core.errors import Conflict, Forbidden, NotFound


async def come_in(
    db: Database,
    *,
    identity: Identity,
    token: str | None,
    config: Config,
    tally: Tally,
    caller: Caller,
    now: int,
    previous: str | None = None,
) -> SignedIn | None:
    """Open a web session for the person of this identity; None if it is nobody's yet, who may then `join`.

    ``token`` is of the one-time link that they came by, ``previous`` of a web session that ends with it. A sign-in
    link is used up: it links the identity to its person. Raises `NotFound` for a link that does not open, `Conflict`
    for one of another person, and `Forbidden` for somebody who is disabled or may not join.
    """
    provider = identity.provider

    def write(conn: sqlite3.Connection) -> SignedIn | Person | None:
        person = store.user_by_identity(conn, identity.issuer, identity.subject)
        link = look_at_link(conn, token=token, now=now) if token is not None else None
        way = {"provider": identity.provider}
        if link is not None and link.user_id is not None:
            if person is not None and person.id != link.user_id:
                raise Conflict("This identity opens the account of somebody else. Sign in there and unlink it first.")
            use_link(conn, token=token, now=now)
            way |= how(token)
            if person is None and (person := store.user(conn, link.user_id)) is not None:
                _link(conn, person.id, identity, config, caller, now)
        if person is None or person.is_disabled:
            return person
        _note_use(conn, identity, config, now)
        return open_session(conn, person, config.accounts.unseen_days, caller, now, previous, **way)

    found = await db.write(write)
    if isinstance(found, SignedIn):
        return found
    problem, reason = "This account is disabled. Ask an administrator of this arena.", "disabled"
    if found is None:
        if token is not None or not (no := rules.stranger_problem(identity, config.accounts, config.oauth.github)):
            return None
        problem, reason = no, "not invited"
    who, provider = found.id if found else None, identity.provider
    if deed := seldom(tally, "sign_in_failed", who, caller, now, reason=reason, provider=provider):
        await db.write(deed)
    raise Forbidden(problem)


def in_short(identity: Identity, config: Config) -> Identity:
    """What of an identity is needed for an account: a cookie has no room for all that a provider may say."""
    email = rules.address_of(identity, config.accounts)
    display = rules.display_of(identity.display)[: rules.DISPLAY_LENGTH]
    return replace(identity, display=display, emails=(email,) if email else (), organisations=())


def join(
    conn: sqlite3.Connection,
    *,
    identity: Identity,
    token: str | None,
    name: str,
    display: str,
    config: Config,
    caller: Caller,
    now: int,
    previous: str | None = None,
) -> SignedIn:
    """Make an account for an identity that `come_in` let join, use the link up that it came by, and sign in.

    Raises `NotFound` for a link that does not open any more, `Invalid` with the sentences by field, and `Conflict`
    when the identity has an account meanwhile; nothing was then changed.
    """
    if store.user_by_identity(conn, identity.issuer, identity.subject):
        raise Conflict("This identity has an account here by now. Sign in with it.")
    link = use_link(conn, token=token, now=now)
    name = link.name or rules.name_of(name)
    display = rules.display_of(display) or name
    refuse(name=rules.name_problem(name) or taken(conn, name), display=rules.display_problem(display))
    person = add_user(conn, name=name, display=display, role=link.role, caller=caller, now=now)
    _link(conn, person.id, identity, config, caller, now)
    days, provider = config.accounts.unseen_days, identity.provider
    return open_session(conn, person, days, caller, now, previous, provider=provider, **how(token))


def free_name(conn: sqlite3.Connection, identity: Identity) -> str:
    """A user name that nobody has, as near as can be to what somebody is called at their provider."""
    return next(
        name for name in rules.names_like(identity.login or identity.display) if not store.user_by_name(conn, name)
    )


def link(
    conn: sqlite3.Connection, *, user_id: str, identity: Identity, config: Config, caller: Caller, now: int
) -> Person:
    """Make an identity one more way into the account of somebody who is signed in.

    Raises `Conflict` when it opens another account, and `NotFound`.
    """
    person = with_id(conn, user_id)
    owner = store.user_by_identity(conn, identity.issuer, identity.subject)
    if owner is not None and owner.id != user_id:
        raise Conflict("This identity opens another account here. Sign in with it and unlink it there first.")
    if owner is None:
        _link(conn, user_id, identity, config, caller, now)
    return person


def unlink(
    conn: sqlite3.Connection, *, user_id: str, id: str, issuers: Collection[str], caller: Caller, now: int
) -> None:
    """Take a way into an account away. ``issuers`` are those that the box is configured for.

    Raises `NotFound`, and `Conflict` for the last way in.
    """
    mine = store.identities_of(conn, user_id)
    gone = next((each for each in mine if each.id == id), None)
    if gone is None:
        raise NotFound("This is not linked to your account.")
    others = [each for each in mine if each.id != id and each.issuer in issuers]
    if not others and not store.has_password(conn, user_id):
        raise Conflict("This is your only way in. Set a password, or link another account, before you unlink it.")
    store.drop_identity(conn, user_id, id)
    note(conn, "identity_unlinked", user_id, caller, now, provider=gone.provider)


def _link(conn: sqlite3.Connection, user_id: str, identity: Identity, config: Config, caller: Caller, now: int) -> None:
    email = rules.address_of(identity, config.accounts)
    id, provider = ids.uuid7(), identity.provider
    store.add_identity(conn, id, user_id, provider, identity.issuer, identity.subject, identity.login, email, now)
    note(conn, "identity_linked", user_id, caller, now, provider=provider)


def _note_use(conn: sqlite3.Connection, identity: Identity, config: Config, now: int) -> None:
    email = rules.address_of(identity, config.accounts)
    store.set_identity_used(conn, identity.issuer, identity.subject, identity.login, email, now)
