"""Cline: tasks in the storage of its extension, in Visual Studio Code and its forks, or below ``~/.cline``."""

import os
from collections.abc import Iterator

from arena.client.formats.cline import Fork, tasks
from arena.client.places import extension_storage, home, overridden
from arena.client.sources import Document

NAME = "cline"
COLLECTOR = "cline/1"

FORK = Fork(NAME, "saoudrizwan.claude-dev")


def storages() -> list[str]:
    """List the folders in which tasks may lie."""
    return [*extension_storage(FORK.extension), os.path.join(overridden("CLINE_DIR") or home(".cline"), "data")]


def found() -> bool:
    """Say whether the tool has been used here."""
    return any(os.path.isdir(os.path.join(storage, "tasks")) for storage in storages())


def sources() -> Iterator[Document]:
    """Walk all tasks."""
    return tasks(FORK, storages())
