"""When a message is tried again, and which addresses mail goes to."""

import re

from arena.core.clock import DAY, HOUR

ATTEMPTS = 30
"""How often a message is tried: over about a day."""
PAUSE = 30_000
"""Milliseconds before the second try; each later one waits twice as long, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = HOUR
LONGEST_WAIT = DAY
"""... and up to which the other side is believed that asks for patience."""
LASTS = 3 * DAY
"""Milliseconds after which a message is not sent any more, unless whoever wrote it says otherwise."""
MAIL_LENGTH = 254

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")


def pause(attempts: int, told: float, chance: float) -> int:
    """Milliseconds to wait after so many attempts: doubling, give or take a half by ``chance`` (0 to 1).

    ``told`` are seconds that the other side asks for; it is believed, to an end.
    """
    own = min(PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE) * (0.5 + chance)
    return int(min(max(own, told * 1000), LONGEST_WAIT))


def mail_address(typed: str) -> str | None:
    """Write an address of mail as it is sent to, its domain in small ASCII letters; None for what is none.

    Quoted local parts, and letters beyond ASCII before the @, are not taken: few servers deliver them.
    """
    local, at, domain = typed.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower() if domain else ""
    except UnicodeError:
        return None
    if not at or len(local) > 64 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return None
    return found if len(found := f"{local}@{domain}") <= MAIL_LENGTH else None


def masked(address: str) -> str:
    """Write an address of mail so that its owner knows it and nobody learns it ("a…@example.org")."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}" if at else address
