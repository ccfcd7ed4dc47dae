"""The plugin by which OpenCode and its kin call arena, and how it is filled in.

``arena.js`` is what version 1 loads; its only export is a function, because the oldest call whatever is exported.
``arena/index.js`` is for version 2, which logs that the other file is none of its own and goes on.
"""

import json
import os
import re
from contextlib import suppress

from arena.client import program

MARK = "`arena hooks`"

_COMMAND = re.compile(r"^const command = (.*);$", re.MULTILINE)


def files(folder: str, command: list[str], *, second: bool = False) -> dict[str, str]:
    """Fill the plugin in: what to write into the folder of plugins, by path."""
    first = _COMMAND.sub(lambda _: f"const command = {json.dumps(command)};", _text("arena.js"))
    found = {os.path.join(folder, "arena.js"): first}
    if second:
        found[os.path.join(folder, "arena", "index.js")] = _text("arena", "index.js")
    return found


def command(text: str) -> str:
    """Find the command in a plugin, for a shell; nothing where there is none."""
    found = _COMMAND.search(text)
    with suppress(ValueError):
        words = json.loads(found[1]) if found else None
        if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
            return program.quoted(words)
    return ""


def _text(*parts: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), *parts), encoding="utf-8") as file:
        return file.read()
