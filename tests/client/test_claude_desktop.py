"""Each trap of Claude Desktop's local agent sessions, counted as it must be."""

import sys
from pathlib import Path

import pytest

from arena.client.tools import claude_desktop
from arena.wire import record_key, session_hash
from tests.client.conftest import Laptop
from tests.client.lines import answer, usage, write

SESSION = "local-agent-mode-sessions/org/account/local_1"


@pytest.fixture
def session(laptop: Laptop) -> Path:
    return laptop.home.parent / ".config" / "Claude" / SESSION


def transcript(session: Path, name: str = "s-1") -> Path:
    return session / ".claude" / "projects" / "-sessions-x" / f"{name}.jsonl"


def found() -> list[str]:
    return [source.path for source in claude_desktop.sources()]


def test_a_session_and_its_sub_agents_count(laptop: Laptop, session: Path) -> None:
    write(transcript(session), answer("a"))
    side = answer("b", "r2", isSidechain=True, agentId="x")
    write(transcript(session).with_suffix("") / "subagents" / "agent-x.jsonl", side)
    (one, other) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert one["tool"] == "claude-desktop"
    assert one["session"] == other["session"] == session_hash("claude-desktop", "s-1")


def test_the_audit_that_repeats_a_session_is_passed_over(laptop: Laptop, session: Path) -> None:
    write(transcript(session), answer())
    write(session / "audit.jsonl", answer("x", "r9", usage=usage(900)))
    write(transcript(session, "audit"), answer("y", "r8", usage=usage(900)))
    assert laptop.record()["output"] == 100


def test_what_is_also_under_claude_code_counts_once(laptop: Laptop, session: Path) -> None:
    write(laptop.transcript, answer())
    write(transcript(session), answer(), answer("b", "r2"))
    assert laptop.json("sync", "--dry-run")["totals"]["output"] == 200
    assert {record["key"] for record in laptop.records()} == {record_key("msg_1", "req_1"), record_key("b", "r2")}


def test_what_the_person_worked_on_is_not_looked_through(laptop: Laptop, session: Path) -> None:
    write(transcript(session), answer())
    write(session / "uploads" / "mine.jsonl", answer("b", "r2"))
    write(session / "uploads" / ".claude" / "projects" / "p" / "mine.jsonl", answer("c", "r3"))
    (session / "uploads" / "round").symlink_to(session)
    (session.parent / "local_2").symlink_to(session)
    assert found() == [str(transcript(session))]


@pytest.mark.parametrize("between", ["org/account", "org/account/agent", "org"])
def test_sessions_are_found_at_the_depths_that_are_known(session: Path, between: str) -> None:
    other = session.parents[2] / between / "local_other_9"
    write(transcript(other), answer())
    assert found() == [str(transcript(other))]


def test_an_unreadable_folder_is_passed_over(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(transcript(session), answer())
    (session.parents[1] / "another").symlink_to("/proc/1/root")
    (session.parents[2] / "file").write_text("no folder")
    assert found() == [str(transcript(session))]


def test_the_app_s_folder_on_macos(tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    path = transcript(tmp_path / "Library" / "Application Support" / "Claude" / SESSION)
    write(path, answer())
    assert found() == [str(path)]


def test_the_app_s_folders_on_windows(tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    store = tmp_path / "Local" / "Packages" / "Claude_pzs8sxrjxfjjc" / "LocalCache" / "Roaming"
    paths = [transcript(base / "Claude" / SESSION) for base in (tmp_path / "Roaming", store)]
    for path in paths:
        write(path, answer())
    assert found() == [str(path) for path in paths]


def test_another_configuration_folder_on_linux(tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "conf"))
    write(transcript(tmp_path / "conf" / "Claude" / SESSION), answer())
    assert len(found()) == 1
