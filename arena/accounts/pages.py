"""What the doors of the house show: signing in, joining, letting a terminal in, and what people settle themselves."""

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlencode

from msgspec import Struct

from arena.accounts import rules
from arena.accounts.models import Key, LinkedIdentity, Mail, Offer, OpenSession, Person, WebSession

PAGE = 50
"""Rows of an administrator's list."""
DONE = {
    "name": ("name", "You are shown by this name now."),
    "password": ("password", "Your password is set. Your other browsers are signed out."),
    "linked": ("identities", "It is linked: you can sign in with it from now on."),
    "unlinked": ("identities", "It is unlinked and opens nothing here any more."),
    "ended": ("sessions", "That browser is signed out."),
    "others": ("sessions", "Your other browsers are signed out."),
    "privacy": ("privacy", "It is so from this moment on."),
    "asked": ("email", "A link is on its way there. Nothing changes until it is opened."),
    "confirmed": ("email", "The address is confirmed: mail to you goes there."),
    "removed": ("email", "Mail to you goes nowhere any more."),
    "digest": ("email", "It is so from this moment on."),
}
"""What may be said after a form was taken, and in which section."""


class Way(Struct, frozen=True):
    """A provider that one may leave for, and the address that leads there."""

    name: str
    href: str


class SignInPage(Struct, frozen=True):
    """What `accounts/sign_in.html` shows. ``next`` is a path on this site; ``error`` a sentence or empty.

    ``again`` is for somebody who is signed in already, for what needs a fresh sign-in.
    """

    next: str = "/"
    name: str = ""
    error: str = ""
    ways: tuple[Way, ...] = ()
    sign_up: str = "invite"
    again: bool = False


class JoinPage(Struct, frozen=True):
    """What `accounts/join.html` shows; its form posts to the address it stands at.

    ``kind``: admin, invite or sign-in, or open on a box that anyone may join. ``errors`` are sentences by field (name,
    display, password; "" for the whole form). With ``name_fixed`` the user name is shown and cannot be changed. Whom
    ``provider`` has named as ``login`` needs no password.
    """

    kind: str
    name: str = ""
    display: str = ""
    name_fixed: bool = False
    errors: Mapping[str, str] = {}
    ways: tuple[Way, ...] = ()
    provider: str = ""
    login: str = ""


class ForgotPage(Struct, frozen=True):
    """What `accounts/forgot.html` shows: a form, that a link was mailed if there is anybody, or how to do without."""

    has_mail: bool
    is_sent: bool = False
    who: str = ""
    error: str = ""


class ConfirmPage(Struct, frozen=True):
    """What `accounts/confirm.html` shows: the address behind a mailed link."""

    token: str
    email: str


class OffPage(Struct, frozen=True):
    """What `accounts/off.html` shows: a question, or that there is no more weekly mail."""

    token: str
    is_off: bool = False


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


class Identity(Struct, frozen=True):
    """An account elsewhere that opens this one. ``works`` says whether the box is still configured for it."""

    id: str
    provider: str
    login: str
    email: str | None
    created_at: int
    last_used_at: int
    works: bool


class Browser(Struct, frozen=True):
    """A web session: browser and system in short, where it came from, and whether it is the one that looks."""

    id: str
    agent: str
    address: str
    last_seen_at: int
    created_at: int
    is_this: bool


class SettingsPage(Struct, frozen=True):
    """What `accounts/settings.html` shows.

    ``errors`` are sentences by field (display, current, new, email, digest, identities, sessions, delete); ``done`` is
    the section that something was just done in, and ``said`` what.
    """

    name: str
    display: str
    private: bool
    has_password: bool
    keys: int
    identities: tuple[Identity, ...]
    ways: tuple[Way, ...]
    browsers: tuple[Browser, ...]
    errors: Mapping[str, str]
    done: str
    said: str
    confirm: str
    has_mail: bool
    """Whether the box sends mail."""
    email: str
    """The confirmed address; empty if there is none."""
    asked: str
    """An address whose link was not opened yet."""
    typed_email: str
    weekly_digest: bool
    now: int
    zone: str


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
    agents: dict[str, str]
    """Browser and system in short, by session."""
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
        states=rules.KEY_STATES,
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
        agents={each.id: rules.agent_words(each.user_agent or "") for each in found},
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


def ways(offers: Sequence[Offer], before: str, after: str = "") -> tuple[Way, ...]:
    """Where each provider is left for: its name between the beginning and the end of the addresses."""
    return tuple(Way(offer.name, f"{before}{offer.provider}{after}") for offer in offers)


def ways_in(offers: Sequence[Offer], next: str) -> tuple[Way, ...]:
    """Where the sign-in page leaves for providers, to come back to ``next``."""
    return ways(offers, "/sign-in/", query(next=next if next != "/" else ""))


def settings(
    person: Person,
    *,
    has_password: bool,
    keys: int,
    identities: Sequence[LinkedIdentity],
    offers: Sequence[Offer],
    proof: str,
    sessions: Sequence[WebSession],
    this_session: str | None,
    mail: Mail,
    has_mail: bool,
    now: int,
    zone: str,
    display: str | None = None,
    confirm: str = "",
    email: str = "",
    errors: Mapping[str, str] | None = None,
    done: str = "",
) -> SettingsPage:
    """Show somebody their own settings; ``display``, ``confirm`` and ``email`` are what was typed and not taken."""
    names = {offer.issuer: offer.name for offer in offers}
    section, said = DONE.get(done, ("", ""))
    return SettingsPage(
        name=person.name,
        display=person.display if display is None else display,
        private=person.private,
        has_password=has_password,
        keys=keys,
        identities=tuple(
            Identity(
                each.id,
                names.get(each.issuer, each.issuer),
                each.login,
                each.email,
                each.created_at,
                each.last_used_at,
                each.issuer in names,
            )
            for each in identities
        ),
        ways=ways(offers, "/settings/link/", f"?proof={proof}"),
        browsers=tuple(
            Browser(
                each.id,
                rules.agent_words(each.user_agent or ""),
                each.ip_address or "",
                each.last_seen_at,
                each.created_at,
                each.id == this_session,
            )
            for each in sessions
            if each.expires_at > now
        ),
        errors=errors or {},
        done=section,
        said=said,
        confirm=confirm,
        has_mail=has_mail,
        email=mail.email or "",
        asked=mail.asked if mail.asked and mail.asked_until > now else "",
        typed_email=email,
        weekly_digest=mail.weekly_digest,
        now=now,
        zone=zone,
    )
