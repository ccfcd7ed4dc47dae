"""`arena hooks`: our hook comes and goes, the rest of the settings stays."""

import json

import pytest

from tests.client.conftest import Laptop

OTHER = (
    '{\n    "model": "opus",\n    "hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": "say bye"}]}]},\n'
)
OTHER += '    "zebra": 1, "alpha": "é"\n}'


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
    assert laptop.json("hooks", "list")[0]["state"] == "unreadable"


def test_another_arena_s_path_is_replaced(laptop: Laptop) -> None:
    old = {"hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": '"/old/bin/arena" hook claude-code'}]}]}}
    laptop.settings.write_text(json.dumps(old))
    laptop.run("hooks", "install")
    assert "/old/bin" not in laptop.settings.read_text()
    assert len(json.loads(laptop.settings.read_text())["hooks"]["SessionEnd"]) == 1


@pytest.mark.parametrize(
    ("tool", "place", "timeout"), [("codex", ".codex/hooks.json", 3), ("gemini", ".gemini/settings.json", 10_000)]
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
    assert [row["tool"] for row in laptop.json("hooks", "install")] == ["claude-code", "codex"]
    assert [row["state"] for row in laptop.json("hooks", "list")] == ["installed", "installed", "missing"]
    laptop.run("hooks", "uninstall")
    assert not (laptop.claude.parent / ".codex" / "hooks.json").exists()


def test_an_unknown_tool_is_wrong_usage(laptop: Laptop) -> None:
    code, _, err = laptop.run("hooks", "install", "nothing")
    assert (code, err.count("\n")) == (2, 1)
