"""Kilo CLI: a database under the folder of data, and older files beside it."""

import os
from collections.abc import Iterator

from arena.client import plugins
from arena.client.formats import opencode
from arena.client.models import Keeps
from arena.client.places import overridden
from arena.client.sources import Source

NAME = "kilo"
COLLECTOR = "kilo/1"
KEEPS = Keeps(tokens="exact", cache="exact", cost="exact", calls="exact", lines="exact")
HOOK_AT = "when a session comes to rest"
HOOK_MARK = plugins.MARK


def places() -> list[str]:
    """Name the folder of data, which is the same on every system."""
    given = os.environ.get("KILO_DATA_DIR")
    if not given:
        given = os.path.join(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "kilo")
    return [os.path.abspath(os.path.expanduser(given))]


def hook_files(command: list[str]) -> dict[str, str]:
    """Say what to write so that the tool calls a command."""
    base = overridden("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return plugins.files(os.path.join(base, "kilo", "plugin"), command)


hook_command = plugins.command


def sources() -> Iterator[Source]:
    """Walk all sessions of this machine."""
    for folder in places():
        yield from opencode.sources(NAME, folder, "kilo")
