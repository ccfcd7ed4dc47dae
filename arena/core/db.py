"""The database: one writer whose callers share commits, and readers that cannot write.

Whoever writes hands over a function of a connection. The writer thread takes all functions that wait, runs them in
one ``BEGIN IMMEDIATE ... COMMIT``, and only then answers: an answer means that the commit is on disk. If one
function fails, the others are run again without it (each in a savepoint), so a function must not do anything but
SQL, and may run twice.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from arena.core import damage, sqlite
from arena.core.errors import Unavailable
from arena.core.log import Seldom, log
from arena.core.spread import Spread
from arena.core.watch import Watch

import sqlite3  # isort: skip
import aiosqlite  # isort: skip

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741  (an item)
SHARED_COMMIT = 200
"""How many functions share one commit at the most: more only makes each of them wait longer."""
GATHER = 0.002
"""Seconds to wait for company before a commit, if the last one had any: a busy box then does more in each."""
READERS = 4
SLOW = 500
"""Milliseconds."""
SHARED = (1, 2, 5, 10, 20, 50, 100, SHARED_COMMIT)
CHECKPOINT_PAUSE = 1.0
"""Seconds between two checkpoints; about what the log grows by meanwhile is what a reader may have to look through."""
LONG_LOG = 256 * 2**20
"""Bytes above which the log is made to begin anew."""
LITTLE = 500
"""Pages that are moved in no time."""
IN_THE_WAY = 200
"""Milliseconds that whoever makes the log begin anew waits for readers; writers wait for it as long."""


class _Job:
    """A function that waits to be run, and who to tell. With a key, it is run once for all items of that key."""

    __slots__ = ("fn", "future", "item", "key", "loop", "outcome")

    def __init__(
        self,
        fn: Callable[..., Any],
        future: Any,
        loop: asyncio.AbstractEventLoop | None,
        key: Hashable = None,
        item: Any = None,
    ) -> None:
        self.fn = fn
        self.future = future
        self.loop = loop
        self.key = key
        self.item = item
        self.outcome: Any = None


class _Reader(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function in its thread: one hop for any number of statements."""

    watch: Watch

    async def run(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._execute(partial(self._run, fn))  # type: ignore[no-untyped-call]
        return result

    def _run(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return _in_snapshot(self._conn, fn)
        finally:
            self.watch.done()


class Database:
    """One SQLite file. Guarantees: a returned write is durable; a read sees one moment; readers never wait for writers.

    `write` and `write_sync` run a function in the shared commit; `read` runs one on a reader thread; `glance` runs a
    point look-up right here (a few microseconds; never more than a row by key). A statement that takes ``slow_ms`` is
    written to the log.
    """

    def __init__(self, path: Path, slow_ms: int = SLOW) -> None:
        self.path = path
        self.commits = Spread(SHARED)
        """How many writes shared each commit."""
        self.commit_seconds = Spread()
        """How long commits took, with the work of their writes."""
        self.refused_writes = 0
        """How many writes could not be stored: the database was locked, or its disk full, read-only or failing."""
        self.damage = ""
        """What SQLite said of pages that make no sense, here or in another process. Then nothing is read or written."""
        self._looks_at = 0.0
        self._seldom = Seldom()
        self._writes = Watch(slow_ms)
        self._watches = [self._writes, *(Watch(slow_ms) for _ in range(READERS))]
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_forever, name="arena-writer", daemon=True)
        self._checkpointer = threading.Thread(target=self._checkpoint_forever, name="arena-checkpoint", daemon=True)
        self._committed = threading.Event()
        self._closing = threading.Event()
        self._started = False
        self._starting = threading.Lock()
        self._readers: asyncio.Queue[_Reader] | None = None
        self._glance = sqlite.connect(path, readonly=True)

    async def open(self) -> None:
        """Start the readers. (The writer starts with the first write.)"""
        self._readers = asyncio.Queue()
        for watch in self._watches[1:]:
            reader = _Reader(partial(sqlite.connect, self.path, readonly=True), 64)
            await reader
            reader.watch = watch.look_at(reader._conn)
            self._readers.put_nowait(reader)

    async def close(self) -> None:
        """Commit what waits, then close every connection. (An aiosqlite connection left open hangs the exit.)"""
        if self._readers is not None:
            for _ in range(READERS):
                await (await self._readers.get()).close()
            self._readers = None
        await asyncio.to_thread(self.close_sync)

    def close_sync(self) -> None:
        """Commit what waits and close the writer."""
        with self._starting:
            self._closing.set()
        if self._started:
            self._jobs.put(None)
            self._writer.join()
            self._committed.set()
            self._checkpointer.join()
            self._started = False
        self._glance.close()

    async def write(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the next commit and return its result once that commit is durable.

        Raises what the function raises, and `Unavailable` when the database is locked, full, read-only or damaged; in
        either case nothing of it was stored.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(fn, future, loop))
        return await future

    async def write_together(self, fn: Callable[[sqlite3.Connection, list[I]], list[T]], key: Hashable, item: I) -> T:
        """Do the same for one item, handing ``fn`` all items of the same key that share the commit.

        What they have in common is then read and written once. ``fn`` answers each item in its place.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(fn, future, loop, key, item))
        return await future

    def write_sync(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Do the same from a thread: commands and jobs."""
        future: Future[T] = Future()
        self._put(_Job(fn, future, None))
        return future.result()

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function that only reads, on one snapshot of the database. Raises `Unavailable` as `write` does."""
        if self._readers is None:
            raise RuntimeError("the database is not open")
        self.refuse_if_damaged()
        reader = await self._readers.get()
        try:
            return await asyncio.shield(reader.run(fn))
        except sqlite3.Error as problem:
            self._refuse_if_unreadable(problem)
            raise
        finally:
            self._readers.put_nowait(reader)

    def read_sync(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Do the same from a thread: commands and jobs."""
        self.refuse_if_damaged()
        try:
            with contextlib.closing(sqlite.connect(self.path, readonly=True)) as conn:
                return _in_snapshot(conn, fn)
        except sqlite3.Error as problem:
            self._refuse_if_unreadable(problem)
            raise

    def glance(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Look up a row by its key without leaving the thread."""
        self.refuse_if_damaged()
        try:
            return fn(self._glance)
        except sqlite3.Error as problem:
            self._refuse_if_unreadable(problem)
            raise

    def version(self) -> int:
        """A number that changes with every commit of any process (3 us)."""
        self.refuse_if_damaged()
        row: tuple[int] = self._glance.execute("PRAGMA data_version").fetchone()
        return row[0]

    def refuse_if_damaged(self) -> None:
        """Raise `Unavailable` once it is known that the database is damaged: nothing it says can be relied on."""
        now = time.monotonic()
        if now >= self._looks_at:
            self._looks_at = now + 1
            self.damage = damage.marked(self.path)
        if self.damage:
            raise Unavailable(DAMAGED.format(self.damage), retry_after=600)

    def _refuse_if_unreadable(self, problem: sqlite3.Error) -> None:
        """Tell a reader of a failure that is no mistake of ours: raise `Unavailable`."""
        told = explained(problem, UNREAD)
        if told is not problem and sqlite.code(problem) != READONLY:
            self._note(problem)
            raise told

    def _note(self, problem: BaseException) -> None:
        """Remember and write down what is wrong with disk or file."""
        if sqlite.is_damage(problem):
            self.damage = str(problem)
            damage.mark(self.path, self.damage)
        if explained(problem, "") is not problem and (count := self._seldom.count(str(problem))):
            with contextlib.suppress(Exception):  # a log that cannot be written must not stop the writer
                log().error("database", reason=str(problem), count=count)

    @property
    def slow_statements(self) -> int:
        """How many statements were written to the log as slow."""
        return sum(watch.told for watch in self._watches)

    # -- the writer thread

    def _put(self, job: _Job) -> None:
        self.refuse_if_damaged()
        with self._starting:
            if self._closing.is_set():
                raise RuntimeError("the database is closed")
            if not self._started:
                self._started = True
                self._writer.start()
                self._checkpointer.start()
        self._jobs.put(job)

    def _write_forever(self) -> None:
        conn = sqlite.connect(self.path)
        conn.execute("PRAGMA wal_autocheckpoint=0")
        conn.execute("PRAGMA cache_size=-65536")
        self._writes.look_at(conn)
        crowd = False
        while (job := self._jobs.get()) is not None:
            if crowd:
                time.sleep(GATHER)
            jobs, ending = self._waiting(job)
            crowd = len(jobs) > 1
            began = time.perf_counter()
            _commit(conn, jobs)
            for problem in {job.outcome.cause for job in jobs if isinstance(job.outcome, _Failed)}:
                self._note(problem)
            self.refused_writes += sum(isinstance(job.outcome, _Failed) and job.outcome.is_refusal for job in jobs)
            _tell(jobs)
            self.commits.add(len(jobs))
            self.commit_seconds.add(time.perf_counter() - began)
            self._writes.done()
            self._committed.set()
            if ending:
                break
        conn.close()

    def _waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        """Take all that wait, up to what one commit may hold, and say whether the end was among them."""
        jobs = [first]
        while len(jobs) < SHARED_COMMIT:
            try:
                more = self._jobs.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return jobs, True
            jobs.append(more)
        return jobs, False

    # -- the checkpoint thread

    def _checkpoint_forever(self) -> None:
        """Move what was committed from the log into the database, at most once a second and in nobody's commit.

        A checkpoint inside a commit makes one of a thousand submissions wait for it (p99 17 against 7 ms).
        """
        conn = sqlite.connect(self.path)
        conn.execute(f"PRAGMA busy_timeout={IN_THE_WAY}")
        log_file = self.path.with_name(f"{self.path.name}-wal")
        while self._committed.wait() and not self._closing.is_set():
            self._committed.clear()
            # Full or locked: the next one catches up. There is no log before the tables are made.
            with contextlib.suppress(sqlite3.OperationalError, FileNotFoundError):
                _checkpoint(conn)
                if sqlite.JOURNAL == "wal" and log_file.stat().st_size > LONG_LOG:
                    _shorten(conn)
            self._closing.wait(CHECKPOINT_PAUSE)
        conn.close()


def _checkpoint(conn: sqlite3.Connection) -> int:
    """Move what nobody needs to stay, and return how many pages are left: those that were written meanwhile."""
    _, written, moved = conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(written - moved)


def _shorten(conn: sqlite3.Connection) -> None:
    """Let the log begin anew.

    Where somebody always writes it never would by itself, and grow as long as they do. Writers wait meanwhile, so
    there must be little left to move.
    """
    for _ in range(5):
        if _checkpoint(conn) < LITTLE:
            break
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _in_snapshot(conn: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T]) -> T:
    conn.execute("BEGIN")
    try:
        return fn(conn)
    finally:
        conn.execute("COMMIT")


def _commit(conn: sqlite3.Connection, jobs: list[_Job]) -> None:
    """Run all jobs in one commit; if any fails, once more with a savepoint each, so that only those fail that must."""
    try:
        conn.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as problem:  # locked for the whole busy timeout: another wait would not help
        for job in jobs:
            job.outcome = _Failed(problem)
        return
    try:
        _run(conn, jobs)
        conn.execute("COMMIT")
    except BaseException:  # whatever a function raises, the writer lives on
        _rollback(conn)
        if not _commit_apart(conn, jobs):
            for job in jobs:
                _commit_apart(conn, [job])


def _run(conn: sqlite3.Connection, jobs: list[_Job]) -> None:
    together: dict[tuple[Any, Hashable], list[_Job]] = {}
    for job in jobs:
        if job.key is None:
            job.outcome = job.fn(conn)
        else:
            together.setdefault((job.fn, job.key), []).append(job)
    for (fn, _), same in together.items():
        for job, outcome in zip(same, fn(conn, [job.item for job in same]), strict=True):
            job.outcome = outcome


def _commit_apart(conn: sqlite3.Connection, jobs: list[_Job]) -> bool:
    """Commit with a savepoint for each job. False, with nothing stored, if SQLite itself undid it all (disk full)."""
    try:
        conn.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as problem:
        for job in jobs:
            job.outcome = _Failed(problem)
        return True
    try:
        for job in jobs:
            conn.execute("SAVEPOINT one")
            try:
                _run(conn, [job])
            except BaseException as problem:
                job.outcome = _Failed(problem)
                if not conn.in_transaction:
                    return False
                conn.execute("ROLLBACK TO one")
            conn.execute("RELEASE one")
        conn.execute("COMMIT")
    except sqlite3.Error as problem:
        _rollback(conn)
        for job in jobs:
            job.outcome = _Failed(problem)
        return False
    return True


PASSING = frozenset((5, 6, 8, 10, 13, 14))
"""SQLite's primary result codes for a lock, a read-only, failing, full or unreachable disk: not our mistakes."""
READONLY = 8
UNSTORED = "The box cannot store anything just now ({}). Nothing was lost; try again in a moment."
UNREAD = "The box cannot look anything up just now ({}). Nothing was lost; try again in a moment."
DAMAGED = (
    "The database of this box is damaged ({}), so nothing is shown or taken until whoever runs the box restores a "
    "backup with `arena admin restore`. What a laptop could not send, it sends again."
)


class _Failed:
    """The outcome of a function that was not stored."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause
        self.problem = explained(cause, UNSTORED)

    @property
    def is_refusal(self) -> bool:
        """Whether the disk, the file or a lock was in the way, and not the function itself."""
        return self.problem is not self.cause


def explained(problem: BaseException, sentence: str) -> BaseException:
    """What a visitor is told of a failure of SQLite's that is no mistake of ours; any other stays as it is."""
    if sqlite.is_damage(problem):
        told = Unavailable(DAMAGED.format(problem), retry_after=600)
    elif sqlite.code(problem) in PASSING:
        told = Unavailable(sentence.format(problem), retry_after=5)
    else:
        return problem
    told.__cause__ = problem
    return told


def _rollback(conn: sqlite3.Connection) -> None:
    if conn.in_transaction:
        conn.execute("ROLLBACK")


def _tell(jobs: list[_Job]) -> None:
    """Answer everybody, with one wake-up for each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is None:
            _settle(job)
        else:
            loops.setdefault(job.loop, []).append(job)
    for loop, theirs in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, theirs)


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        if not job.future.done():
            _settle(job)


def _settle(job: _Job) -> None:
    if isinstance(job.outcome, _Failed):
        job.future.set_exception(job.outcome.problem)
    else:
        job.future.set_result(job.outcome)
