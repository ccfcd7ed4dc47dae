"""Claude Code: JSON Lines under ``projects``, sub-agents in files of their own."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from arena.client.formats import claude
from arena.client.models import Keeps
from arena.client.sources import Log, stamp, walk

NAME = "claude-code"
COLLECTOR = "claude-code/1"
KEEPS = Keeps(
    tokens="exact",
    cache="exact",
    cost="derived",
    calls="exact",
    lines="derived",
    note="Lines are counted in the patches that it keeps; the largest copy of an answer is the bill.",
)
HOOK = {"timeout": 10}
"""Seconds; the tool gives its hooks 1.5 s unless one asks for more."""

STATUS_LINE = ("statusLine",)

CLEANUP_DAYS = 30
"""After which the tool deletes a transcript, when it starts and its settings say nothing else."""

_read = partial(claude.read, NAME)


def places() -> list[str]:
    """List the folders that may hold ``projects``, as the tool itself looks for them."""
    given = os.environ.get("CLAUDE_CONFIG_DIR", "")
    if given.strip():
        folders = [os.path.expanduser(part.strip()) for part in given.split(",") if part.strip()]
    else:
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        folders = [os.path.join(config, "claude"), os.path.expanduser("~/.claude")]
    return list(dict.fromkeys(os.path.abspath(folder) for folder in folders))


def settings_file() -> str:
    """Name the settings file in which the user's hooks stand."""
    folders = [os.path.dirname(f) if os.path.basename(f) == "projects" else f for f in places()]
    for folder in folders:
        if os.path.isfile(os.path.join(folder, "settings.json")):
            return os.path.join(folder, "settings.json")
    return os.path.join(next(filter(os.path.isdir, folders), folders[-1]), "settings.json")


def retention() -> tuple[int, str]:
    """Say after how many days the tool deletes its transcripts, and what to do to have it keep them longer."""
    path, days = settings_file(), CLEANUP_DAYS
    with suppress(OSError, ValueError, RecursionError), open(path, encoding="utf-8") as file:
        content = json.load(file)
        given = content.get("cleanupPeriodDays") if isinstance(content, dict) else None
        days = given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else days
    return days, f'to have it keep them longer, set "cleanupPeriodDays": 365 in {path}'


def sources() -> Iterator[Log]:
    """Walk all transcripts of this machine."""
    seen: set[str] = set()
    for root in places():
        folder = root if os.path.basename(root) == "projects" else os.path.join(root, "projects")
        real = os.path.realpath(folder)
        if real not in seen:
            seen.add(real)
            yield from _under(folder)


def named(path: str) -> Iterator[Log]:
    """Walk one transcript, as a hook names it, and those of its sub-agents."""
    if path.endswith(".jsonl"):
        with suppress(OSError):
            yield Log(path, stamp(os.stat(path)), _read)
        yield from _under(os.path.splitext(path)[0])


def _under(folder: str) -> Iterator[Log]:
    for path, stat in walk(folder, ".jsonl"):
        yield Log(path, stamp(stat), _read)
