"""What bodies of every road have in common."""

import re

import msgspec

from arena.usage.models import Refused

FUTURE = 300_000
"""Milliseconds that a laptop's clock may be ahead."""
EARLIEST = 946_684_800_000
"""2000-01-01, in epoch milliseconds."""


def refused(problem: msgspec.ValidationError) -> Refused:
    """Turn a decoding error into a field and a reason."""
    reason, _, path = str(problem).partition(" - at `$")
    missing = re.search(r"missing required field `(\w+)`", reason)
    if missing:
        return Refused(missing[1], "is missing")
    return Refused(path.strip("`.").replace("[...]", ""), reason.replace("`", "").lower())
