"""Each trap of Goose's sessions, counted as it must be."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from arena.client.tools import goose
from arena.wire import record_key, session_hash
from tests.client.conftest import Laptop

OLD = "accumulated_total_tokens, accumulated_input_tokens, accumulated_output_tokens, total_tokens, input_tokens,"
OLD += " output_tokens, provider_name, model_config_json"
NEW = OLD + ", accumulated_cache_read_tokens, accumulated_cache_write_tokens, accumulated_cost, parent_session_id"
CREATED = "2026-03-07 11:00:00"
CREATED_AT = 1_772_881_200_000
MODEL = '{"model_name": "claude-sonnet-4-5", "api_key": "secret"}'


@pytest.fixture
def path(laptop: Laptop) -> Path:
    made = laptop.home.parent / ".local" / "share" / "goose" / "sessions" / "sessions.db"
    made.parent.mkdir(parents=True)
    return made


def database(path: Path, columns: str = NEW) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("pragma journal_mode = wal")
    conn.execute(f"create table sessions (id text primary key, working_dir text, created_at, updated_at, {columns})")
    conn.execute("create table messages (session_id text, role text, content_json text)")
    return conn


def session(
    conn: sqlite3.Connection, name: str = "20260307_1", used: tuple[int, int] = (1000, 50), **more: Any
) -> None:
    row = {"id": name, "working_dir": "/home/dev/api", "created_at": CREATED, "updated_at": CREATED}
    row |= {
        "model_config_json": MODEL,
        "accumulated_input_tokens": used[0],
        "accumulated_output_tokens": used[1],
        **more,
    }
    names = ", ".join(row)
    conn.execute(f"insert or replace into sessions ({names}) values ({', '.join('?' * len(row))})", [*row.values()])


def figures(record: dict[str, Any]) -> list[int]:
    return [record.get(name, 0) for name in ("input", "output", "cache_write_5m", "cache_read")]


def test_input_holds_the_cache_s_share(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn, accumulated_cache_read_tokens=700, accumulated_cache_write_tokens=100)
    record = laptop.record()
    assert figures(record) == [200, 50, 100, 700]
    assert (record["model"], record["at"]) == ("claude-sonnet-4-5", CREATED_AT)
    conn.close()


def test_an_older_database_without_the_newer_columns_counts(laptop: Laptop, path: Path) -> None:
    conn = database(path, OLD)
    session(conn)
    assert figures(laptop.record()) == [1000, 50, 0, 0]
    conn.close()


def test_a_database_without_what_we_need_is_named_and_the_rest_goes_on(laptop: Laptop, path: Path) -> None:
    conn = sqlite3.connect(path)
    conn.execute("create table something_else (id)")
    conn.close()
    code, _, err = laptop.run("sync", "--dry-run")
    assert code == 0
    assert "sessions.db" in err
    assert err.count("\n") == 1


def test_thinking_that_stands_only_in_the_sum_is_output(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn, accumulated_total_tokens=1080)
    assert figures(laptop.record()) == [1000, 80, 0, 0]
    conn.close()


def test_the_sums_stand_before_the_last_step(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn, "a", input_tokens=7, output_tokens=8)
    session(conn, "b", (None, None), input_tokens=7, output_tokens=8)  # type: ignore[arg-type]
    assert sorted(figures(record)[:2] for record in laptop.records()) == [[7, 8], [1000, 50]]
    conn.close()


def test_the_same_id_of_another_day_or_machine_is_another_session(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn)
    first = laptop.record()
    assert first["key"] == record_key(f"goose:20260307_1:{CREATED_AT}", "")
    session(conn, created_at="2026-03-07 12:00:00")
    assert {record["at"] for record in laptop.records()} == {CREATED_AT, CREATED_AT + 3_600_000}
    conn.close()


def test_a_session_that_grows_replaces_itself_while_goose_runs(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    for output in (50, 90):
        session(conn, used=(1000, output))
        assert laptop.record()["output"] == output
    session(conn, used=(1000, 90), accumulated_cost=0.5)
    assert laptop.record()["cost_recorded"] == 0.5
    conn.close()


def test_a_sub_agent_belongs_to_the_session_that_started_it(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn, "a")
    session(conn, "b", parent_session_id="a")
    session(conn, "c", parent_session_id="b")
    session(conn, "d", parent_session_id="gone")
    session(conn, "e", parent_session_id="f")
    session(conn, "f", parent_session_id="e")
    sessions = [one for body in laptop.json("sync", "--dry-run")["requests"] for one in body["sessions"]]
    mine = [one for one in sessions if one["session"] == session_hash("goose", f"a:{CREATED_AT}")]
    sides = [record.get("sidechain", False) for one in mine for record in one["records"]]
    assert sorted(sides) == [False, True, True]
    assert len(laptop.records()) == 6
    conn.close()


def test_only_what_begins_as_text_is_a_prompt(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn)
    for role, said in (
        ("user", '[{"type":"text","text":"please"}]'),
        ("user", '[{"type":"toolResponse","id":"t"}]'),
        ("assistant", '[{"type":"text","text":"yes"}]'),
        ("user", "broken"),
        ("user", '[{"type":"text","text":"and"}]'),
    ):
        conn.execute("insert into messages values ('20260307_1', ?, ?)", (role, said))
    assert laptop.record()["turns"] == 2
    conn.close()


def test_odd_values_cost_no_other_session(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn, "a", model_config_json="{half", working_dir=None)
    session(conn, "b", (-5, 3), accumulated_cost="free")
    session(conn, "c", created_at="once upon a time")
    session(conn, "d", ("many", 4), parent_session_id=7)  # type: ignore[arg-type]
    session(conn, "e", (10**12, 4))
    session(conn, "f", (None, None))  # type: ignore[arg-type]
    records = {tuple(figures(record)[:2]): record["model"] for record in laptop.records()}
    assert records == {(1000, 50): "unknown", (0, 3): "claude-sonnet-4-5", (0, 4): "claude-sonnet-4-5"}
    conn.close()


@pytest.mark.parametrize("created", [1_772_881_200, 1_772_881_200_000, "1772881200", "2026-03-07T11:00:00Z", CREATED])
def test_times_come_in_any_shape(laptop: Laptop, path: Path, created: Any) -> None:
    conn = database(path)
    session(conn, created_at=created)
    assert laptop.record()["at"] == CREATED_AT
    conn.close()


def test_one_project_of_many_in_the_database_can_be_excluded(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn, "a")
    session(conn, "b", (9, 9), working_dir="/home/dev/secret")
    session(conn, "c", (9, 9), parent_session_id="b")
    laptop.run("exclude", "/home/dev/secret")
    assert laptop.record()["output"] == 50
    conn.close()


def test_a_cost_of_nothing_is_no_cost(laptop: Laptop, path: Path) -> None:
    conn = database(path)
    session(conn, accumulated_cost=0)
    assert "cost_recorded" not in laptop.record()
    conn.close()


def test_the_database_may_lie_elsewhere(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> list[str]:
        return [str(Path(source.path).relative_to(tmp_path)) for source in goose.sources()]

    end = "sessions/sessions.db"
    support = "Library/Application Support"
    for place in (f"root/data/{end}", f"xdg/goose/{end}", f"Roaming/Block/goose/data/{end}", f"{support}/goose/{end}"):
        database(tmp_path / place).close()
    assert found() == []
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert found() == [f"xdg/goose/{end}"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert found() == [f"xdg/goose/{end}", f"{support}/goose/{end}"]
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
    assert found() == [f"Roaming/Block/goose/data/{end}"]
    monkeypatch.setenv("GOOSE_PATH_ROOT", str(tmp_path / "root"))
    assert found() == [f"root/data/{end}"]
