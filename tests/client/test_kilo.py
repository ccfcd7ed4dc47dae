"""Kilo CLI keeps what OpenCode keeps, in a folder of its own and under a name of its own."""

from pathlib import Path

import pytest

from arena.wire import record_key, session_hash
from tests.client.conftest import Laptop
from tests.client.storage import Files, Store, call, prompt, said


@pytest.fixture
def home(laptop: Laptop) -> Path:
    return laptop.claude.parent / ".local" / "share" / "kilo"


def fill(store: Store | Files) -> None:
    store.session()
    store.message("msg_0", prompt())
    store.message("msg_1", said(), call("bash"))


def test_its_database_is_read(laptop: Laptop, home: Path) -> None:
    store = Store(home / "kilo.db")
    fill(store)
    store.conn.close()
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert (session["tool"], session["session"]) == ("kilo", session_hash("kilo", "ses_1"))
    (record,) = session["records"]
    assert (record["output"], record["turns"], record["tools"]) == (57, 1, {"bash": 1})
    assert record["key"] == record_key("kilo:msg_1", "")


def test_its_older_files_are_read(laptop: Laptop, home: Path) -> None:
    fill(Files(home))
    assert laptop.record()["key"] == record_key("kilo:msg_1", "")


def test_only_the_tool_that_is_named_is_read(laptop: Laptop, home: Path) -> None:
    for folder, name in ((home, "kilo.db"), (home.with_name("opencode"), "opencode.db")):
        store = Store(folder / name)
        fill(store)
        store.conn.close()
    dry = laptop.json("sync", "--dry-run", "--tool", "kilo")
    assert [session["tool"] for session in dry["requests"][0]["sessions"]] == ["kilo"]
    assert len(laptop.records()) == 2


@pytest.mark.parametrize("name", ["KILO_DATA_DIR", "XDG_DATA_HOME"])
def test_another_folder_is_looked_into_where_it_is_set(
    laptop: Laptop, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fill(Files(home))
    other = Files(tmp_path / "else" if name == "KILO_DATA_DIR" else tmp_path / "else" / "kilo")
    other.message("msg_2", said())
    monkeypatch.setenv(name, str(tmp_path / "else"))
    assert laptop.record()["key"] == record_key("kilo:msg_2", "")
