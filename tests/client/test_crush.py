"""Each trap of Crush's databases, counted as it must be: costs and messages, never tokens."""

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arena.client.tools import crush
from arena.wire import record_key, session_hash
from tests.client.conftest import Laptop

SCHEMA = """
pragma journal_mode = wal;
create table sessions (id text primary key, parent_session_id text, title text, message_count integer,
    prompt_tokens integer, completion_tokens integer, cost real, updated_at integer, created_at integer);
create table messages (id text primary key, session_id text, role text, parts text, model text,
    created_at integer, updated_at integer);
"""
AT = 1_772_964_000


class Project:
    """A project with Crush at work in it."""

    def __init__(self, folder: Path) -> None:
        (folder / ".crush").mkdir(parents=True)
        self.folder = folder
        self.conn = sqlite3.connect(folder / ".crush" / "crush.db", isolation_level=None)
        self.conn.executescript(SCHEMA)

    def session(self, name: str = "s", cost: float = 0.5, parent: str | None = None, updated: int = AT) -> None:
        row = (name, parent, "secret", 1, 90_000, 700, cost, updated, AT)
        self.conn.execute("insert or replace into sessions values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def says(self, name: str, role: str = "assistant", session: str = "s", at: int = AT, model: str = "gpt-5") -> None:
        row = (name, session, role, "secret", model if role == "assistant" else None, at, at)
        self.conn.execute("insert into messages values (?, ?, ?, ?, ?, ?, ?)", row)
        self.conn.execute("update sessions set message_count = message_count + 1 where id = ?", (session,))


@pytest.fixture
def listed(laptop: Laptop) -> Callable[..., None]:
    path = laptop.home.parent / ".local" / "share" / "crush" / "projects.json"
    path.parent.mkdir(parents=True)

    def write(*projects: Any) -> None:
        path.write_text(json.dumps({"projects": list(projects)}))

    return write


@pytest.fixture
def project(laptop: Laptop, listed: Callable[..., None]) -> Project:
    made = Project(laptop.home.parent / "work" / "api")
    listed({"path": str(made.folder), "data_dir": str(made.folder / ".crush")})
    return made


def test_a_response_is_a_record_whose_tokens_nobody_knows(laptop: Laptop, project: Project) -> None:
    project.session()
    project.says("m1", "user")
    project.says("m2", at=AT + 1)
    record = laptop.record()
    assert record == {
        "key": record_key("crush:m2", ""),
        "at": (AT + 1) * 1000,
        "model": "gpt-5",
        "turns": 1,
        "cost_recorded": 0.5,
        "tokens_known": False,
    }


def test_tokens_are_shown_as_not_available_and_never_as_nothing(laptop: Laptop, project: Project) -> None:
    project.session()
    project.says("m1")
    code, out, _ = laptop.run("sync", "--dry-run")
    assert code == 0
    assert out.count("not available") == 4
    assert "1 of these responses came from tools that do not keep their tokens." in out
    (day,) = laptop.json("sync", "--dry-run")["daily"]
    assert (day["responses"], day["tokens_unknown"]) == (1, 1)


def test_the_cost_of_a_session_stands_once_and_grows(laptop: Laptop, project: Project) -> None:
    project.session(cost=0.25)
    project.says("m1")
    laptop.records()
    project.session(cost=0.75, updated=AT + 60)
    project.says("m2", at=AT + 60)
    assert [record.get("cost_recorded") for record in laptop.records()] == [0.75, None]


def test_a_sub_agent_s_cost_is_already_in_its_parent_s(laptop: Laptop, project: Project) -> None:
    project.session(cost=0.75)
    project.session("sub", cost=0.25, parent="s")
    project.session("sub-sub", cost=0.125, parent="sub")
    project.session("title-s", cost=0.01, parent="s")
    project.says("m1", at=AT + 9)
    project.says("m2", "user", "sub")
    project.says("m3", session="sub")
    project.says("m4", session="sub-sub")
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert session["session"] == session_hash("crush", "s")
    records = session["records"]
    assert sum(record.get("cost_recorded", 0) for record in records) == 0.75
    assert {record["at"]: record.get("sidechain", False) for record in records} == {
        (AT + 9) * 1000: False,
        AT * 1000: True,
    }
    assert not any(record.get("turns") for record in records)


@pytest.mark.parametrize("parent", ["gone", "s"])
def test_a_session_whose_parent_is_gone_stands_for_itself(laptop: Laptop, project: Project, parent: str) -> None:
    project.session(parent=parent)
    project.says("m1")
    assert laptop.record()["cost_recorded"] == 0.5


def test_a_cost_of_nothing_is_not_free(laptop: Laptop, project: Project) -> None:
    project.session(cost=0)
    project.says("m1")
    assert "cost_recorded" not in laptop.record()


def test_prompts_stand_with_the_response_after_them(laptop: Laptop, project: Project) -> None:
    project.session()
    for number, role in enumerate(("user", "user", "assistant", "tool", "assistant", "user", "assistant")):
        project.says(f"m{number}", role, at=AT + number)
    assert [record.get("turns", 0) for record in laptop.records()] == [2, 0, 1]


@pytest.mark.parametrize("written", [AT, AT * 1000])
def test_times_are_seconds_or_milliseconds(laptop: Laptop, project: Project, written: int) -> None:
    project.session()
    project.says("m1", at=written)
    assert laptop.record()["at"] == AT * 1000


def test_odd_rows_cost_no_other(laptop: Laptop, project: Project) -> None:
    project.session(cost=-1)
    project.says("m1", at=0)
    project.says("m2", model="")
    project.conn.execute("insert into messages values ('m3', 's', null, 7, 8, 'never', null)")
    project.conn.execute("insert into sessions values ('t', 7, null, null, null, null, 'free', null, null)")
    record = laptop.record()
    assert record["model"] == "unknown"
    assert "cost_recorded" not in record


def test_each_project_has_a_folder_that_can_be_excluded(
    laptop: Laptop, project: Project, listed: Callable[..., None]
) -> None:
    other = Project(laptop.home.parent / "work" / "secret")
    for each in (project, other):
        each.session(each.folder.name)
        each.says(f"m-{each.folder.name}", session=each.folder.name)
    listed({"path": str(project.folder), "data_dir": ".crush"}, {"path": str(other.folder), "data_dir": ".crush"})
    assert len(laptop.records()) == 2
    laptop.run("exclude", str(other.folder))
    assert laptop.record()["key"] == record_key("crush:m-api", "")


def test_projects_that_are_gone_twice_there_or_odd_are_passed_over(
    laptop: Laptop, project: Project, listed: Callable[..., None]
) -> None:
    project.session()
    project.says("m1")
    here = {"path": str(project.folder)}
    listed({"path": "/gone"}, {}, {"path": "relative"}, here, {**here, "data_dir": str(project.folder / ".crush")})
    assert len(laptop.records()) == 1
    for odd in ("", "{", "[]", '{"projects": 7}', "[" * 20_000):
        Path(crush.places()[0]).write_text(odd)
        assert laptop.run("sync", "--dry-run", "--full")[0] == 0


def test_the_list_of_projects_may_lie_elsewhere(
    tmp_path: Path, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crush.places()[0] == str(tmp_path / ".local" / "share" / "crush" / "projects.json")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert crush.places()[0] == str(tmp_path / "xdg" / "crush" / "projects.json")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert crush.places()[0] == str(tmp_path / "Local" / "crush" / "projects.json")
    monkeypatch.setenv("CRUSH_GLOBAL_DATA", str(tmp_path / "given"))
    assert crush.places()[0] == str(tmp_path / "given" / "projects.json")
