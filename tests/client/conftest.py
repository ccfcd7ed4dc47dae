"""A laptop with one tool and a home of its own, and a box to speak to."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arena import cli
from arena.client import api
from tests.client.box import KEY, Box
from tests.client.system import System

ROOT = Path(__file__).parents[2]
ENVIRONMENT = (
    *("AMP_", "APPDATA", "ARENA_", "CLAUDE_", "CLINE_", "CODEX_", "COPILOT_", "CRUSH_", "DROID_", "GEMINI_", "GOOSE_"),
    *("KILO_", "LOCALAPPDATA", "OPENCODE_", "QWEN_", "VSCODE_", "XDG_"),
)
"""How variables begin that tell us or a tool where to look."""


class Laptop:
    """Runs commands as a person would."""

    def __init__(self, home: Path, claude: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.claude, self._capsys = home, claude, capsys
        self.transcript = claude / "projects" / "-home-dev-api" / "s-1.jsonl"
        self.settings = claude / "settings.json"

    def run(self, *argv: str) -> tuple[int, str, str]:
        try:
            code = cli.run(list(argv))
        except SystemExit as stop:
            code = int(str(stop.code))
        out, err = self._capsys.readouterr()
        return code, out, err

    def json(self, *argv: str) -> Any:
        code, out, err = self.run(*argv, "--json")
        assert code == 0, err
        return json.loads(out)

    def records(self) -> list[dict[str, Any]]:
        """List what would be sent."""
        requests = self.json("sync", "--dry-run")["requests"]
        return [record for body in requests for session in body["sessions"] for record in session["records"]]

    def record(self) -> dict[str, Any]:
        (record,) = self.records()
        return record

    def start(self, *argv: str, **how: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "arena", *argv],
            cwd=ROOT,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **how,
        )


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    made = System(tmp_path / "system")
    monkeypatch.setenv("PATH", made.path)
    return made


@pytest.fixture
def laptop(
    tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Laptop:
    for name in list(os.environ):
        if name.startswith(ENVIRONMENT):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "arena"))
    monkeypatch.setattr(api, "PAUSE", 0.01)
    claude = tmp_path / ".claude"
    claude.mkdir()
    return Laptop(tmp_path / "arena", claude, capsys)


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    yield made
    made.close()


@pytest.fixture
def signed_in(laptop: Laptop, box: Box) -> Callable[[], None]:
    code, _, err = laptop.run("login", "--api-key", KEY, "--server", box.url, "--no-hooks", "--no-sync")
    assert code == 0, err
    box.requests.clear()
    return lambda: None
