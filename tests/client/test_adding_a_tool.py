"""The page on adding a tool holds a whole tool: put into the package, it is found and counted."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import ROOT, Laptop

PAGE = (ROOT / "docs" / "adding-a-tool.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def package(tmp_path: Path, laptop: Laptop) -> Path:
    """Copy the package and add the page's tool to it, which has one chat here."""
    folder = tmp_path / "package"
    shutil.copytree(ROOT / "arena", folder / "arena", ignore=shutil.ignore_patterns("__pycache__"))
    (code,) = CODE
    (folder / "arena" / "client" / "tools" / "chatter.py").write_text(code)
    answers = [
        {
            "id": "a",
            "chat": "c",
            "at": "2026-02-01T10:00:00Z",
            "model": "m",
            "sent": 10,
            "written": 5,
            "text": "secret",
        },
        {"id": "b", "chat": "c", "at": "2026-02-01T10:00:01Z", "folder": "/home/dev/api", "sent": 1, "written": 2},
        {"id": "b", "chat": "c", "at": "2026-02-01T10:00:01Z", "folder": "/home/dev/api", "sent": 1, "written": 3},
        {"id": "odd", "chat": "c", "at": "never", "sent": 1, "written": 900},
    ]
    chat = tmp_path / ".chatter" / "one.jsonl"
    chat.parent.mkdir()
    chat.write_text("".join(json.dumps(answer) + "\n" for answer in answers) + '{"id": "half')
    return folder


def asked(package: Path, *argv: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "arena", *argv, "--json"],
        cwd=package.parent,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return json.loads(done.stdout)


def test_the_page_s_tool_is_counted(package: Path) -> None:
    dry = asked(package, "sync", "--dry-run", "--tool", "chatter")
    assert (dry["totals"]["input"], dry["totals"]["output"], dry["records"]) == (11, 8, 2)
    (session,) = dry["requests"][0]["sessions"]
    assert (session["tool"], session["collector"]) == ("chatter", "chatter/1")
    assert "secret" not in json.dumps(dry)
    assert asked(package, "sync", "--dry-run")["totals"]["output"] == 8


def test_the_page_s_tool_is_excluded_and_looked_over_like_any_other(package: Path) -> None:
    (tool,) = (tool for tool in asked(package, "doctor")["tools"] if tool["tool"] == "chatter")
    assert (tool["places"], tool["sources"]) == (["~/.chatter"], 1)
    asked(package, "sync", "--dry-run")
    asked(package, "exclude", "/home/dev/api")
    assert asked(package, "sync", "--dry-run")["records"] == 0


def test_the_page_s_tool_is_written_as_the_house_writes() -> None:
    (code,) = CODE
    for check in (["check", "--stdin-filename", "arena/client/tools/chatter.py", "-"], ["format", "--check", "-"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check], cwd=ROOT, input=code, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
