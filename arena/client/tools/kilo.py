"""Kilo CLI: a database under the folder of data, and older files beside it."""

import os
from collections.abc import Iterator

from arena.client.formats import opencode
from arena.client.sources import Source

NAME = "kilo"
COLLECTOR = "kilo/1"


def home() -> str:
    """Name the folder of data, which is the same on every system."""
    given = os.environ.get("KILO_DATA_DIR")
    if not given:
        given = os.path.join(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "kilo")
    return os.path.abspath(os.path.expanduser(given))


def found() -> bool:
    """Say whether the tool has been used here."""
    return opencode.found(home(), "kilo")


def sources() -> Iterator[Source]:
    """Walk all sessions of this machine."""
    yield from opencode.sources(NAME, home(), "kilo")
