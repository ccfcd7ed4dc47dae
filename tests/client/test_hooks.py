"""`arena hooks`: our hook comes and goes, the rest of the settings stays."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arena.client import program, spool
from tests.client.conftest import Laptop

OTHER = (
    '{\n    "model": "opus",\n    "hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": "say bye"}]}]},\n'
)
OTHER += '    "zebra": 1, "alpha": "é"\n}'


def listed(laptop: Laptop, *argv: str) -> dict[str, Any]:
    return {row["tool"]: row for row in laptop.json("hooks", *(argv or ("list",)))["hooks"]}


def hook_in(path: Path) -> dict[str, Any]:
    (hook,) = json.loads(path.read_text())["hooks"]["SessionEnd"][-1]["hooks"]
    return dict(hook)


def test_install_makes_settings_where_there_are_none(laptop: Laptop) -> None:
    assert laptop.run("hooks", "install")[0] == 0
    (entry,) = json.loads(laptop.settings.read_text())["hooks"]["SessionEnd"]
    (hook,) = entry["hooks"]
    assert (hook["type"], hook["timeout"]) == ("command", 10)
    assert hook["command"].endswith(" hook claude-code")
    assert laptop.run("hooks", "uninstall")[0] == 0
    assert not laptop.settings.exists()


def test_install_merges_and_twice_changes_nothing(laptop: Laptop) -> None:
    laptop.settings.write_text(OTHER)
    laptop.run("hooks", "install", "claude-code")
    once = laptop.settings.read_text()
    content = json.loads(once)
    assert list(content) == ["model", "hooks", "zebra", "alpha"]
    assert len(content["hooks"]["SessionEnd"]) == 2
    assert "é" in once
    laptop.run("hooks", "install", "claude-code")
    assert laptop.settings.read_text() == once


def test_uninstall_restores_the_file_byte_for_byte(laptop: Laptop) -> None:
    laptop.settings.write_text(OTHER)
    laptop.run("hooks", "install")
    laptop.run("hooks", "uninstall")
    assert laptop.settings.read_text() == OTHER
    assert [path.name for path in laptop.claude.iterdir()] == ["settings.json"]


def test_uninstall_keeps_what_changed_since(laptop: Laptop) -> None:
    laptop.settings.write_text(OTHER)
    laptop.run("hooks", "install")
    content = json.loads(laptop.settings.read_text())
    laptop.settings.write_text(json.dumps({**content, "new": True}))
    laptop.run("hooks", "uninstall")
    assert json.loads(laptop.settings.read_text()) == {**json.loads(OTHER), "new": True}


@pytest.mark.parametrize("content", ["{", "[]", '{"hooks": []}', '{"hooks": {"SessionEnd": {}}}', "// words\n{}"])
def test_settings_that_cannot_be_understood_are_left_alone(laptop: Laptop, content: str) -> None:
    laptop.settings.write_text(content)
    for action in ("install", "uninstall"):
        code, _, err = laptop.run("hooks", action)
        assert (code, err.count("\n")) == (1, 1)
        assert laptop.settings.read_text() == content
    assert listed(laptop)["claude-code"]["state"] == "unreadable"


def test_another_arena_s_path_is_replaced(laptop: Laptop) -> None:
    old = {"hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": '"/old/bin/arena" hook claude-code'}]}]}}
    laptop.settings.write_text(json.dumps(old))
    laptop.run("hooks", "install")
    assert "/old/bin" not in laptop.settings.read_text()
    assert len(json.loads(laptop.settings.read_text())["hooks"]["SessionEnd"]) == 1


@pytest.mark.parametrize(
    ("tool", "place", "timeout"),
    [
        ("codex", ".codex/hooks.json", 3),
        ("droid", ".factory/settings.json", 10),
        ("gemini", ".gemini/settings.json", 10_000),
        ("qwen", ".qwen/settings.json", 10_000),
    ],
)
def test_other_tools_have_a_hook_of_their_own(laptop: Laptop, tool: str, place: str, timeout: int) -> None:
    path = laptop.claude.parent / place
    path.parent.mkdir()
    path.write_text(OTHER)
    code, out, _ = laptop.run("hooks", "install", tool)
    assert (code, "trust" in out) == (0, tool == "codex")
    entries = json.loads(path.read_text())["hooks"]["SessionEnd"]
    (hook,) = entries[-1]["hooks"]
    assert (len(entries), hook["type"], hook["timeout"]) == (2, "command", timeout)
    assert hook["command"].endswith(f" hook {tool}")
    once = path.read_text()
    assert laptop.run("hooks", "install", tool)[1].count("already") == 1
    assert path.read_text() == once
    assert not laptop.settings.exists()
    laptop.run("hooks", "uninstall", tool)
    assert path.read_text() == OTHER


def test_hooks_are_installed_for_the_tools_that_are_found(laptop: Laptop) -> None:
    (laptop.claude.parent / ".codex" / "sessions").mkdir(parents=True)
    assert list(listed(laptop, "install")) == ["claude-code", "codex"]
    states = {name: row["state"] for name, row in listed(laptop).items()}
    assert {name for name, state in states.items() if state == "installed"} == {"claude-code", "codex"}
    assert states.keys() == {"claude-code", "codex", "copilot", "droid", "gemini", "kilo", "opencode", "qwen"}
    laptop.run("hooks", "uninstall")
    assert not (laptop.claude.parent / ".codex" / "hooks.json").exists()


def test_a_hook_is_taken_out_where_the_tool_is_found_no_more(laptop: Laptop) -> None:
    laptop.run("hooks", "install", "codex")
    assert list(listed(laptop, "uninstall")) == ["claude-code", "codex"]
    assert not (laptop.claude.parent / ".codex" / "hooks.json").exists()


def test_settings_that_cannot_be_changed_cost_no_other_tool(laptop: Laptop) -> None:
    laptop.settings.write_text("{half")
    (laptop.claude.parent / ".codex" / "sessions").mkdir(parents=True)
    code, out, err = laptop.run("hooks", "install")
    assert (code, err.count("\n")) == (1, 1)
    assert str(laptop.settings) in err
    assert "codex: installed" in out
    assert laptop.settings.read_text() == "{half"


@pytest.mark.parametrize(
    "text",
    [
        '{"tab": {\n\t"deep": 1.50\n}}',
        '{\n   "emoji": "\\ud83d\\ude00", "half": "\\ud83d"\n}',
        '{"é": "\\ud83d"}',
        '{"big": 123456789012345678901234567890, "hooks": {"Stop": []}}\n\n',
    ],
)
def test_whatever_stands_there_is_kept_and_comes_back(laptop: Laptop, text: str) -> None:
    laptop.settings.write_text(text)
    laptop.run("hooks", "install")
    installed = json.loads(laptop.settings.read_text())
    assert installed.pop("hooks")["SessionEnd"]
    was = json.loads(text)
    assert installed == {name: value for name, value in was.items() if name != "hooks"}
    laptop.run("hooks", "uninstall")
    assert laptop.settings.read_text() == text


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_link_stays_a_link_and_a_mode_a_mode(laptop: Laptop, request: pytest.FixtureRequest, umask: int) -> None:
    before = os.umask(umask)
    request.addfinalizer(lambda: os.umask(before))
    real = laptop.claude.parent / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_text(OTHER)
    real.chmod(0o640)
    laptop.settings.symlink_to(real)
    laptop.run("hooks", "install")
    assert laptop.settings.is_symlink()
    assert (real.stat().st_mode & 0o777, len(json.loads(real.read_text())["hooks"]["SessionEnd"])) == (0o640, 2)
    laptop.run("hooks", "uninstall")
    assert (laptop.settings.is_symlink(), real.read_text()) == (True, OTHER)


@pytest.mark.parametrize("folder", ["with space", "it's", 'a "name"', "$HOME `id` %d", "ü (x) & y;"])
def test_a_hook_runs_from_wherever_arena_lies(
    laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    arena = tmp_path / folder / "bin" / "arena"
    arena.parent.mkdir(parents=True)
    arena.write_text(f'#!/bin/sh\nexec {sys.executable} -m arena "$@"\n')
    arena.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(arena)])
    laptop.run("hooks", "install")
    command = hook_in(laptop.settings)["command"]
    assert str(arena.parent.name) in command
    done = subprocess.run(f"{command} --check", shell=True, check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ok\n", b"")
    assert listed(laptop, "install")["claude-code"]["changed"] is False
    laptop.run("hooks", "uninstall")
    assert not laptop.settings.exists()


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        ('"C:\\Users\\A B\\Scripts\\arena.exe" hook codex', True),
        ("'/home/o'\"'\"'brien/bin/arena' hook codex", True),
        ("arena hook codex", True),
        ('"/usr/bin/python3" -P -m arena hook codex', True),
        ("/opt/arena/notify hook codex", False),
        ("arena hook codex && say bye", False),
        ("arena hook", False),
        (["arena", "hook", "codex"], False),
    ],
)
def test_what_is_ours_is_told_from_what_is_not(command: object, ours: bool) -> None:
    assert program.is_ours(command, "hook", "codex") is ours


def test_on_windows_the_program_stands_in_double_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "WINDOWS", True)
    assert program.quoted(["C:\\A B\\arena.exe", "hook", "codex"]) == '"C:\\A B\\arena.exe" hook codex'


def test_copilot_loads_a_file_of_ours(laptop: Laptop) -> None:
    path = laptop.claude.parent / ".copilot" / "hooks" / "arena.json"
    assert "copilot: installed" in laptop.run("hooks", "install", "copilot")[1]
    content = json.loads(path.read_text())
    (hook,) = content["hooks"]["sessionEnd"]
    assert (content["version"], hook["type"], hook["timeoutSec"]) == (1, "command", 10)
    assert hook["powershell"] == f"& {hook['bash']}"
    done = subprocess.run(["sh", "-c", f"{hook['bash']} --check"], check=False, capture_output=True)
    assert done.stdout == b"ok\n"
    assert listed(laptop, "install", "copilot")["copilot"]["changed"] is False
    laptop.run("hooks", "uninstall")
    assert not path.parent.exists()


def test_a_file_of_somebody_else_in_our_place_is_left_alone(laptop: Laptop) -> None:
    path = laptop.claude.parent / ".copilot" / "hooks" / "arena.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 1}')
    for action in ("install", "uninstall"):
        laptop.run("hooks", action, "copilot")
        assert path.read_text() == '{"version": 1}'
    assert listed(laptop)["copilot"]["state"] == "unreadable"
    assert laptop.run("hooks", "install", "copilot")[0] == 1


def test_copilot_is_given_time_to_write_a_session_s_end_down(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("arena.client.sync.time.sleep", pauses.append)
    spool.leave({"tool": "copilot"})
    laptop.run("sync", "--spooled")
    spool.clear(list(spool.words()))
    spool.leave({"tool": "claude-code"})
    laptop.run("sync", "--spooled")
    assert pauses[0] > 0 == pauses[-1]


def test_an_unknown_tool_is_wrong_usage(laptop: Laptop) -> None:
    code, _, err = laptop.run("hooks", "install", "nothing")
    assert (code, err.count("\n")) == (2, 1)


def test_what_was_not_there_is_not_there_again_however_it_came(laptop: Laptop) -> None:
    laptop.run("hooks", "install")
    laptop.run("hooks", "install", "--statusline")
    assert [path.name for path in laptop.claude.iterdir()] == ["settings.json"]
    laptop.run("hooks", "uninstall")
    assert list(laptop.claude.iterdir()) == []


LINE = {"type": "command", "command": "my own line", "padding": 2}


@pytest.mark.parametrize(("tool", "place", "keys"), [("claude-code", ".claude", ()), ("qwen", ".qwen", ("ui",))])
def test_a_status_line_comes_with_the_hook_and_goes_with_it(
    laptop: Laptop, tool: str, place: str, keys: tuple[str, ...]
) -> None:
    path = laptop.claude.parent / place / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(OTHER)
    rows = listed(laptop, "install", tool, "--statusline")
    assert (rows[tool]["status_line"], rows[tool]["changed"]) == ("installed", True)
    content = json.loads(path.read_text())
    for key in keys:
        content = content[key]
    assert content["statusLine"]["type"] == "command"
    assert content["statusLine"]["command"].endswith("/arena' statusline")
    once = path.read_text()
    assert listed(laptop, "install", tool, "--statusline")[tool]["changed"] is False
    assert path.read_text() == once
    laptop.run("hooks", "uninstall", tool)
    assert path.read_text() == OTHER


def test_a_status_line_that_somebody_has_stays_and_is_told(laptop: Laptop) -> None:
    laptop.settings.write_text(json.dumps({"statusLine": LINE}))
    code, out, err = laptop.run("hooks", "install", "--statusline")
    assert (code, err) == (0, "")
    assert "a status line of yours, which stays" in out
    assert json.loads(laptop.settings.read_text())["statusLine"] == LINE
    assert listed(laptop)["claude-code"]["status_line"] == "other"
    laptop.run("hooks", "uninstall")
    assert laptop.settings.read_text() == json.dumps({"statusLine": LINE})


def test_a_status_line_that_came_since_stays_when_hooks_go(laptop: Laptop) -> None:
    laptop.settings.write_text(OTHER)
    laptop.run("hooks", "install", "--statusline")
    laptop.settings.write_text(json.dumps({**json.loads(laptop.settings.read_text()), "statusLine": LINE}))
    laptop.run("hooks", "uninstall")
    assert json.loads(laptop.settings.read_text()) == {**json.loads(OTHER), "statusLine": LINE}


def test_another_arena_s_status_line_is_replaced_with_its_hook(laptop: Laptop) -> None:
    old = {"type": "command", "command": "'/old/bin/arena' statusline"}
    laptop.settings.write_text(json.dumps({"statusLine": old}))
    laptop.run("hooks", "install")
    assert "/old/bin" not in laptop.settings.read_text()
    assert listed(laptop)["claude-code"]["status_line"] == "installed"


def test_nobody_is_asked_where_nobody_is(laptop: Laptop) -> None:
    (laptop.claude.parent / ".local" / "share" / "amp").mkdir(parents=True)
    laptop.run("hooks", "install")
    told = laptop.json("hooks", "list")
    assert (told["hooks"][0]["status_line"], told["schedule"]) == ("missing", None)
