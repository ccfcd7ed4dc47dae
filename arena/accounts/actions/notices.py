"""Tell people by mail what happened to their account: what the security log says, in words, a minute later at most."""

import sqlite3
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from arena.accounts import rules, store
from arena.accounts.actions.mailing import place_of
from arena.accounts.models import Reader
from arena.audit import store as audit
from arena.audit.models import Entry
from arena.core.clock import DAY, written
from arena.core.db import Database
from arena.core.letters import Letterhead, letter
from arena.deliveries import actions as deliveries
from arena.deliveries.models import Mail

SOME = 500
"""Rows that are looked at in one write."""
TOLD = {
    "password_changed": ("Your password was changed", "the password of your account was changed."),
    "api_key_generated": ("A key was made", "an API key was made for your account. It begins with {prefix}."),
    "api_key_regenerated": ("A key was made", "an API key was made in place of another. It begins with {prefix}."),
    "identity_linked": ("An account was linked", "an account elsewhere ({provider}) opens yours from now on."),
    "slack_linked": ("Slack was linked", "your account was linked with somebody in Slack, who can ask for keys of it."),
    "user_promoted": ("You are an administrator", "your account is one of an administrator from now on."),
    "user_signed_in": ("A sign-in from a new place", "somebody signed in to your account in a way not seen before."),
}
"""Events that people are told of: subject, and what happened."""
SIGN_INS = 200
"""How many earlier sign-ins a new one is compared with."""


def send_notices(db: Database, *, head: Letterhead, now: int) -> int:
    """Mail what happened to accounts since the last time to their people; return how many letters that were.

    What is older than a day is not told any more, nor what happened before this was first asked. (From a thread.)
    """
    mailed = 0
    while db.read_sync(_is_behind):
        mailed += db.write_sync(partial(_tell_some, head=head, now=now))
    return mailed


def _is_behind(conn: sqlite3.Connection) -> bool:
    return store.notices_told(conn) != audit.chain(conn).head_seq


def _tell_some(conn: sqlite3.Connection, head: Letterhead, now: int) -> int:
    told, newest = store.notices_told(conn), audit.chain(conn).head_seq
    rows = audit.following(conn, told, SOME) if told is not None and told <= newest else []
    mailed = sum(_tell(conn, entry, head, now) for entry in rows if entry.created_at > now - DAY)
    store.set_notices_told(conn, rows[-1].seq if rows else newest)
    return mailed


def _tell(conn: sqlite3.Connection, entry: Entry, head: Letterhead, now: int) -> bool:
    if entry.event_type not in TOLD or entry.user_id is None:
        return False
    to = store.reader(conn, entry.user_id)
    if to is None or (entry.event_type == "user_signed_in" and not _is_new(conn, entry)):
        return False
    details: dict[str, Any] = msgspec.json.decode(entry.details)
    # Where an administrator was who did it is not for its person to know.
    place = ", by an administrator" if "by" in details else place_of(entry.ip_address, entry.user_agent)
    title, what = TOLD[entry.event_type]
    message = _letter(to, head, title, what.format_map({"prefix": "", "provider": "", **details}), entry, place)
    return deliveries.enqueue(
        conn, message, topic=entry.event_type, now=now, user_id=to.id, key=f"notice:{entry.seq}:{entry.created_at}"
    )


def _letter(to: Reader, head: Letterhead, title: str, what: str, entry: Entry, place: str) -> Mail:
    at = written(entry.created_at, head.zone)
    made = letter("notice", head, person=to.display, title=f"{title} at {head.name}", what=what, at=at, place=place)
    return Mail(to.email, to.display, made.subject, made.text, made.html)


def _is_new(conn: sqlite3.Connection, entry: Entry) -> bool:
    earlier = audit.newest_of_person(conn, entry.user_id or "", 0, entry.created_at, entry.seq)
    known = ((each.user_agent or "", each.ip_address or "") for each in earlier if each.event_type == "user_signed_in")
    return rules.is_new_place(entry.user_agent or "", entry.ip_address or "", islice(known, SIGN_INS))
