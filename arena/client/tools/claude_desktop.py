"""Claude Desktop: its local agent sessions (Cowork) write Claude Code's transcripts, each in a folder of its own.

Ordinary chats of the app leave no usage on disk. ``audit.jsonl`` beside the transcripts repeats them with partial
figures and is passed over. What is also found under ``~/.claude`` has the same keys there and counts once.
"""

import os
import sys
from collections.abc import Iterator
from functools import partial
from glob import iglob

from arena.client.formats import claude
from arena.client.models import Keeps
from arena.client.places import configuration, data
from arena.client.sources import Log, stamp, walk

NAME = "claude-desktop"
COLLECTOR = "claude-desktop/1"
KEEPS = Keeps(
    tokens="exact",
    cache="exact",
    cost="derived",
    calls="exact",
    lines="derived",
    note="Its local agent sessions only; ordinary chats leave nothing on disk.",
)

SESSIONS = "local-agent-mode-sessions"
DEPTH = 4
"""Folders above a session: organisation, account and, for some, one more."""

_read = partial(claude.read, NAME)


def places() -> list[str]:
    """List the folders that may hold the app's sessions."""
    folders = [configuration("Claude", SESSIONS)]
    if sys.platform == "win32":
        packages = os.path.join(data("Packages"), "Claude_*", "LocalCache", "Roaming", "Claude", SESSIONS)
        folders += sorted(iglob(packages))
    return folders


def sources() -> Iterator[Log]:
    """Walk all transcripts of all sessions."""
    for root in places():
        for session in _sessions(root, DEPTH):
            for path, stat in walk(os.path.join(session, ".claude", "projects"), ".jsonl"):
                if os.path.basename(path) != "audit.jsonl":
                    yield Log(path, stamp(stat), _read)


def _sessions(folder: str, depth: int) -> Iterator[str]:
    """Find the folders of sessions without a look into them: what the person worked on lies there too."""
    try:
        with os.scandir(folder) as entries:
            folders = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    for path in folders:
        if os.path.basename(path).startswith("local_"):
            yield path
        elif depth > 1:
            yield from _sessions(path, depth - 1)
