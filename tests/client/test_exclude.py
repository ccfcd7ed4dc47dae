"""`arena exclude`, `include`, `list-excluded`: what is excluded never leaves, and nothing of it is lost."""

from pathlib import Path

import pytest

from tests.client.box import Box
from tests.client.conftest import Laptop
from tests.client.lines import answer, write

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture(autouse=True)
def history(laptop: Laptop) -> None:
    write(laptop.transcript, answer("a"), answer("b", "r2", cwd="/home/dev/api/deep"))
    agent = answer("c", "r3", cwd="/tmp/worktree", isSidechain=True, agentId="x")
    write(laptop.transcript.with_suffix("") / "subagents" / "agent-x.jsonl", agent)
    write(laptop.transcript.with_name("s-2.jsonl"), answer("d", "r4", cwd="/home/dev/apiary", sessionId="s-2"))


@pytest.mark.parametrize("pattern", ["/home/dev/api", "/home/dev/api/", "/home/*/api", "a?i", "/home/dev/api/deep"])
def test_an_excluded_project_is_never_sent(laptop: Laptop, box: Box, pattern: str) -> None:
    assert laptop.run("exclude", pattern)[0] == 0
    told = laptop.json("sync")
    assert (told["submitted"], told["excluded_sessions"]) == (1, 1)
    laptop.run("sync", "--full")
    assert len(box.records) == 1
    assert laptop.json("status")["unsent"] == 0


def test_an_included_project_is_sent_later(laptop: Laptop, box: Box) -> None:
    laptop.run("exclude", "/home/dev/api")
    laptop.run("sync")
    laptop.transcript.unlink()
    assert laptop.json("list-excluded") == {"excluded": ["/home/dev/api"]}
    assert laptop.run("include", "/home/dev/api")[0] == 0
    assert laptop.json("sync")["submitted"] == 3
    assert len(box.records) == 4


def test_the_current_folder_is_the_default(laptop: Laptop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    laptop.run("exclude")
    assert laptop.json("list-excluded") == {"excluded": [str(tmp_path)]}
    laptop.run("include")
    assert laptop.json("list-excluded") == {"excluded": []}


def test_forget_removes_what_was_sent(laptop: Laptop, box: Box) -> None:
    laptop.run("sync")
    told = laptop.json("exclude", "/home/dev/api", "--forget")
    assert told["sessions"] == 1
    assert len(box.sessions) == 1
    assert laptop.json("sync")["submitted"] == 0


def test_including_what_was_not_excluded_is_refused(laptop: Laptop) -> None:
    laptop.run("exclude", "/home/dev")
    code, _, err = laptop.run("include", "/home/dev/api")
    assert code == 1
    assert "arena include '/home/dev'" in err


def test_exclusions_that_cannot_be_read_stop_the_sync(laptop: Laptop, box: Box) -> None:
    (laptop.home / "config.toml").write_text("excluded = [")
    code, _, err = laptop.run("sync")
    assert (code, err.count("\n")) == (1, 1)
    assert box.usage_requests() == []
