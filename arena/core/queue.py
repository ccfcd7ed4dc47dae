"""The queue: huey on a SQLite file of its own, whose loss is harmless. It carries ids and wakes the worker, no more.

huey delivers at most once, so nothing may depend on a task alone: truth is in rows, and a task claims them. Tasks
have stable names (``arena.<room>.<verb>``) whatever the module is called.
"""

from arena.core import sqlite  # noqa: F401  (first: it chooses the SQLite library)

from pathlib import Path  # isort: skip

from huey import SqliteHuey  # isort: skip
from huey.serializer import SignedSerializer  # isort: skip


def open_queue(data: Path, secret: str) -> SqliteHuey:
    """Open the queue in the data folder. Its messages are signed: huey unpickles them."""
    return SqliteHuey(
        "arena",
        filename=str(data / "queue.db"),
        results=False,
        utc=True,
        serializer=SignedSerializer(secret=secret, salt="arena.queue"),
    )
