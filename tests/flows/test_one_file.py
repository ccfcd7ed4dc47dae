"""All of arena in one file, built by its one command: a box and a laptop with nothing else in their environment."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import arena
from tests.flows.serving import ROOT, UNLIMITED, Person, Serving, Visitor
from tests.flows.transcripts import Tree, tokens

PYTHON = Path(sys.executable).resolve().parent


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, under the name that people give it."""
    made = tmp_path_factory.mktemp("built") / "arena"
    build = [sys.executable, ROOT / "docs" / "deploy" / "one_file.py", made]
    done = subprocess.run(build, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"for Python {sys.version_info.major}.{sys.version_info.minor} on {sys.platform}" in done.stdout
    return made


class Alone:
    """A machine with the file, a Python, and nothing else."""

    def __init__(self, file: Path, home: Path, unpacked: Path) -> None:
        self.file, self.home, self.unpacked = file, home, unpacked
        home.mkdir()
        path = os.pathsep.join((str(PYTHON), "/usr/bin", "/bin"))
        self.env = {"HOME": str(home), "PATH": path, "PEX_ROOT": str(unpacked)}

    def run(self, *argv: str | Path, said: str = "", **env: str) -> str:
        """Run a command that must succeed; what it said."""
        done = subprocess.run(
            [self.file, *argv],
            cwd=self.home,
            env={**self.env, **env},
            input=said,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout


class Box(Serving):
    """A box on such a machine."""

    def __init__(self, machine: Alone) -> None:
        super().__init__(machine.home / "data", **UNLIMITED)
        self.program, self.cwd, self._machine = (machine.file,), machine.home, machine

    def environment(self) -> dict[str, str]:
        """Nothing of ours."""
        return {**self._machine.env, **self.env}


@pytest.fixture(scope="module")
def unpacked() -> Iterator[Path]:
    """Where it unpacks itself: a short path, for scripts in it begin with theirs."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def machine(file: Path, tmp_path: Path, unpacked: Path) -> Alone:
    return Alone(file, tmp_path / "home", unpacked)


@pytest.fixture
def box(machine: Alone) -> Iterator[Box]:
    made = Box(machine)
    made.start()
    yield made
    made.kill()


def test_one_file_serves_counts_backs_up_and_ends(machine: Alone, box: Box, tmp_path: Path) -> None:
    tree = Tree(tmp_path / "claude")
    tree.session("one", 3)
    with Visitor(box) as alice:
        assert "Your arena is running" in alice.join(box.first_link(), "alice").text
        key = alice.make_key()
        page = alice.get("/")
        style = page.text.split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
        assert alice.get(style).headers["content-type"].startswith("text/css")
        assert ".whl" in alice.get("/install").text
    where = {"CLAUDE_CONFIG_DIR": str(tree.claude), "ARENA_HOME": str(tmp_path / "laptop")}
    machine.run("login", "--server", box.url, "--api-key", key, **where)
    assert Person(box, "alice", key).totals() == (*tokens(tree), 1)
    tree.session("two", 2)
    assert json.loads(machine.run("sync", "--json", **where))["submitted"] == 2
    made = machine.run("admin", "backup", "--data", box.data).strip()
    assert "is whole" in machine.run("admin", "verify", made, "--data", box.data)
    [worker] = box.worker_pids()
    assert box.stop() == 0
    assert not Path(f"/proc/{worker}").exists()
    assert box.ask("SELECT COUNT(*) FROM usage_records") == [(5,)]


def test_hooks_call_the_file_and_not_where_it_unpacked_itself(machine: Alone, tmp_path: Path) -> None:
    (tmp_path / "claude").mkdir()
    where = {"CLAUDE_CONFIG_DIR": str(tmp_path / "claude"), "ARENA_HOME": str(tmp_path / "laptop")}
    machine.run("hooks", "install", "claude-code", **where)
    assert f"'{machine.file}' hook claude-code" in (tmp_path / "claude" / "settings.json").read_text()
    assert machine.run("hook", "claude-code", said="{}", **where) == ""


def test_the_packages_are_those_that_are_pinned(machine: Alone, file: Path) -> None:
    listed = subprocess.run(
        [file, "-c", "import importlib.metadata as m; print(*(d.name + '==' + d.version for d in m.distributions()))"],
        env={**machine.env, "PEX_INTERPRETER": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    pinned = (ROOT / "requirements" / "server.txt").read_text()
    ours = f"arena-box=={arena.__version__}"
    assert ours in [each.replace("_", "-") for each in listed]
    assert len(listed) > 40
    for each in listed:
        assert each.replace("_", "-") == ours or f"\n{each.lower().replace('_', '-')} " in f"\n{pinned}", each
