"""Other tools' databases are read as they stand, and nobody can tell afterwards."""

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arena.client import databases

WRITER = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("pragma wal_autocheckpoint = 0")
for sql in sys.stdin:
    conn.execute(sql)
    print("done", flush=True)
"""


class Tool:
    """A tool in a process of its own, so that its locks are real."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def do(self, sql: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(sql.encode() + b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"done\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder? with #signs%20"
    folder.mkdir()
    return folder / "tool.db"


@pytest.fixture
def tool(path: Path) -> Iterator[Callable[[], Tool]]:
    tools: list[Tool] = []

    def start() -> Tool:
        tools.append(Tool(path))
        return tools[-1]

    yield start
    for each in tools:
        each.kill()


def made(path: Path, mode: str) -> None:
    conn = sqlite3.connect(path)
    conn.execute(f"pragma journal_mode = {mode}")
    conn.execute("create table t (n)")
    conn.execute("insert into t values (1)")
    conn.commit()
    conn.close()


def rows(conn: sqlite3.Connection) -> int:
    count: int = conn.execute("select count(*) from t").fetchone()[0]
    return count


def traces(path: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in path.parent.iterdir()}


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_at_rest_is_left_as_it_was(path: Path, mode: str) -> None:
    made(path, mode)
    before = traces(path)
    assert databases.read(str(path), rows) == 1
    assert traces(path) == before


def test_rows_that_stand_only_in_the_log_are_seen(path: Path, tool: Callable[[], Tool]) -> None:
    made(path, "wal")
    running = tool()
    for number in range(2, 5):
        running.do(f"insert into t values ({number})")
        before = traces(path)
        assert databases.read(str(path), rows) == number
        assert traces(path) == before
    assert {file.name for file in path.parent.iterdir()} == {"tool.db", "tool.db-wal", "tool.db-shm"}


def test_a_reader_keeps_no_tool_from_writing(path: Path, tool: Callable[[], Tool]) -> None:
    made(path, "wal")
    running = tool()
    running.do("insert into t values (2)")

    def while_reading(conn: sqlite3.Connection) -> tuple[int, int]:
        first = rows(conn)
        running.do("insert into t values (3)")
        return first, rows(conn)

    assert databases.read(str(path), while_reading)[0] == 2
    assert databases.read(str(path), rows) == 3


def test_what_a_killed_tool_left_in_its_log_is_seen(path: Path, tool: Callable[[], Tool]) -> None:
    made(path, "wal")
    running = tool()
    running.do("insert into t values (2)")
    running.kill()
    before = traces(path)
    assert databases.read(str(path), rows) == 2
    assert traces(path) == before


def test_a_log_without_its_index_is_refused_in_words(path: Path, tool: Callable[[], Tool]) -> None:
    made(path, "wal")
    running = tool()
    running.do("insert into t values (2)")
    running.kill()
    path.with_name("tool.db-shm").unlink()
    before = traces(path)
    with pytest.raises(OSError, match="start the tool once"):
        databases.read(str(path), rows)
    assert traces(path) == before


def test_half_a_transaction_of_a_killed_tool_is_refused_in_words(path: Path, tool: Callable[[], Tool]) -> None:
    made(path, "delete")
    running = tool()
    running.do("pragma cache_size = 1")
    running.do("begin")
    running.do("insert into t select randomblob(1000) from (select 1 from json_each(json_array(1,2,3,4,5,6,7,8,9)))")
    running.do("insert into t select randomblob(1000) from t, t as u, t as v")
    running.kill()
    before = traces(path)
    with pytest.raises(OSError, match="start the tool once"):
        databases.read(str(path), rows)
    assert traces(path) == before


def test_a_locked_database_is_not_waited_for_long(
    path: Path, tool: Callable[[], Tool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "PATIENCE", 0.01)
    made(path, "delete")
    tool().do("begin exclusive")
    with pytest.raises(OSError, match="the next sync tries again"):
        databases.read(str(path), rows)


def test_a_tool_that_starts_while_we_read_makes_us_read_again(path: Path, tool: Callable[[], Tool]) -> None:
    made(path, "wal")
    seen: list[int] = []

    def disturbed(conn: sqlite3.Connection) -> int:
        seen.append(rows(conn))
        if len(seen) == 1:
            tool().do("insert into t values (2)")
        return seen[-1]

    assert databases.read(str(path), disturbed) == 2
    assert seen == [1, 2]


def test_a_tool_that_never_stops_writing_is_left_for_later(path: Path) -> None:
    made(path, "wal")

    def disturbed(conn: sqlite3.Connection) -> int:
        count = rows(conn)
        writer = sqlite3.connect(path)
        writer.execute("insert into t values (2)")
        writer.commit()
        writer.close()
        return count

    with pytest.raises(OSError, match="writes to it all the time"):
        databases.read(str(path), disturbed)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"words" * 100])
def test_what_is_no_database_is_refused_in_words(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(OSError, match="not an SQLite database"):
        databases.read(str(path), rows)


def test_a_missing_database_stays_missing(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        databases.read(str(path), rows)
    assert traces(path) == {}


def test_a_damaged_database_is_refused_in_words(path: Path) -> None:
    made(path, "delete")
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"malformed|not a database"):
        databases.read(str(path), rows)


def test_columns_tell_what_a_table_has(path: Path) -> None:
    made(path, "delete")
    assert databases.read(str(path), lambda conn: databases.columns(conn, "t")) == {"n"}
    assert databases.read(str(path), lambda conn: databases.columns(conn, "missing")) == set()
