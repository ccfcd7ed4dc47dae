"""A sync that knows where tools keep things loads only those that can have kept something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arena.client.counting import tool_names
from tests.client import samples
from tests.client.conftest import ROOT, Laptop

LOADED = (
    "import sys; from arena import cli; cli.run(['sync', '--dry-run']);"
    "print(*sorted(name.rsplit('.')[-1] for name in sys.modules if name.startswith('arena.client.tools.')))"
)


def loaded() -> list[str]:
    """The tools that a sync loads in a process of its own."""
    command = [sys.executable, "-c", LOADED]
    out = subprocess.run(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True, check=True).stdout
    return [name.replace("_", "-") for name in out.splitlines()[-1].split()]


def test_only_tools_that_are_here_are_loaded_once_their_places_are_known(laptop: Laptop) -> None:
    samples.lay("codex", laptop.home.parent)
    assert loaded() == tool_names()
    assert loaded() == ["claude-code", "codex"]


@pytest.mark.parametrize("tool", tool_names())
def test_a_tool_that_comes_later_is_counted(laptop: Laptop, tool: str) -> None:
    assert laptop.run("sync", "--dry-run")[0] == 0
    samples.lay(tool, laptop.home.parent)
    assert len(laptop.records()) == samples.expected(tool)["records"]


def test_a_tool_that_keeps_things_elsewhere_now_is_counted_there(
    laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert laptop.records() == []
    samples.lay("codex", tmp_path / "elsewhere")
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "elsewhere" / ".codex"))
    assert len(laptop.records()) == samples.expected("codex")["records"]
    monkeypatch.delenv("CODEX_HOME")
    monkeypatch.chdir(tmp_path)
    samples.lay("qwen", tmp_path / "there")
    monkeypatch.setenv("QWEN_HOME", "there/.qwen")
    assert len(laptop.records()) == sum(samples.expected(tool)["records"] for tool in ("codex", "qwen"))
    monkeypatch.chdir("/")
    assert loaded() == tool_names()
