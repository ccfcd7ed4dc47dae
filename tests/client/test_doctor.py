"""`arena doctor`: says what is found, installed, waiting and reachable, and one sentence on each trouble."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from arena.client import doctor, spool
from tests.client import samples
from tests.client.box import KEY, Box
from tests.client.conftest import Laptop
from tests.client.lines import answer, write

DAY = 86_400


def looked_over(laptop: Laptop) -> tuple[int, Any, str]:
    code, out, err = laptop.run("doctor", "--json")
    return code, json.loads(out), err


def aged(path: Path, days: float) -> None:
    at = time.time() - days * DAY
    os.utime(path, (at, at))


@pytest.mark.usefixtures("signed_in")
def test_a_machine_in_good_health_needs_nothing(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer())
    laptop.run("hooks", "install")
    laptop.run("sync")
    code, told, err = looked_over(laptop)
    assert (code, told["attention"], err) == (0, [], "")
    (tool,) = told["tools"]
    assert (tool["tool"], tool["places"], tool["sources"], tool["uncounted"]) == ("claude-code", ["~/.claude"], 1, 0)
    assert told["hooks"] == [{"tool": "claude-code", "state": "installed", "works": True}]
    server = told["server"]
    assert (server["address"], server["reachable"], server["key_good"]) == (box.url, True, True)
    assert (server["username"], abs(server["clock_ahead_seconds"]) <= 2) == ("alice", True)
    assert (told["unsent"], told["refused"], told["spool"]["words"]) == (0, 0, 0)
    code, out, err = laptop.run("doctor")
    assert (code, err) == (0, "")
    assert "Nothing needs attention." in out
    assert KEY not in out


def test_every_tool_that_is_found_is_named_with_its_place(laptop: Laptop) -> None:
    for tool in samples.names():
        samples.lay(tool, laptop.home.parent)
    _, told, _ = looked_over(laptop)
    assert [tool["tool"] for tool in told["tools"]] == samples.names()
    assert all(tool["places"] and tool["sources"] and tool["uncounted"] for tool in told["tools"])
    _, out, _ = laptop.run("doctor")
    assert samples.CANARY not in out
    assert all(f" {tool}: " in out for tool in samples.names())


def test_a_fresh_machine_says_how_to_begin(laptop: Laptop) -> None:
    laptop.claude.rmdir()
    code, out, err = laptop.run("doctor")
    assert code == 1
    assert "none is found here" in out
    assert err == "arena: nobody is signed in here, so nothing is sent; run `arena login`.\n"


@pytest.mark.usefixtures("signed_in")
def test_what_the_tool_will_soon_delete_is_urgent(laptop: Laptop) -> None:
    aged(write(laptop.transcript, answer()), 25)
    write(laptop.transcript.with_name("new.jsonl"), answer("b", "r2"))
    code, told, err = looked_over(laptop)
    assert code == 1
    assert "1 of claude-code's sources are not counted yet and it deletes what is older than 30 days" in err
    laptop.run("sync")
    assert not [sentence for sentence in looked_over(laptop)[1]["attention"] if "deletes" in sentence]
    assert told["tools"][0]["kept_days"] == 30


@pytest.mark.parametrize(
    ("content", "days"), [('{"cleanupPeriodDays": 365}', 365), ("{", 30), ('{"cleanupPeriodDays": "x"}', 30)]
)
def test_how_long_claude_code_keeps_is_read_and_told(laptop: Laptop, content: str, days: int) -> None:
    laptop.settings.write_text(content)
    write(laptop.transcript, answer())
    (tool,) = looked_over(laptop)[1]["tools"]
    assert tool["kept_days"] == days
    assert '"cleanupPeriodDays": 365' in tool["keep_longer"]
    assert str(laptop.settings) in tool["keep_longer"]


@pytest.mark.usefixtures("signed_in")
def test_a_missing_hook_is_told_when_something_is_not_counted(laptop: Laptop) -> None:
    assert looked_over(laptop)[0] == 0
    write(laptop.transcript, answer())
    code, told, err = looked_over(laptop)
    assert (code, told["hooks"]) == (1, [{"tool": "claude-code", "state": "missing", "works": None}])
    assert "arena hooks install claude-code" in err


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("program", "trouble"),
    [
        ("/nowhere/bin/arena", "/nowhere/bin/arena"),
        ("exit 3; /arena", "it ends with code 3"),
        ("echo no; : /arena", "no"),
    ],
)
def test_a_hook_is_run_as_it_is_installed(laptop: Laptop, program: str, trouble: str) -> None:
    hook = {"type": "command", "command": f"{program} hook claude-code"}
    laptop.settings.write_text(json.dumps({"hooks": {"SessionEnd": [{"hooks": [hook]}]}}))
    code, told, err = looked_over(laptop)
    assert (code, told["hooks"][0]["state"], told["hooks"][0]["works"]) == (1, "installed", False)
    assert trouble in err
    assert "arena hooks install claude-code" in err


@pytest.mark.usefixtures("signed_in")
def test_a_hook_that_hangs_is_not_waited_for(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "HOOK_PATIENCE", 0.2)
    hook = {"type": "command", "command": "sleep 5; : /arena hook claude-code"}
    laptop.settings.write_text(json.dumps({"hooks": {"SessionEnd": [{"hooks": [hook]}]}}))
    assert "it takes longer than 0.2 seconds" in looked_over(laptop)[2]


@pytest.mark.usefixtures("signed_in")
def test_running_the_hook_leaves_no_word_and_sends_nothing(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer())
    laptop.run("hooks", "install")
    looked_over(laptop)
    assert spool.words() == {}
    assert {path for path, _, _ in box.requests} == {"/api/v1/verify"}


@pytest.mark.usefixtures("signed_in")
def test_settings_that_cannot_be_read_are_told(laptop: Laptop) -> None:
    laptop.settings.write_text("{half")
    code, told, err = looked_over(laptop)
    assert (code, told["hooks"][0]["state"]) == (1, "unreadable")
    assert "cannot be read" in err


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(("skew", "way"), [(-600, "ahead of"), (600, "behind")])
def test_a_wrong_clock_is_told(laptop: Laptop, box: Box, skew: int, way: str) -> None:
    box.skew = skew
    code, told, err = looked_over(laptop)
    assert code == 1
    assert abs(told["server"]["clock_ahead_seconds"] + skew) <= 2
    assert f"seconds {way} the server's" in err


def test_a_server_that_is_down_is_one_sentence(laptop: Laptop, signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ARENA_SERVER", f"http://127.0.0.1:{free.getsockname()[1]}")
    code, told, err = looked_over(laptop)
    assert (code, told["server"]["reachable"], err.count("\n")) == (1, False, 1)
    assert "cannot be reached" in err


@pytest.mark.usefixtures("signed_in")
def test_a_key_that_is_refused_is_told_and_the_server_is_reachable(laptop: Laptop, box: Box) -> None:
    box.faults = [401]
    code, told, err = looked_over(laptop)
    assert (code, told["server"]["reachable"], told["server"]["key_good"]) == (1, True, False)
    assert "does not accept this key" in err
    assert KEY not in err


@pytest.mark.usefixtures("signed_in")
def test_what_was_refused_and_what_waits_too_long_is_told(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer())
    box.refuse = "no"
    laptop.run("sync")
    aged(Path(spool.leave({"tool": "claude-code"})), 2)
    spool.leave({"tool": "claude-code"})
    code, told, err = looked_over(laptop)
    assert (code, told["refused"], told["spool"]["words"]) == (1, 1, 2)
    assert told["spool"]["oldest_hours"] == 48.0
    assert "arena sync --full" in err
    assert "hooks left word 2 times" in err


@pytest.mark.usefixtures("signed_in")
def test_what_is_excluded_is_listed_and_does_not_count_as_waiting(laptop: Laptop) -> None:
    write(laptop.transcript, answer())
    laptop.run("sync", "--dry-run")
    laptop.run("exclude", "/home/dev/api")
    _, told, _ = looked_over(laptop)
    assert (told["excluded"], told["excluded_sessions"], told["unsent"]) == (["/home/dev/api"], 1, 0)
    assert "/home/dev/api" in laptop.run("doctor")[1]


@pytest.mark.parametrize("broken", ["config.toml", "credentials.json"])
def test_files_of_our_own_that_are_broken_are_told(laptop: Laptop, signed_in: Any, broken: str) -> None:
    (laptop.home / broken).write_text("[half")
    code, told, err = looked_over(laptop)
    assert code == 1
    assert broken in err
    assert len(told["attention"]) == 1


@pytest.mark.usefixtures("signed_in")
def test_a_broken_ledger_is_one_sentence(laptop: Laptop) -> None:
    (laptop.home / "ledger.sqlite3").write_bytes(b"x" * 9000)
    code, _, err = laptop.run("doctor")
    assert (code, err.count("\n")) == (1, 1)
    assert "ledger" in err


@pytest.mark.usefixtures("signed_in")
def test_a_tool_that_cannot_be_looked_through_costs_no_other(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("arena.client.tools.claude_code.sources", unreadable)
    samples.lay("amp", laptop.home.parent)
    code, told, err = looked_over(laptop)
    assert (code, [tool["tool"] for tool in told["tools"]]) == (1, ["amp", "claude-code"])
    assert "Permission denied" in err
