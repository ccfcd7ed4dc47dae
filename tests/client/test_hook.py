"""`arena hook`: quick, silent, and the upload goes on without it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arena.client import spool
from tests.client import samples
from tests.client.box import Box
from tests.client.conftest import ROOT, Laptop
from tests.client.lines import answer, write


def called(laptop: Laptop, event: bytes) -> tuple[int | None, bytes, bytes]:
    process = laptop.start("hook", "claude-code", stdin=subprocess.PIPE)
    out, err = process.communicate(event, timeout=20)
    return process.returncode, out, err


def event(path: Path) -> bytes:
    return json.dumps({"session_id": "s-1", "transcript_path": str(path), "hook_event_name": "SessionEnd"}).encode()


def waited_for(laptop: Laptop) -> None:
    until = time.monotonic() + 15
    spool = laptop.home / "spool"
    while time.monotonic() < until and (not spool.is_dir() or any(spool.iterdir())):
        time.sleep(0.05)
    assert list(spool.iterdir()) == []


@pytest.mark.usefixtures("signed_in")
def test_a_hook_sends_the_session_and_its_sub_agents_only(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer("a"))
    side = answer("b", "r2", isSidechain=True, agentId="x")
    write(laptop.transcript.with_suffix("") / "subagents" / "agent-x.jsonl", side)
    write(laptop.transcript.with_name("other.jsonl"), answer("c", "r3", sessionId="s-2"))
    assert called(laptop, event(laptop.transcript)) == (0, b"", b"")
    waited_for(laptop)
    assert len(box.records) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"x" * 3_000_000])
def test_whatever_comes_in_nothing_comes_out(laptop: Laptop, content: bytes) -> None:
    process = laptop.start("hook", "claude-code", stdin=subprocess.PIPE)
    try:
        out, err = process.communicate(content, timeout=20)
    except BrokenPipeError:
        out, err = b"", b""
    assert (process.wait(), out, err) == (0, b"", b"")


@pytest.mark.parametrize("content", [b"", b"{half", b"[]"])
def test_an_event_that_cannot_be_read_is_word_of_the_tool(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr("arena.client.detached.start", lambda *_: None)
    monkeypatch.setattr("arena.client.hook._input", lambda: content)
    assert laptop.run("hook", "amp") == (0, "", "")
    assert list(spool.words().values()) == [{"tool": "amp"}]


@pytest.mark.usefixtures("signed_in")
def test_codex_s_older_road_says_its_event_after_the_command(laptop: Laptop, box: Box) -> None:
    samples.lay("codex", laptop.home.parent)
    keys = {record["key"] for record in laptop.records()}
    event = json.dumps({"type": "agent-turn-complete", "thread-id": "t", "last-assistant-message": samples.CANARY})
    process = laptop.start("hook", "codex", event, stdin=subprocess.DEVNULL)
    assert process.communicate(timeout=20) == (b"", b"")
    waited_for(laptop)
    assert box.records.keys() == keys
    assert samples.CANARY.encode() not in box.heard


@pytest.mark.usefixtures("signed_in")
def test_what_could_not_be_sent_waits_in_the_spool(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer())
    box.faults = [401]
    called(laptop, event(laptop.transcript))
    until = time.monotonic() + 15
    while box.faults and time.monotonic() < until:
        time.sleep(0.05)
    assert laptop.run("sync", "--spooled", "--quiet") == (0, "", "")
    assert len(box.records) == 1
    waited_for(laptop)


def test_the_hook_imports_next_to_nothing() -> None:
    code = "import sys, json, os; before = set(sys.modules); import arena.cli, arena.client.hook;"
    code += " print(*sorted(name for name in set(sys.modules) - before if not name.startswith('arena')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.split() == []
