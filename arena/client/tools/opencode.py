"""OpenCode: a database under the folder of data, and older files beside it."""

import os
from collections.abc import Iterator

from arena.client.formats import opencode
from arena.client.sources import Source

NAME = "opencode"
COLLECTOR = "opencode/1"


def places() -> list[str]:
    """Name the folder of data, which is the same on every system."""
    given = os.environ.get("OPENCODE_DATA_DIR")
    if not given:
        given = os.path.join(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "opencode")
    return [os.path.abspath(os.path.expanduser(given))]


def sources() -> Iterator[Source]:
    """Walk all sessions of this machine."""
    for folder in places():
        yield from opencode.sources(NAME, folder, "opencode")
