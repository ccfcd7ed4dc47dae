"""The queue: huey on a SQLite file of its own, whose loss is harmless. It carries ids and wakes the worker, no more.

huey delivers at most once, so nothing may depend on a task alone: truth is in rows, and a task claims them. There is
one task, which says that a job is to be run; jobs have stable names (``arena.<room>.<verb>``).
"""

from arena.core import sqlite  # first: it chooses the SQLite library

from pathlib import Path  # isort: skip

import asyncio  # isort: skip
import os  # isort: skip
import signal  # isort: skip
import sqlite3  # isort: skip
from collections.abc import Callable, Iterator  # isort: skip
from contextlib import closing, contextmanager, suppress  # isort: skip
from functools import cache, partial  # isort: skip
from typing import Any  # isort: skip

from huey import SqliteHuey, crontab  # isort: skip
from huey.serializer import Serializer, SignedSerializer  # isort: skip

from arena.core.keyring import Keyring  # isort: skip
from arena.core.log import log  # isort: skip


RUN = "arena.run"


def open_queue(data: Path, keyring: Keyring, kind: type[SqliteHuey] = SqliteHuey) -> SqliteHuey:
    """Open the queue in the data folder. Its messages are signed: huey unpickles them."""
    return kind(
        "arena",
        filename=str(data / "queue.db"),
        results=False,
        utc=True,
        serializer=_Signed(keyring),
    )


def open_sound_queue(data: Path, keyring: Keyring) -> SqliteHuey:
    """Open the queue as the worker does: one whose file makes no sense is thrown away."""
    file = data / "queue.db"
    try:
        with closing(sqlite.connect(file)) as conn:
            is_sound = conn.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.DatabaseError as problem:
        if not sqlite.is_damage(problem):
            raise
        is_sound = False
    if not is_sound:
        log().warning("queue", reason="its file was damaged, and is made anew")
        for each in ("queue.db", "queue.db-wal", "queue.db-shm", "queue.db-journal"):
            (data / each).unlink(missing_ok=True)
    return open_queue(data, keyring, _Minded)


class _Minded(SqliteHuey):  # type: ignore[misc]
    """A queue that ends its worker when its file makes no sense any more: the next worker makes another."""

    def enqueue(self, task: Any) -> Any:
        """Put a task into the queue."""
        with _minding():
            return super().enqueue(task)

    def dequeue(self) -> Any:
        """Take a task from the queue."""
        with _minding():
            return super().dequeue()


@contextmanager
def _minding() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as problem:
        if sqlite.is_damage(problem):
            os.kill(os.getpid(), signal.SIGTERM)
        raise


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
        """Have the worker run a job soon; at its own time if that cannot be said. (A file: it takes a thread.)"""
        await asyncio.to_thread(self._put, job)

    def _put(self, job: str) -> None:
        try:
            if self._call is None:
                self._call = self._open().task(name=RUN)(_never)
            self._call(job)
        except sqlite3.Error as problem:  # locked, full, damaged or gone
            self._call = None
            log().warning("queue", reason=str(problem))


def _never(_: str) -> None:
    raise NotImplementedError("the worker does this")


def waiting(data: Path) -> int:
    """How many tasks wait in the queue of a data folder, without opening it as huey does."""
    file = data / "queue.db"
    if not file.exists():
        return 0
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite.connect(file, readonly=True)) as conn,
    ):  # just made
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
