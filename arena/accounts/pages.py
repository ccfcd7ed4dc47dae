"""What the doors of the house show: signing in, choosing a name behind a one-time link, letting a terminal in."""

from typing import Literal

from msgspec import Struct


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
