"""Kilo Code: tasks in the storage of its extension, in Visual Studio Code and its forks."""

import os
from collections.abc import Iterator

from arena.client.formats.cline import Fork, tasks
from arena.client.models import Keeps
from arena.client.places import extension_storage
from arena.client.sources import Document

NAME = "kilo-code"
COLLECTOR = "kilo-code/1"
KEEPS = Keeps(tokens="exact", cache="exact", cost="exact", calls="exact")

WHOLE_SINCE = 1762905600000
"""Version 4.119.0, November 12, 2025: from then on each provider's count of what was sent holds the cache's share."""

FORK = Fork(NAME, "kilocode.kilo-code", WHOLE_SINCE)


def places() -> list[str]:
    """List the folders of tasks."""
    return [os.path.join(storage, "tasks") for storage in extension_storage(FORK.extension)]


def sources() -> Iterator[Document]:
    """Walk all tasks."""
    return tasks(FORK, places())
