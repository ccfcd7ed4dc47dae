"""What a command imports before it does anything: nothing that it does not need, seen in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

from arena.cli import COMMANDS, SERVER

ROOT = Path(__file__).parents[2]
SLOW_FOR_A_HOOK = {"argparse", "http", "msgspec", "pathlib", "re", "sqlite3", "subprocess", "asyncio", "typing"}
OF_THE_BOX = {
    *("aiosqlite", "argon2", "httptools", "httpx", "huey", "itsdangerous", "jinja2", "litestar", "pysqlite3"),
    *("sqlite_utils", "structlog", "uvicorn", "uvloop"),
    *("authlib", "cryptography", "httpx2", "joserfc"),
    *("arena.core", "arena.web", "arena.rooms", "arena.accounts", "arena.usage"),
}
TO_SIGN_IN = {"http.server", "socketserver", "webbrowser"}
"""Only a sign-in through the browser needs them, once it has begun."""
LAPTOP = sorted(set(COMMANDS) - SERVER)
TOOLS = [f"arena.client.tools.{path.stem}" for path in sorted((ROOT / "arena/client/tools").glob("[!_]*.py"))]


def imported(code: str, tmp_path: Path, *, site: bool = True) -> set[str]:
    """The modules that a program has in the end, when it began with none of ours and an empty standard input.

    Without ``site``, what the virtual environment loads by itself does not hide what we load.
    """
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}\nprint(*sys.modules, sep='\\n')"
    options = ["-P"] if site else ["-P", "-S"]
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        input="",
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"ARENA_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    return set(done.stdout.splitlines())


def test_the_command_table_imports_nothing_heavy(tmp_path: Path) -> None:
    loaded = imported("import arena.cli", tmp_path, site=False)
    assert "arena.cli" in loaded
    assert not loaded & (SLOW_FOR_A_HOOK | OF_THE_BOX | {"json"})


def test_the_hook_imports_nothing_heavy(tmp_path: Path) -> None:
    loaded = imported("import arena.client.hook", tmp_path, site=False)
    assert "arena.client.hook" in loaded
    assert not loaded & ((SLOW_FOR_A_HOOK - {"re"}) | OF_THE_BOX)


def test_a_hook_that_ran_has_imported_nothing_heavy(tmp_path: Path) -> None:
    code = "import arena.cli; assert arena.cli.run(['hook', 'claude-code']) == 0"
    loaded = imported(code, tmp_path, site=False)
    assert not loaded & ((SLOW_FOR_A_HOOK - {"re"}) | OF_THE_BOX)


def test_a_status_line_that_was_shown_has_imported_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{}")
    (tmp_path / "standing.json").write_text('{"at": 1, "position": 3, "moved": 1, "streak": 2}')
    code = "import arena.cli; assert arena.cli.run(['statusline']) == 0"
    loaded = imported(code, tmp_path, site=False)
    assert (tmp_path / "standing.asked").exists()
    assert "arena.client.statusline" in loaded
    assert not loaded & ((SLOW_FOR_A_HOOK - {"re"}) | OF_THE_BOX)


@pytest.mark.parametrize("command", LAPTOP)
def test_a_command_of_the_laptop_imports_nothing_of_the_box(tmp_path: Path, command: str) -> None:
    module = COMMANDS[command][0]
    loaded = imported(f"import arena.cli, {module}", tmp_path)
    assert module in loaded
    assert not loaded & (OF_THE_BOX | TO_SIGN_IN)


@pytest.mark.parametrize("module", ["arena.client.api", "arena.client.counting", *TOOLS])
def test_what_a_sync_imports_later_is_nothing_of_the_box_either(tmp_path: Path, module: str) -> None:
    loaded = imported(f"import {module}", tmp_path)
    assert "msgspec" in loaded
    assert not loaded & OF_THE_BOX


def test_a_box_does_not_pay_for_providers_before_somebody_comes_by_one(tmp_path: Path) -> None:
    loaded = imported("import arena.serve, arena.worker", tmp_path)
    assert {"arena.app", "arena.accounts.actions.providers"} <= loaded
    assert not loaded & {"aiosmtplib", "authlib", "cryptography", "httpx2", "joserfc"}


def test_a_box_that_is_sent_no_protobuf_does_not_load_it(tmp_path: Path) -> None:
    loaded = imported("import arena.app", tmp_path)
    assert "arena.usage.rules.otlp" in loaded
    assert not {name for name in loaded if name.startswith(("google.", "opentelemetry"))}
