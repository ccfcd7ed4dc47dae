"""Which SQLite is sound, how connections are opened, and that the slower journal works as well."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from arena.core.db import Database
from arena.core.migrate import migrate
from arena.rooms import schemas


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 44, 9), True),
        ((3, 45, 0), False),
        ((3, 49, 2), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 50, 99), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_a_write_ahead_log_is_used_only_where_it_is_sound(version: tuple[int, int, int], sound: bool) -> None:
    assert sqlite.wal_is_sound(version) is sound


def test_the_journal_follows_from_the_library_in_use() -> None:
    assert sqlite3.sqlite_version == sqlite.VERSION
    assert (sqlite.JOURNAL == "wal") is sqlite.wal_is_sound(sqlite3.sqlite_version_info)


def test_every_library_of_the_process_uses_the_same_sqlite() -> None:
    program = (
        "from arena.core import sqlite; import sqlite3, aiosqlite.core, huey.storage, sqlite_utils.db;"
        "found = {sqlite3.sqlite_version, aiosqlite.core.sqlite3.sqlite_version, huey.storage.sqlite3.sqlite_version,"
        " sqlite_utils.db.sqlite3.sqlite_version, sqlite.sqlite3.sqlite_version}; assert len(found) == 1, found"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_many_rows_go_by_the_names_of_their_values(tmp_path: Path) -> None:
    conn = sqlite.connect(tmp_path / "some.db")
    conn.execute("CREATE TABLE t (a INTEGER, b BLOB, c TEXT, d INTEGER) STRICT")
    rows = [{"c": None, "number": 1, "b": b"\0:b", "more": "not asked for"}, {"b": None, "number": 2, "c": ":c ?"}]
    conn.executemany("INSERT INTO t VALUES (:number, :b, :c, :number + 10)", rows)
    conn.executemany("INSERT INTO t (a) VALUES (:one)", ({"one": number} for number in (3, 4)))
    conn.executemany("INSERT INTO t (a) VALUES (:real)", [5])
    found = [tuple(row) for row in conn.execute("SELECT a, b, c, d FROM t ORDER BY a")]
    assert found.pop() == (5, None, None, None)
    assert found == [(1, b"\0:b", None, 11), (2, None, ":c ?", 12), (3, None, None, None), (4, None, None, None)]
    with pytest.raises(KeyError, match="number"):
        conn.executemany("INSERT INTO t VALUES (:number, :b, :c, 0)", [{"b": None, "c": None}])
    conn.close()


def test_a_connection_is_durable_keeps_its_references_and_waits_for_locks(tmp_path: Path) -> None:
    conn = sqlite.connect(tmp_path / "some.db")
    wanted = {"synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "trusted_schema": 0, "query_only": 0}
    assert {name: conn.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
    assert conn.isolation_level is None
    conn.close()


def test_a_readonly_connection_refuses_to_write(tmp_path: Path) -> None:
    sqlite.connect(tmp_path / "some.db").close()
    conn = sqlite.connect(tmp_path / "some.db", readonly=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        conn.execute("CREATE TABLE t (a)")
    conn.close()


def test_everything_works_with_the_slower_journal_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "JOURNAL", "truncate")
    path = tmp_path / "arena.db"
    migrate(path, schemas())
    assert migrate(path, schemas()) == []

    def add(conn: sqlite3.Connection, n: int) -> int:
        conn.execute("INSERT INTO collectors (name) VALUES (:name)", {"name": f"c{n}"})
        return n

    def count(conn: sqlite3.Connection) -> int:
        found: int = conn.execute("SELECT COUNT(*) FROM collectors").fetchone()[0]
        return found

    async def live() -> int:
        db = Database(path)
        await db.open()
        try:
            version = db.version()
            done = await asyncio.gather(*(db.write(lambda conn, n=n: add(conn, n)) for n in range(50)))
            counts = await asyncio.gather(*(db.read(count) for _ in range(20)), db.write(lambda conn: add(conn, 50)))
            assert done == list(range(50))
            assert set(counts[:-1]) <= {50, 51}
            assert db.version() != version
            assert not path.with_name("arena.db-wal").exists()
            return db.glance(count)
        finally:
            await db.close()

    assert asyncio.run(live()) == 51
