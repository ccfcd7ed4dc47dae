"""The database: shared commits, failures that stay alone, readers that cannot write, faults that pass."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from arena.core.db import SHARED_COMMIT, Database
from arena.core.errors import Unavailable

PATIENCE = 10.0
"""Seconds after which something that should have happened has not."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "some.db"
    conn = sqlite.connect(made)
    conn.execute(f"PRAGMA journal_mode={sqlite.JOURNAL}")
    conn.execute("CREATE TABLE words (word TEXT PRIMARY KEY) STRICT")
    conn.close()
    return made


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    made = Database(path)
    yield made
    made.close_sync()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Connections that wait for a lock 0.5 s, not 5."""
    connect = sqlite.connect

    def quickly(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
        conn = connect(path, readonly=readonly)
        conn.execute("PRAGMA busy_timeout=500")
        return conn

    monkeypatch.setattr(sqlite, "connect", quickly)
    return 0.5


def add(word: str) -> Callable[[sqlite3.Connection], str]:
    def write(conn: sqlite3.Connection) -> str:
        conn.execute("INSERT INTO words (word) VALUES (:word)", {"word": word})
        return word.upper()

    return write


def words(conn: sqlite3.Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT word FROM words ORDER BY word")]


class Gate:
    """Holds the writer inside a write, so that others must wait; keeps what the writer then tells SQLite."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.statements: list[str] = []
        self._closed, self._open = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=db.write_sync, args=(self._hold,))
        self._thread.start()
        assert self._closed.wait(PATIENCE)

    def _hold(self, conn: sqlite3.Connection) -> None:
        conn.set_trace_callback(self.statements.append)
        self._closed.set()
        assert self._open.wait(PATIENCE)

    def wait_for(self, waiting: int) -> None:
        """Until so many writes stand in the queue."""
        deadline = time.monotonic() + PATIENCE
        while self.db._jobs.qsize() < waiting:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def open(self) -> None:
        self._open.set()
        self._thread.join(PATIENCE)

    def commits(self) -> int:
        """How often the writer committed after the write that was held."""
        return self.statements.count("COMMIT") - 1


@pytest.fixture
def gate(db: Database) -> Iterator[Gate]:
    made = Gate(db)
    yield made
    made.open()


def in_threads(db: Database, *fns: Callable[[sqlite3.Connection], Any]) -> tuple[ThreadPoolExecutor, list[Any]]:
    pool = ThreadPoolExecutor(len(fns))
    return pool, [pool.submit(db.write_sync, fn) for fn in fns]


# -- shared commits


def test_writers_in_threads_share_one_commit_and_each_gets_its_own_result(db: Database, gate: Gate) -> None:
    names = [f"word{n:02}" for n in range(20)]
    pool, futures = in_threads(db, *map(add, names))
    gate.wait_for(20)
    gate.open()
    assert [future.result(PATIENCE) for future in futures] == [name.upper() for name in names]
    assert gate.commits() == 1
    assert db.read_sync(words) == names
    pool.shutdown()


def test_writers_in_an_event_loop_share_one_commit_and_each_gets_its_own_result(db: Database, gate: Gate) -> None:
    names = [f"word{n:02}" for n in range(50)]

    async def write_all() -> list[str]:
        writes = [asyncio.create_task(db.write(add(name))) for name in names]
        await asyncio.to_thread(gate.wait_for, 50)
        assert not any(write.done() for write in writes)
        await asyncio.to_thread(gate.open)
        return await asyncio.gather(*writes)

    assert asyncio.run(write_all()) == [name.upper() for name in names]
    assert gate.commits() == 1


def test_threads_and_two_event_loops_may_share_a_commit(db: Database, gate: Gate) -> None:
    pool = ThreadPoolExecutor(3)
    futures = [
        pool.submit(lambda: asyncio.run(db.write(add("loop one")))),
        pool.submit(lambda: asyncio.run(db.write(add("loop two")))),
        pool.submit(db.write_sync, add("thread")),
    ]
    gate.wait_for(3)
    gate.open()
    assert [future.result(PATIENCE) for future in futures] == ["LOOP ONE", "LOOP TWO", "THREAD"]
    assert gate.commits() == 1
    pool.shutdown()


def test_no_commit_is_shared_by_more_than_the_limit(db: Database, gate: Gate) -> None:
    async def write_all() -> None:
        writes = [asyncio.create_task(db.write(add(f"word{n}"))) for n in range(SHARED_COMMIT + 1)]
        await asyncio.to_thread(gate.wait_for, SHARED_COMMIT + 1)
        await asyncio.to_thread(gate.open)
        await asyncio.gather(*writes)

    asyncio.run(write_all())
    assert gate.commits() == 2


def test_an_answer_means_that_another_connection_sees_it(db: Database, path: Path) -> None:
    other = sqlite.connect(path, readonly=True)
    for n in range(20):
        db.write_sync(add(f"word{n}"))
        found = other.execute("SELECT 1 FROM words WHERE word = :word", {"word": f"word{n}"}).fetchone()
        assert found is not None
    other.close()


def test_a_later_write_of_a_commit_sees_the_earlier(db: Database, gate: Gate) -> None:
    pool, (first,) = in_threads(db, add("first"))
    gate.wait_for(1)
    second = pool.submit(db.write_sync, words)
    third = threading.Thread(target=gate.open)
    third.start()
    assert first.result(PATIENCE) == "FIRST"
    assert second.result(PATIENCE) == ["first"]
    third.join()
    pool.shutdown()


# -- writes of one key


class Together:
    """Adds words, and notes which of them came in one call."""

    def __init__(self, bad: str = "") -> None:
        self.calls: list[list[str]] = []
        self.bad = bad

    def __call__(self, conn: sqlite3.Connection, items: list[str]) -> list[str]:
        self.calls.append(items)
        for item in items:
            add(item)(conn)
            if item == self.bad:
                raise LookupError(item)
        return [item.upper() for item in items]


def write_together(db: Database, gate: Gate, fn: Together, *items: tuple[str, str]) -> list[Any]:
    async def write_all() -> list[Any]:
        writes = [asyncio.create_task(db.write_together(fn, key, item)) for key, item in items]
        await asyncio.to_thread(gate.wait_for, len(items))
        await asyncio.to_thread(gate.open)
        return await asyncio.gather(*writes, return_exceptions=True)

    return asyncio.run(write_all())


def test_writes_of_one_key_that_share_a_commit_are_done_in_one_call(db: Database, gate: Gate) -> None:
    fn = Together()
    items = (("alice", "a1"), ("bob", "b1"), ("alice", "a2"), ("alice", "a3"))
    assert write_together(db, gate, fn, *items) == ["A1", "B1", "A2", "A3"]
    assert sorted(fn.calls) == [["a1", "a2", "a3"], ["b1"]]
    assert gate.commits() == 1
    assert db.read_sync(words) == ["a1", "a2", "a3", "b1"]


def test_a_bad_write_of_a_key_fails_alone_and_leaves_nothing(db: Database, gate: Gate) -> None:
    found = write_together(db, gate, Together("a2"), ("alice", "a1"), ("alice", "a2"), ("alice", "a3"), ("bob", "b1"))
    assert [each for each in found if isinstance(each, str)] == ["A1", "A3", "B1"]
    assert isinstance(found[1], LookupError)
    assert db.read_sync(words) == ["a1", "a3", "b1"]


def test_an_answer_too_few_is_nobodys_answer(db: Database, gate: Gate) -> None:
    class Forgetful(Together):
        def __call__(self, conn: sqlite3.Connection, items: list[str]) -> list[str]:
            return super().__call__(conn, items)[: 1 if len(items) > 1 else None]

    assert write_together(db, gate, Forgetful(), ("alice", "a1"), ("alice", "a2")) == ["A1", "A2"]
    assert db.read_sync(words) == ["a1", "a2"]


# -- failures


def test_one_that_fails_fails_alone_and_its_neighbours_are_stored(db: Database, gate: Gate) -> None:
    def fail(conn: sqlite3.Connection) -> None:
        add("never")(conn)
        raise LookupError("mine")

    pool, (before,) = in_threads(db, add("before"))
    gate.wait_for(1)
    failing = pool.submit(db.write_sync, fail)
    pool2, (after,) = in_threads(db, add("after"))
    gate.wait_for(2)
    gate.open()
    assert before.result(PATIENCE) == "BEFORE"
    assert after.result(PATIENCE) == "AFTER"
    with pytest.raises(LookupError, match="mine"):
        failing.result(PATIENCE)
    assert db.read_sync(words) == ["after", "before"]
    pool.shutdown()
    pool2.shutdown()


def test_one_that_writes_and_then_raises_leaves_nothing(db: Database) -> None:
    def fail(conn: sqlite3.Connection) -> None:
        add("one")(conn)
        add("two")(conn)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        db.write_sync(fail)
    assert db.read_sync(words) == []


def test_a_broken_constraint_reaches_its_writer_as_it_is(db: Database) -> None:
    db.write_sync(add("same"))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        db.write_sync(add("same"))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        asyncio.run(db.write(add("same")))
    assert db.read_sync(words) == ["same"]


def test_a_caller_who_gave_up_does_not_disturb_the_others(db: Database, gate: Gate) -> None:
    async def write_two() -> str:
        given_up = asyncio.create_task(db.write(add("given up")))
        other = asyncio.create_task(db.write(add("other")))
        await asyncio.to_thread(gate.wait_for, 2)
        given_up.cancel()
        await asyncio.to_thread(gate.open)
        return await other

    assert asyncio.run(write_two()) == "OTHER"
    assert "other" in db.read_sync(words)


# -- readers


def test_a_reader_cannot_write(db: Database) -> None:
    async def read() -> None:
        await db.open()
        try:
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                await db.read(add("sneaked in"))
            assert await db.read(words) == []
        finally:
            await db.close()

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.read_sync(add("sneaked in"))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.glance(add("sneaked in"))
    asyncio.run(read())


def test_a_read_sees_one_moment(db: Database) -> None:
    def look_twice(conn: sqlite3.Connection) -> tuple[list[str], list[str]]:
        before = words(conn)
        db.write_sync(add("new"))
        return before, words(conn)

    async def read() -> tuple[list[str], list[str]]:
        await db.open()
        try:
            return await db.read(look_twice)
        finally:
            await db.close()

    if sqlite.JOURNAL != "wal":
        pytest.skip("with a rollback journal a writer waits for readers")
    assert asyncio.run(read()) == ([], [])


def test_a_read_that_raises_or_is_given_up_leaves_its_reader_to_the_next(db: Database) -> None:
    def fail(conn: sqlite3.Connection) -> None:
        words(conn)
        raise LookupError

    def dawdle(conn: sqlite3.Connection) -> None:
        words(conn)
        time.sleep(0.05)

    async def read() -> list[list[str]]:
        await db.open()
        try:
            for _ in range(9):
                with pytest.raises(LookupError):
                    await db.read(fail)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(db.read(dawdle), 0.005)
            return await asyncio.gather(*(db.read(words) for _ in range(9)))
        finally:
            await db.close()

    db.write_sync(add("there"))
    assert asyncio.run(read()) == [["there"]] * 9


def test_a_read_before_the_readers_are_open_says_so(db: Database) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        asyncio.run(db.read(words))


# -- another process


def elsewhere(path: Path, *statements: str, until_told: bool = False) -> "subprocess.Popen[str]":
    """Another process that runs statements on the file; with `until_told` it then waits for its input to end."""
    program = "\n".join(
        [
            "import sys; from pathlib import Path; from arena.core import sqlite",
            "conn = sqlite.connect(Path(sys.argv[1]))",
            *(f"conn.execute({statement!r})" for statement in statements),
            "print('done', flush=True)",
            *(["sys.stdin.read()"] if until_told else []),
        ]
    )
    made = subprocess.Popen(
        [sys.executable, "-c", program, path], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "done\n"
    return made


def test_the_version_moves_with_every_commit_of_any_process(db: Database, path: Path) -> None:
    seen = [db.version()]
    assert db.version() == seen[0]
    db.write_sync(add("here"))
    seen.append(db.version())
    elsewhere(path, "INSERT INTO words (word) VALUES ('there')").communicate()
    seen.append(db.version())
    assert db.version() == seen[2]
    assert len(set(seen)) == 3


def test_a_lock_held_elsewhere_is_unavailable_for_as_long_as_it_lasts(
    impatient: float, path: Path, db: Database
) -> None:
    other = elsewhere(path, "BEGIN IMMEDIATE", "INSERT INTO words (word) VALUES ('theirs')", until_told=True)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="locked") as refused:
        db.write_sync(add("too early"))
    assert time.monotonic() - began >= impatient
    assert refused.value.status == 503
    assert refused.value.retry_after == 5
    assert db.read_sync(words) == []  # readers do not wait
    other.communicate()
    assert db.write_sync(add("now")) == "NOW"
    assert db.read_sync(words) == ["now"]


def test_a_lock_is_waited_for_once(impatient: float, path: Path, db: Database) -> None:
    other = elsewhere(path, "BEGIN IMMEDIATE", until_told=True)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        db.write_sync(add("too early"))
    waited = time.monotonic() - began
    other.communicate()
    assert waited < 1.9 * impatient


# -- a full disk


def fill_up(conn: sqlite3.Connection) -> None:
    """Leave room for a few pages more."""
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    conn.execute(f"PRAGMA max_page_count={pages + 4}")


LARGE = "x" * 200_000


def test_a_full_disk_is_unavailable_for_what_does_not_fit_and_for_nothing_else(db: Database) -> None:
    db.write_sync(fill_up)
    db.write_sync(add("before"))
    with pytest.raises(Unavailable, match="full"):
        db.write_sync(add(LARGE))
    assert db.write_sync(add("after")) == "AFTER"
    assert db.read_sync(words) == ["after", "before"]


def test_a_disk_that_is_full_no_more_takes_what_did_not_fit(db: Database) -> None:
    db.write_sync(fill_up)
    with pytest.raises(Unavailable):
        db.write_sync(add(LARGE))
    db.write_sync(lambda conn: conn.execute("PRAGMA max_page_count=100000") and None)
    assert db.write_sync(add(LARGE)) == LARGE.upper()


def test_what_does_not_fit_fails_alone_in_a_shared_commit(db: Database) -> None:
    db.write_sync(fill_up)
    gate = Gate(db)
    pool, (small,) = in_threads(db, add("small"))
    gate.wait_for(1)
    pool2, (large,) = in_threads(db, add(LARGE))
    gate.wait_for(2)
    gate.open()
    with pytest.raises(Unavailable):
        large.result(PATIENCE)
    pool.shutdown()
    pool2.shutdown()
    assert small.result(PATIENCE) == "SMALL"


def test_a_mistake_in_the_sql_is_not_called_a_full_disk(db: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        db.write_sync(lambda conn: conn.execute("SELECT nosuch FROM words") and None)


# -- the end


def test_closing_commits_what_waits(path: Path) -> None:
    db = Database(path)
    gate = Gate(db)
    names = [f"word{n}" for n in range(9)]
    pool, futures = in_threads(db, *map(add, names))
    gate.wait_for(9)
    closing = threading.Thread(target=db.close_sync)
    closing.start()
    gate.wait_for(10)
    gate.open()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert sorted(future.result(PATIENCE) for future in futures) == sorted(name.upper() for name in names)
    pool.shutdown()
    conn = sqlite.connect(path, readonly=True)
    assert words(conn) == names
    conn.close()


def test_closing_from_the_event_loop_ends_every_thread(path: Path) -> None:
    async def live() -> None:
        db = Database(path)
        await db.open()
        await db.write(add("one"))
        assert await db.read(words) == ["one"]
        await db.close()

    before = threading.active_count()
    asyncio.run(live())
    assert threading.active_count() <= before


def test_a_database_that_was_never_used_closes(path: Path) -> None:
    Database(path).close_sync()


def test_the_log_begins_anew_although_somebody_always_writes(
    db: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arena.core.db.LONG_LOG", 1 << 20)
    monkeypatch.setattr("arena.core.db.CHECKPOINT_PAUSE", 0.01)
    longest, log = 0, path.with_name(f"{path.name}-wal")

    def write(writer: int) -> None:
        nonlocal longest
        for number in range(500):
            db.write_sync(add(f"{writer}-{number}-{'x' * 5_000}"))
            longest = max(longest, log.stat().st_size if log.exists() else 0)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(db.read_sync(words)) == 2_000
    assert longest < 4 << 20, "without beginning anew it is twice as long"
