"""`arena` itself: a table, cheap to ask."""

import subprocess
import sys

import pytest

from arena import __version__
from arena.cli import COMMANDS, SERVER
from tests.client.conftest import ROOT, Laptop


def test_version_help_and_an_unknown_command_import_next_to_nothing() -> None:
    for argument, code in (("--version", 0), ("--help", 0), ("nonsense", 2)):
        script = "import sys; from arena.cli import run; code = run(sys.argv[1:]); "
        script += (
            "print(*({'argparse', 'msgspec', 'sqlite3', 'json'} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, argument], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code
        assert done.stderr.splitlines()[-1] == ""


def test_the_version_is_told(laptop: Laptop) -> None:
    assert laptop.run("--version") == (0, f"arena {__version__}\n", "")


def test_an_unknown_command_is_one_sentence(laptop: Laptop) -> None:
    code, out, err = laptop.run("dance")
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - SERVER))
def test_each_help_carries_an_example(laptop: Laptop, command: str) -> None:
    code, out, _ = laptop.run(command, "--help")
    assert code == 0
    assert "example:" in out
    assert "arena " in out


def test_the_box_s_half_tells_what_is_missing(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("no", name="litestar.app")

    monkeypatch.setattr("arena.cli._run", missing)
    code, _, err = laptop.run("serve")
    assert (code, err.count("\n")) == (1, 1)
    assert "`server` extra" in err


def test_wrong_usage_is_two(laptop: Laptop) -> None:
    for argv in (("sync", "--nonsense"), ("sync", "--tool", "nothing"), ("sync", "--since", "soon"), ("hooks",)):
        assert laptop.run(*argv)[0] == 2
