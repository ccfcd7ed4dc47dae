"""What the doors of the house show: signing in, and choosing a name behind a one-time link."""

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
