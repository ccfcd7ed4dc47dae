"""The engine between tools and ledger: what grows, what is rewritten and what stands in databases is read once."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from arena.client import batches, ledger
from arena.client.counting import Files, count
from arena.client.models import Copy, Reading
from arena.client.sources import Database, Document, Part, Source, content, stamp, stamp_of_database
from arena.client.tally import Tally

AT = 1_770_000_000_000

Sync = Callable[[Callable[[], Iterator[Source]]], Files]


@pytest.fixture
def conn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "arena"))
    opened = ledger.opened()
    yield opened
    opened.close()


def reading(outputs: dict[str, int], session: str = "s", cwd: str = "/home/dev/api") -> Reading:
    tally = Tally("claude-code")
    for name, output in outputs.items():
        key = name.encode().ljust(16)
        tally.add(Copy(key, AT, "m", tally.session(session, AT, cwd), output=output))
    return tally.reading()


def read_all(conn: sqlite3.Connection, sources: Iterable[Any], full: bool = False) -> Files:
    tool: Any = SimpleNamespace(NAME="claude-code")
    return count(conn, tool, sources, full)


def sent(conn: sqlite3.Connection, excluded: frozenset[int] = frozenset()) -> dict[str, int]:
    made = batches.batches(conn, ["claude-code"], excluded=excluded)
    sessions = [session for batch in made for session in batch.report.sessions]
    return {
        bytes.fromhex(record.key).decode().strip(): record.output for session in sessions for record in session.records
    }


def document(path: Path) -> Document:
    def read() -> Reading:
        return reading(msgspec.json.decode(content(str(path)), type=dict[str, int]))

    return Document(str(path), stamp(path.stat()), read)


def test_a_rewritten_document_grows_and_takes_nothing_back(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "thread.json"
    path.write_text('{"a": 1, "b": 2}')
    assert read_all(conn, [document(path)]).read == 1
    assert read_all(conn, [document(path)]).unchanged == 1
    path.write_text('{"b": 5, "c": 3}')
    assert read_all(conn, [document(path)]).read == 1
    assert sent(conn) == {"a": 1, "b": 5, "c": 3}


def test_a_cost_that_the_tool_notes_grows_alone(conn: sqlite3.Connection) -> None:
    def priced(number: int, cost: float | None) -> Document:
        def read() -> Reading:
            tally = Tally("claude-code")
            tally.add(Copy(b"k" * 16, AT, "m", tally.session("s", AT), cost_recorded=cost))
            return tally.reading()

        return Document("thread.json", (1, number, 0), read)

    for number, cost in enumerate((None, 0.5, 0.25, None)):
        read_all(conn, [priced(number, cost)])
    (batch,) = batches.batches(conn, ["claude-code"])
    assert batch.report.sessions[0].records[0].cost_recorded == 0.5


def test_a_half_written_document_is_named_and_read_the_next_time(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "thread.json"
    path.write_text('{"a": 1')
    (tmp_path / "good.json").write_text('{"z": 9}')
    files = read_all(conn, [document(path), document(tmp_path / "good.json")])
    assert "thread.json" in files.unreadable[0]
    assert sent(conn) == {"z": 9}
    path.write_text('{"a": 1}')
    assert not read_all(conn, [document(path)]).unreadable
    assert sent(conn) == {"a": 1, "z": 9}


def test_a_name_that_is_no_text_is_a_name_all_the_same(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xc3\xa9.json"))
    path.write_text('{"a": 1}')
    assert read_all(conn, [document(path)]).read == 1
    assert read_all(conn, [document(path)]).unchanged == 1
    path.write_text('{"a": 1, "b": 2}')
    assert read_all(conn, [document(path)]).read == 1
    assert sent(conn) == {"a": 1, "b": 2}
    assert len(ledger.numbers(conn, "claude-code", [str(path)])) == 1


def test_a_tool_whose_list_cannot_be_read_costs_no_other(conn: sqlite3.Connection, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')

    def listed() -> Iterator[Source]:
        yield document(tmp_path / "a.json")
        raise PermissionError(13, "Permission denied")

    files = read_all(conn, listed())
    assert files.unreadable == ["all of claude-code: [Errno 13] Permission denied"]
    assert sent(conn) == {"a": 1}


def made(path: Path) -> sqlite3.Connection:
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("pragma journal_mode = wal")
    writer.execute("create table message (name text, session text, output integer, cwd text)")
    return writer


def say(writer: sqlite3.Connection, name: str, session: str, output: int) -> None:
    values = {"name": name, "session": session, "output": output, "cwd": f"/home/{session}"}
    writer.execute("insert into message values (:name, :session, :output, :cwd)", values)


def database(path: Path) -> Database:
    def one(session: str, conn: sqlite3.Connection) -> Reading:
        rows = conn.execute("select name, output from message where session = :session", {"session": session})
        return reading(dict(rows.fetchall()), session, f"/home/{session}")

    def parts(conn: sqlite3.Connection) -> list[Part]:
        rows = conn.execute("select session, count(*), max(rowid) from message group by session order by session")
        return [Part(f"{path}#{name}", (number, last, 0), partial(one, name)) for name, number, last in rows]

    return Database(str(path), stamp_of_database(str(path)), parts)


def test_only_the_sessions_of_a_database_that_changed_are_read(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "tool.db"
    writer = made(path)
    for number in range(120):
        say(writer, f"m{number}", f"s{number}", number)
    assert read_all(conn, [database(path)]).read == 120
    assert read_all(conn, [database(path)]).unchanged == 1
    say(writer, "late", "s7", 700)
    files = read_all(conn, [database(path)])
    assert (files.read, files.unchanged, files.unreadable) == (1, 119, [])
    assert sent(conn)["late"] == 700
    assert len(sent(conn)) == 121
    writer.close()


def test_what_a_tool_deletes_from_its_database_stays_counted(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "tool.db"
    writer = made(path)
    say(writer, "a", "s1", 1)
    say(writer, "b", "s2", 2)
    read_all(conn, [database(path)])
    writer.execute("delete from message where session = 's1'")
    read_all(conn, [database(path)])
    assert sent(conn) == {"a": 1, "b": 2}
    writer.close()


def test_a_database_that_cannot_be_read_now_is_read_the_next_time(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "tool.db"
    path.write_bytes(b"half a database")
    files = read_all(conn, [database(path)])
    assert "not an SQLite database" in files.unreadable[0]
    path.unlink()
    writer = made(path)
    say(writer, "a", "s1", 1)
    writer.close()
    os.utime(path, ns=(1, 1))
    assert read_all(conn, [database(path)]).read == 1


def test_a_table_that_a_newer_tool_renamed_is_named_and_nothing_else_fails(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "tool.db"
    writer = made(path)
    writer.execute("alter table message rename to messages")
    (tmp_path / "good.json").write_text('{"z": 9}')
    files = read_all(conn, [database(path), document(tmp_path / "good.json")])
    assert "no such table" in files.unreadable[0]
    assert sent(conn) == {"z": 9}
    writer.close()


def test_full_reads_every_part_again(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "tool.db"
    writer = made(path)
    say(writer, "a", "s1", 1)
    read_all(conn, [database(path)])
    assert read_all(conn, [database(path)], full=True).read == 1
    writer.close()
