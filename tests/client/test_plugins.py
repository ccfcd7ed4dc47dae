"""The plugin of OpenCode and Kilo CLI, loaded by Node as they load it."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.client import samples
from tests.client.box import Box
from tests.client.conftest import ROOT, Laptop
from tests.peers.openid import node

HOST = ROOT / "tests" / "peers" / "node" / "opencode.mjs"
RESTS = {"oldest": "session.idle", "newest": "session.idle", "second": "session.execution.succeeded"}


def hosted(folder: Path, version: str, *events: str) -> str:
    """Have a program of this version load what is in its folder, and hear events; what it said."""
    done = subprocess.run(
        [node(), HOST, version, folder, *events], check=False, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def calls(laptop: Laptop, count: int) -> list[str]:
    """Wait until the hook was called so often, and then a little more."""
    until = time.monotonic() + 15
    log = laptop.home.parent / "calls"
    while time.monotonic() < until and (not log.exists() or len(log.read_text().splitlines()) < count):
        time.sleep(0.02)
    time.sleep(0.1)
    return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def noted(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    """A laptop whose arena notes how it is called, and by whom, and does nothing more."""
    arena = laptop.home.parent / "a 'b' \"c\"" / "arena"
    arena.parent.mkdir()
    arena.write_text(f'#!/bin/sh\necho "$@" "<$(cat)>" >> {laptop.home.parent}/calls\n')
    arena.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(arena)])
    return laptop


@pytest.mark.parametrize(
    ("tool", "version"),
    [("opencode", "oldest"), ("opencode", "newest"), ("opencode", "second"), ("kilo", "oldest"), ("kilo", "newest")],
)
def test_a_session_at_rest_calls_the_hook_once(noted: Laptop, tool: str, version: str) -> None:
    assert noted.run("hooks", "install", tool)[0] == 0
    folder = noted.home.parent / ".config" / tool / "plugin"
    hosted(folder, version, "session.created", "message.updated", RESTS[version], "session.deleted")
    assert calls(noted, 1) == [f"hook {tool} <>"]


@pytest.mark.parametrize("event", ["session.execution.failed", "session.execution.interrupted"])
def test_a_session_that_came_to_grief_is_at_rest_too(noted: Laptop, event: str) -> None:
    noted.run("hooks", "install", "opencode")
    hosted(noted.home.parent / ".config" / "opencode" / "plugin", "second", "session.execution.started", event)
    assert calls(noted, 1) == ["hook opencode <>"]


def test_a_program_that_is_gone_troubles_nobody(noted: Laptop) -> None:
    noted.run("hooks", "install", "opencode")
    (noted.home.parent / "a 'b' \"c\"" / "arena").unlink()
    said = hosted(noted.home.parent / ".config" / "opencode" / "plugin", "newest", "session.idle", "session.idle")
    assert said == "done\n"


def test_plugins_of_others_stay_and_ours_goes_without_a_trace(laptop: Laptop) -> None:
    folder = laptop.home.parent / ".config" / "opencode"
    laptop.run("hooks", "install", "opencode")
    assert sorted(path.name for path in (folder / "plugin").rglob("*.js")) == ["arena.js", "index.js"]
    once = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    laptop.run("hooks", "install", "opencode")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == once
    laptop.run("hooks", "uninstall", "opencode")
    assert not (folder / "plugin").exists()
    (folder / "plugin").mkdir(parents=True)
    (folder / "plugin" / "other.js").write_text("export const other = async () => ({});\n")
    laptop.run("hooks", "install", "opencode")
    assert hosted(folder / "plugin", "oldest").endswith("done\n")
    laptop.run("hooks", "uninstall", "opencode")
    assert [path.name for path in (folder / "plugin").iterdir()] == ["other.js"]


def test_the_doctor_runs_what_the_plugin_calls(noted: Laptop) -> None:
    samples.lay("opencode", noted.home.parent)
    noted.run("hooks", "install", "opencode")
    _, out, err = noted.run("doctor", "--json")
    (row,) = json.loads(out)["hooks"][-1:]
    assert (row["tool"], row["state"], row["works"]) == ("opencode", "installed", False)
    assert "the hook of opencode does not run" in err
    assert calls(noted, 1)[0].startswith("hook opencode --check")


@pytest.mark.usefixtures("signed_in")
def test_what_opencode_did_is_sent_when_it_comes_to_rest(laptop: Laptop, box: Box) -> None:
    samples.lay("opencode", laptop.home.parent)
    keys = {record["key"] for record in laptop.records()}
    laptop.run("hooks", "install", "opencode")
    hosted(laptop.home.parent / ".config" / "opencode" / "plugin", "newest", "session.idle")
    until = time.monotonic() + 20
    while time.monotonic() < until and box.records.keys() != keys:
        time.sleep(0.05)
    assert box.records.keys() == keys
    assert len(keys) > 1
