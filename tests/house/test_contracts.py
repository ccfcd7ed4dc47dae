"""The floor plan as import-linter knows it: kept by the code as it is, and each contract seen to break."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from arena.rooms import ROOMS

ROOT = Path(__file__).parents[2]
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
NAMES = {contract["id"]: contract["name"] for contract in LINTER["contracts"]}

BREAKS = (
    ("floors", "arena/usage/actions/book.py", "import arena.leaderboard.rules"),
    ("floors", "arena/core/ids.py", "import arena.accounts.models"),
    ("floors", "arena/wire.py", "from arena.core import clock"),
    ("floors", "arena/web/box.py", "from arena.accounts.models import Person"),
    ("floors", "arena/llm/asking.py", "import arena.accounts.models"),
    ("floors", "arena/deliveries/actions.py", "import arena.accounts.models"),
    ("floors", "arena/helpers.py", ""),
    ("inside", "arena/usage/helpers.py", ""),
    ("inside", "arena/usage/store.py", "import arena.usage.actions"),
    ("inside", "arena/usage/rules/copies.py", "import arena.usage.store"),
    ("inside", "arena/leaderboard/actions/boards.py", "import arena.leaderboard.pages"),
    ("plan", "arena/app.py", "import arena.usage.routes.v1"),
    ("plan", "arena/admin/recompute.py", "import arena.usage.schema"),
    ("jobs", "arena/worker.py", "import arena.operations.jobs"),
    ("schema", "arena/usage/schema.py", "from arena.core import ids"),
    ("pure", "arena/usage/rules/copies.py", "import time"),
    ("pure", "arena/accounts/models.py", "from pathlib import Path"),
    ("pure", "arena/leaderboard/pages/board.py", "from arena.web.box import Box"),
    ("http", "arena/usage/store.py", "import litestar"),
    ("http", "arena/accounts/actions/people.py", "from arena.web.session import csrf_of"),
    ("drivers", "arena/app.py", "import aiosqlite"),
    ("drivers", "arena/llm/asking.py", "import httpx2"),
    ("drivers", "arena/deliveries/actions.py", "import aiosmtplib"),
    ("drivers", "arena/accounts/actions/providers.py", "import httpx2"),
    ("drivers", "arena/backups/actions/keeping.py", "import boto3"),
    ("drivers", "arena/web/render.py", "import sqlite3"),
    ("drivers", "arena/usage/actions/book.py", "from sqlite_utils import Database"),
    ("laptop", "arena/client/sync.py", "import httpx"),
    ("laptop", "arena/client/hook.py", "import jinja2"),
    ("box", "arena/usage/actions/book.py", "import arena.client.models"),
    ("tools", "arena/client/tools/another.py", "import arena.client.tools.claude_code"),
    ("collecting", "arena/client/tally.py", "import arena.client.formats.claude"),
)


def broken(folder: Path) -> set[str]:
    """The names of the contracts that the package in a folder breaks, by the rules of its pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
    verdicts = re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.*\))?$", done.stdout, re.M)
    assert {name for name, _ in verdicts} == set(NAMES.values()), done.stdout + done.stderr
    assert (done.returncode == 0) == all(verdict == "KEPT" for _, verdict in verdicts)
    return {name for name, verdict in verdicts if verdict == "BROKEN"}


def test_the_house_keeps_its_contracts() -> None:
    assert broken(ROOT) == set()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "arena", tmp_path / "arena", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("contract", "file", "line"), BREAKS)
def test_a_breach_is_seen_by_the_contract_that_forbids_it(copy: Path, contract: str, file: str, line: str) -> None:
    with (copy / file).open("a") as code:
        code.write(f"\n{line}\n")
    assert broken(copy) == {NAMES[contract]}


def test_every_contract_has_been_broken_on_purpose() -> None:
    assert {contract for contract, _, _ in BREAKS} == set(NAMES)


def test_every_room_of_the_floor_plan_is_under_contract_in_the_same_order() -> None:
    by_id = {contract["id"]: contract for contract in LINTER["contracts"]}
    rooms = [room.name for room in ROOMS]
    assert by_id["inside"]["containers"] == [f"arena.{name}" for name in rooms]
    assert [layer for layer in reversed(by_id["floors"]["layers"]) if layer in rooms] == rooms
