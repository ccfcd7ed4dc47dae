"""The queue: huey on a SQLite file of its own, whose loss is harmless. It carries ids and wakes the worker, no more.

huey delivers at most once, so nothing may depend on a task alone: truth is in rows, and a task claims them. There is
one task, which says that a job is to be run; jobs have stable names (``arena.<room>.<verb>``).
"""

from arena.core import sqlite  # first: it chooses the SQLite library

from pathlib import Path  # isort: skip

import asyncio  # isort: skip
import sqlite3  # isort: skip
from collections.abc import Callable  # isort: skip
from contextlib import closing, suppress  # isort: skip
from functools import cache, partial  # isort: skip
from typing import Any  # isort: skip

from huey import SqliteHuey, crontab  # isort: skip
from huey.serializer import Serializer, SignedSerializer  # isort: skip

from arena.core.keyring import Keyring  # isort: skip


RUN = "arena.run"


def open_queue(data: Path, keyring: Keyring) -> SqliteHuey:
    """Open the queue in the data folder. Its messages are signed: huey unpickles them."""
    return SqliteHuey(
        "arena",
        filename=str(data / "queue.db"),
        results=False,
        utc=True,
        serializer=_Signed(keyring),
    )


def listen(queue: SqliteHuey, run: Callable[[str], None], tick: Callable[[], None]) -> Callable[[str], Any]:
    """Have a queue's consumer run the jobs that are called for, and tick each minute; return what calls for one."""

    def run_here(job: str) -> None:  # of this module, as its like in `Waker` is: huey knows a task by both names
        run(job)

    queue.periodic_task(crontab(), name="arena.tick")(tick)
    call: Callable[[str], Any] = queue.task(name=RUN)(run_here)
    return call


class Waker:
    """Calls for jobs through the queue of a data folder."""

    def __init__(self, data: Path, keyring: Keyring) -> None:
        self._open = partial(open_queue, data, keyring)
        self._call: Any = None

    async def __call__(self, job: str) -> None:
        """Have the worker run a job soon. (The queue is a file: that takes a thread.)"""
        await asyncio.to_thread(self._put, job)

    def _put(self, job: str) -> None:
        if self._call is None:
            self._call = self._open().task(name=RUN)(_never)
        self._call(job)


def _never(_: str) -> None:
    raise NotImplementedError("the worker does this")


def waiting(data: Path) -> int:
    """How many tasks wait in the queue of a data folder, without opening it as huey does."""
    file = data / "queue.db"
    if not file.exists():
        return 0
    with suppress(sqlite3.OperationalError), closing(sqlite.connect(file, readonly=True)) as conn:  # just being made
        return int(conn.execute("SELECT COUNT(*) FROM task").fetchone()[0])
    return 0


class _Signed(Serializer):  # type: ignore[misc]
    """Sign with the newest secret; take what any valid one signed."""

    def __init__(self, keyring: Keyring) -> None:
        super().__init__()
        self._keyring = keyring

    def _serialize(self, data: Any) -> bytes:
        signed: bytes = _signer(self._keyring.newest).serialize(data)
        return signed

    def _deserialize(self, data: bytes) -> Any:
        problem = ValueError("no secret is valid")
        for secret in self._keyring.valid:
            try:
                return _signer(secret).deserialize(data)
            except ValueError as other:
                problem = other
        raise problem


@cache
def _signer(secret: str) -> SignedSerializer:
    return SignedSerializer(secret=secret, salt="arena.queue")
