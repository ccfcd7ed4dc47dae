"""What reaches people by mail: their address, invitations, and links to set a new password."""

import sqlite3
from functools import partial

from arena.accounts import rules, store
from arena.accounts.actions import guesses, links
from arena.accounts.actions.people import refuse, with_id
from arena.accounts.models import EmailLink, Reader, Role
from arena.audit.actions import note
from arena.audit.models import OPERATOR, Caller
from arena.core import ids
from arena.core.clock import DAY, HOUR, written
from arena.core.db import Database
from arena.core.errors import Invalid, NotFound, TooMany
from arena.core.letters import Letterhead, letter
from arena.deliveries import actions as deliveries
from arena.deliveries.models import Mail
from arena.deliveries.rules import mail_address

CONFIRM_LASTS = DAY
RESET_LASTS = HOUR
"""Milliseconds that a mailed link works."""
CONFIRMS_A_DAY = 5
"""Links to confirm an address that one person has mailed in a day, to whatever addresses."""
SAME_ADDRESS = 5
"""How many accounts with one address are mailed at once."""
NOBODY = Reader("", "somebody", "Somebody", "somebody@example.org")
"""Whose letter is written where there is nobody, so that both take the same time."""


# -- the address


def ask_address(
    conn: sqlite3.Connection, *, user_id: str, typed: str, head: Letterhead, caller: Caller, now: int
) -> str:
    """Mail a link to an address that somebody wants mail to go to, and return it; until then nothing changes.

    Raises `Invalid`, and `TooMany` after five in a day.
    """
    person, address = with_id(conn, user_id), _address(typed)
    if address == store.mail_of(conn, user_id).email:
        refuse(email="Mail goes to this address already.")
    if deliveries.lately(conn, user_id, topic="confirm_address", since=now - DAY) >= CONFIRMS_A_DAY:
        raise TooMany(f"{CONFIRMS_A_DAY} links were mailed for you since yesterday. Try again tomorrow.")
    token, until = ids.token(), now + CONFIRM_LASTS
    store.put_email_link(conn, user_id, ids.digest(token), address, now, until)
    link = f"{head.address}/settings/email/{token}"
    _mail(
        conn,
        Reader(user_id, person.name, person.display, address),
        "confirm_address",
        head,
        now,
        CONFIRM_LASTS,
        link=link,
        until=written(until, head.zone),
    )
    return address


def look_at_address(conn: sqlite3.Connection, *, user_id: str, token: str, now: int) -> EmailLink:
    """Read which address a mailed link confirms. Raises `NotFound` with the reason why it does not."""
    link = store.email_link(conn, ids.digest(token))
    if link is None or link.user_id != user_id or link.expires_at <= now:
        raise NotFound(
            "This link confirms nothing here: it is over, a newer one has taken its place, or it is for another "
            "account than the one that is signed in. Ask for a new one in your settings."
        )
    return link


def confirm_address(
    conn: sqlite3.Connection, *, user_id: str, token: str, head: Letterhead, caller: Caller, now: int
) -> str:
    """Let mail to somebody go to the address behind a link, and tell that of before; return it. Raises `NotFound`."""
    address = look_at_address(conn, user_id=user_id, token=token, now=now).email
    _change_address(conn, user_id, address, head, caller, now)
    return address


def remove_address(
    conn: sqlite3.Connection, *, user_id: str, head: Letterhead | None, caller: Caller, now: int
) -> None:
    """Let mail to somebody go nowhere, and tell the address of before; without a letterhead the box sends no mail."""
    _change_address(conn, user_id, None, head, caller, now)


def _change_address(
    conn: sqlite3.Connection, user_id: str, address: str | None, head: Letterhead | None, caller: Caller, now: int
) -> None:
    before = store.reader(conn, user_id)
    store.set_email(conn, user_id, address, now)
    store.drop_email_link(conn, user_id)
    if before is not None and before.email != address and head is not None:
        _mail(
            conn,
            before,
            "address_changed",
            head,
            now,
            name=before.name,
            is_removed=address is None,
            at=written(now, head.zone),
            place=place_of(caller.address, caller.agent),
        )
    if before is not None or address is not None:
        note(conn, "email_changed", user_id, caller, now, removed=1 if address is None else None)


# -- the weekly mail


def set_digest(conn: sqlite3.Connection, *, user_id: str, wanted: bool, caller: Caller, now: int) -> None:
    """Send somebody the weekly mail, or not any more. Raises `Invalid` where mail to them goes nowhere."""
    if wanted and store.mail_of(conn, user_id).email is None:
        raise Invalid("Confirm an address first: there is none that mail to you could go to.")
    if store.set_digest(conn, user_id, wanted, now):
        note(conn, "user_settings_updated", user_id, caller, now, changed="weekly_digest")


# -- invitations


def invite_by_mail(
    conn: sqlite3.Connection,
    *,
    to: str,
    name: str | None,
    role: Role = "member",
    days: int,
    head: Letterhead,
    by_name: str = "",
    caller: Caller,
    now: int,
    by: str | None = None,
) -> str:
    """Mail somebody new a one-time link; return the address. Raises as `links.invite`, and `Invalid` for none."""
    address = _address(to)
    token = links.invite(conn, name=name, role=role, days=days, caller=caller, now=now, by=by)
    made = letter(
        "invitation",
        head,
        by=by_name or "Whoever runs it",
        name=rules.name_of(name) if name else "",
        link=f"{head.address}/join/{token}",
        until=written(now + days * DAY, head.zone),
    )
    message = Mail(address, "", made.subject, made.text, made.html)
    deliveries.enqueue(conn, message, topic="invitation", now=now, is_secret=True, lasts=days * DAY)
    return address


# -- a new password


async def ask_reset(db: Database, *, typed: str, head: Letterhead, secret: str, caller: Caller, now: int) -> None:
    """Mail a link that lets its person set a new password, if somebody with a confirmed address is called so.

    Nothing tells whether there is anybody: the same is counted, looked up and written either way. Raises `TooMany`
    after a few in an hour, for one name or address and for one network.
    """
    await guesses.begin(db, counters=rules.reset_counters(secret, typed, caller.address), now=now)
    await db.write(partial(_reset, typed=typed, head=head, caller=caller, now=now))


def _reset(conn: sqlite3.Connection, typed: str, head: Letterhead, caller: Caller, now: int) -> None:
    address = mail_address(typed) or ""
    found = store.readers_called(conn, rules.name_of(typed), address, SAME_ADDRESS)
    for person in found or [NOBODY]:
        token, until = ids.token(), now + RESET_LASTS
        message = _letter(
            person,
            "password_reset",
            head,
            name=person.name,
            link=f"{head.address}/join/{token}",
            until=written(until, head.zone),
            place=place_of(caller.address, caller.agent).removeprefix(" from ") or "an unknown place",
        )
        if person is NOBODY:
            continue
        role = with_id(conn, person.id).role
        store.add_link(conn, ids.digest(token), "sign-in", person.id, person.name, role, now, until)
        note(conn, "password_reset_asked", person.id, caller, now, **links.how(token))
        deliveries.enqueue(
            conn, message, topic="password_reset", now=now, user_id=person.id, is_secret=True, lasts=RESET_LASTS
        )


# -- what letters share


def place_of(address: str | None, agent: str | None) -> str:
    """Write where something came from: " from 10.0.0.7 with Firefox on Linux"; empty if nobody knows."""
    if agent == OPERATOR.agent:
        return " from the machine of the box itself"
    words = f" from {address}" if address else ""
    return f"{words} with {rules.agent_words(agent)}" if agent else words


def _mail(
    conn: sqlite3.Connection, to: Reader, topic: str, head: Letterhead, now: int, lasts: int = 3 * DAY, **about: object
) -> None:
    message = _letter(to, topic, head, **about)
    is_secret = "link" in about
    deliveries.enqueue(conn, message, topic=topic, now=now, user_id=to.id, is_secret=is_secret, lasts=lasts)


def _letter(to: Reader, topic: str, head: Letterhead, **about: object) -> Mail:
    made = letter(topic, head, person=to.display, **about)
    return Mail(to.email, to.display, made.subject, made.text, made.html)


def _address(typed: str) -> str:
    address = mail_address(typed)
    refuse(email=None if address else "This is no address that mail can go to. Write one like alice@example.org.")
    return address or ""
