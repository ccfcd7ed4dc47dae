"""Cline: tasks in the storage of its extension, in Visual Studio Code and its forks, or below ``~/.cline``."""

import os
from collections.abc import Iterator

from arena.client.formats.cline import Fork, tasks
from arena.client.models import Keeps
from arena.client.places import extension_storage, home, overridden
from arena.client.sources import Document

NAME = "cline"
COLLECTOR = "cline/1"
KEEPS = Keeps(tokens="exact", cache="exact", cost="exact", calls="exact")

FORK = Fork(NAME, "saoudrizwan.claude-dev")


def places() -> list[str]:
    """List the folders of tasks."""
    own = os.path.join(overridden("CLINE_DIR") or home(".cline"), "data")
    return [os.path.join(storage, "tasks") for storage in (*extension_storage(FORK.extension), own)]


def sources() -> Iterator[Document]:
    """Walk all tasks."""
    return tasks(FORK, places())
