"""Migrations: once, by whoever comes first, wholly or not at all, and never on somebody else's file."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

from arena.core.migrate import APPLICATION_ID, NewerSchema, migrate
from arena.rooms import schemas


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


def room(name: str, *steps: str, sql: str = "CREATE TABLE {} (a TEXT) STRICT") -> Migrations:
    """A room with one table for each step."""
    made = Migrations(name)
    for step in steps:

        @made(name=step)
        def _(db: Tables, step: str = step) -> None:
            db.execute(sql.format(f"{name}_{step}"))

    return made


def tables(path: Path) -> set[str]:
    conn = sqlite.connect(path, readonly=True)
    found = {row[0] for row in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    conn.close()
    return {name for name in found if not name.startswith(("_", "sqlite_"))}


def pragma(path: Path, name: str) -> object:
    conn = sqlite.connect(path, readonly=True)
    value: object = conn.execute(f"PRAGMA {name}").fetchone()[0]
    conn.close()
    return value


def test_a_new_file_gets_every_step_in_order_and_our_mark(path: Path) -> None:
    assert migrate(path, [room("low", "1", "2"), room("high", "1")]) == ["high.1", "low.1", "low.2"]
    assert tables(path) == {"low_1", "low_2", "high_1"}
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "journal_mode") == sqlite.JOURNAL if sqlite.JOURNAL == "wal" else True


def test_a_second_time_nothing_is_done(path: Path) -> None:
    assert len(migrate(path, schemas())) > 5
    assert migrate(path, schemas()) == []


def test_only_what_is_missing_is_done(path: Path) -> None:
    migrate(path, [room("low", "1")])
    assert migrate(path, [room("low", "1", "2"), room("high", "1")]) == ["high.1", "low.2"]


def test_of_several_processes_at_once_each_step_is_done_by_one(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from arena.core.migrate import migrate; from arena.rooms import schemas\n"
        "sys.stdin.read(); print(migrate(Path(sys.argv[1]), schemas()))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, path],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for each in started:
        assert each.stdin is not None
        each.stdin.close()
        each.stdin = None
    ended = [each.communicate() for each in started]
    assert [each.returncode for each in started] == [0] * 4, ended
    done = [name for out, _ in ended for name in ast.literal_eval(out)]
    assert len(done) == len(set(done))
    assert set(done) == {f"{rooms.name}.{step.name}" for rooms in schemas() for step in rooms._migrations}


def test_a_step_that_fails_undoes_the_whole_upgrade(path: Path) -> None:
    migrate(path, [room("low", "1")])
    bad = room("high", "1", sql="CREATE TABLE {} (a NOSUCHTYPE) STRICT")
    with pytest.raises(Exception, match="NOSUCHTYPE"):
        migrate(path, [room("low", "1", "2"), bad])
    assert tables(path) == {"low_1"}
    assert migrate(path, [room("low", "1", "2"), room("high", "1")]) == ["high.1", "low.2"]


def test_a_step_that_raises_after_writing_undoes_the_whole_upgrade(path: Path) -> None:
    half = Migrations("half")

    @half(name="1")
    def _(db: Tables) -> None:
        db.execute("CREATE TABLE half (a TEXT) STRICT")
        db.execute("INSERT INTO half (a) VALUES ('x')")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(path, [room("low", "1"), half])
    assert tables(path) == set()
    assert pragma(path, "application_id") == 0


def test_a_newer_database_is_refused_by_the_names_of_what_is_unknown_and_left_alone(path: Path) -> None:
    migrate(path, [room("low", "1", "2"), room("later", "1")])
    with pytest.raises(NewerSchema, match=r"newer arena \(later\.1, low\.2\)"):
        migrate(path, [room("low", "1"), room("high", "1")])
    assert tables(path) == {"low_1", "low_2", "later_1"}


def test_the_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    conn = sqlite.connect(path)
    conn.execute("PRAGMA application_id=1")
    conn.execute("CREATE TABLE theirs (a)")
    conn.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another program"):
        migrate(path, schemas())
    assert path.read_bytes() == before


def test_what_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("a letter to my aunt, " * 500)
    before = path.read_bytes()
    with pytest.raises(Exception, match="not a database"):
        migrate(path, schemas())
    assert path.read_bytes() == before
