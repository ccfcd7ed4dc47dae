"""What the doors of the house show: signing in, choosing a name behind a one-time link, letting a terminal in."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlencode

from msgspec import Struct

from arena.accounts.models import Key, OpenSession
from arena.accounts.rules import KEY_STATES

PAGE = 50
"""Rows of an administrator's list."""


class SignInPage(Struct, frozen=True):
    """What `accounts/sign_in.html` shows. ``next`` is a path on this site; ``error`` a sentence or empty."""

    next: str = "/"
    name: str = ""
    error: str = ""


class JoinPage(Struct, frozen=True):
    """What `accounts/join.html` shows; its form posts to the address it stands at.

    ``kind``: admin, invite or sign-in. ``errors`` are sentences by field (name, display, password; "" for the whole
    form). With ``name_fixed`` the user name is shown and cannot be changed.
    """

    kind: str
    name: str = ""
    display: str = ""
    name_fixed: bool = False
    errors: dict[str, str] = {}


class TerminalPage(Struct, frozen=True):
    """What `accounts/terminal.html` shows: a program of the visitor's own machine asks for a key.

    ``place`` is the host and port that it listens on; the question lasts until ``until`` (epoch milliseconds).
    """

    redirect_uri: str
    state: str
    place: str
    label: str
    until: int
    error: str = ""


class DevicePage(Struct, frozen=True):
    """What `accounts/device.html` shows: the form for a code, the machine behind it, or how it was answered.

    Times are epoch milliseconds.
    """

    step: Literal["code", "confirm", "allowed", "denied"] = "code"
    code: str = ""
    error: str = ""
    label: str = ""
    address: str = ""
    program: str = ""
    asked_at: int = 0
    now: int = 0
    zone: str = "UTC"


class Outcome(Struct, frozen=True):
    """What became of a deed, in one sentence: it is done, or there is a problem."""

    said: str = ""
    problem: str = ""


class KeysPage(Struct, frozen=True):
    """What `accounts/admin_keys.html` shows. ``person`` and ``state`` are what was asked for; empty means any."""

    person: str
    state: str
    states: dict[str, str]
    keys: tuple[Key, ...]
    here: str
    """The query of this very page, for the forms on it."""
    more_href: str
    newest_href: str
    outcome: Outcome
    now: int
    zone: str


class SessionsPage(Struct, frozen=True):
    """What `accounts/admin_sessions.html` shows. ``mine`` is the id of the visitor's own session."""

    person: str
    sessions: tuple[OpenSession, ...]
    mine: str
    here: str
    more_href: str
    newest_href: str
    outcome: Outcome
    now: int
    zone: str


def keys_page(
    found: Sequence[Key], *, person: str, state: str, before: str, outcome: Outcome, now: int, zone: str
) -> KeysPage:
    """Make a page of the keys that were asked for; one more than a page holds says that there are more."""
    asked = {"person": person, "state": state}
    return KeysPage(
        person=person,
        state=state,
        states=KEY_STATES,
        keys=tuple(found[:PAGE]),
        here=query(**asked, before=before),
        more_href=f"/admin/keys{query(**asked, before=found[PAGE - 1].id)}" if len(found) > PAGE else "",
        newest_href=f"/admin/keys{query(**asked)}" if before else "",
        outcome=outcome,
        now=now,
        zone=zone,
    )


def sessions_page(
    found: Sequence[OpenSession], *, person: str, before: str, mine: str, outcome: Outcome, now: int, zone: str
) -> SessionsPage:
    """Make a page of the web sessions that were asked for; one more than a page holds says that there are more."""
    return SessionsPage(
        person=person,
        sessions=tuple(found[:PAGE]),
        mine=mine,
        here=query(person=person, before=before),
        more_href=f"/admin/sessions{query(person=person, before=found[PAGE - 1].id)}" if len(found) > PAGE else "",
        newest_href=f"/admin/sessions{query(person=person)}" if before else "",
        outcome=outcome,
        now=now,
        zone=zone,
    )


def query(**asked: str) -> str:
    """Write what was asked for as the end of an address, without what is empty."""
    chosen = urlencode({name: value for name, value in asked.items() if value})
    return f"?{chosen}" if chosen else ""
