"""docs/deploy.md: every command from "Looking after it" on is run as it stands, by a box that copies into a bucket."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.serving import ROOT, Person, Serving, environment, session
from tests.peers.swift import KEY_ID, SECRET, Swift

TEXT = (ROOT / "docs" / "deploy.md").read_text()
SUDO = """#!/bin/sh
[ "$1 $2" = "-u arena" ] && shift 2 && exec env "$@"
"""
SYSTEMCTL = """#!{python}
import os, signal, subprocess, sys, time, urllib.request
from pathlib import Path
note, data, verb = Path({note!r}), Path({data!r}), sys.argv[1]
assert sys.argv[2:] == ["arena"]
if verb in ("stop", "restart") and note.exists():
    os.kill(int(note.read_text()), signal.SIGTERM)
    while Path("/proc/" + note.read_text()).exists():
        time.sleep(0.05)
    note.unlink()
if verb in ("start", "restart"):
    (data / "listening").unlink(missing_ok=True)
    log = open({log!r}, "ab")
    box = subprocess.Popen(["arena", "serve", "--port", "0", "--data", str(data)], stdout=log, stderr=log,
        stdin=subprocess.DEVNULL, start_new_session=True)
    note.write_text(str(box.pid))
    while True:
        try:
            urllib.request.urlopen((data / "listening").read_text().strip() + "/readyz")
            break
        except OSError:
            assert box.poll() is None
            time.sleep(0.05)
"""


def blocks(heading: str) -> str:
    """The commands under a heading."""
    section = re.split(r"^## ", TEXT, flags=re.M)
    [found] = [each for each in section if each.startswith(f"{heading}\n")]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", found, re.M | re.S))


FIRST = "\n".join(blocks("Looking after it").splitlines()[:2])
"""Where somebody is who runs the others, and how."""


class Machine:
    """A machine with a box as its service, and `sudo` and `systemctl` of paper."""

    def __init__(self, folder: Path, s3: str) -> None:
        self.folder, self.data = folder, folder / "data"
        self.note, self.log = folder / "pid", folder / "log"
        self.data.mkdir(0o700)
        programs, etc = folder / "bin", folder / "etc"
        etc.mkdir()
        (etc / "backups.key").write_text("5e" * 32)
        (etc / "s3-secret").write_text(SECRET)
        toml = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.M | re.S)[0]
        for old, new in (
            ("https://minio.example.org:9000", s3),
            ('"arena"', f'"{KEY_ID}"'),
            ("/etc/arena", str(etc)),
        ):
            assert old in toml
            toml = toml.replace(old, new)
        (etc / "arena.toml").write_text(toml)
        programs.mkdir()
        systemctl = SYSTEMCTL.format(python=sys.executable, note=str(self.note), data=str(self.data), log=str(self.log))
        arena = f'#!/bin/sh\nexec {sys.executable} -m arena "$@"\n'
        for name, text in (("sudo", SUDO), ("systemctl", systemctl), ("arena", arena)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self._env = environment(PATH=f"{programs}:/usr/bin:/bin")

    def run(self, commands: str) -> str:
        """Run commands of the page, in the order in which somebody reads it."""
        text = f"set -e\n{FIRST}\n{commands}"
        for old, new in (
            ("/opt/arena/bin/arena", "arena"),
            ("/var/lib/arena", str(self.data)),
            ("/etc/arena", str(self.folder / "etc")),
        ):
            text = text.replace(old, new)
        done = subprocess.run(
            ["sh"],
            input=text,
            cwd=self.folder / "etc",
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr + (self.log.read_text() if self.log.exists() else "")
        return done.stdout

    @property
    def box(self) -> Serving:
        """The box, as somebody who uses it sees it."""
        made = Serving(self.data)
        made.url = (self.data / "listening").read_text().strip()
        return made


@pytest.fixture
def machine(tmp_path: Path, swift: Swift) -> Iterator[Machine]:
    swift.client().create_bucket(Bucket="team-backups")
    made = Machine(tmp_path, swift.url)
    made.run("systemctl start arena")
    yield made
    made.run("systemctl stop arena")


def test_the_commands_of_the_page_do_what_it_says(machine: Machine) -> None:
    alice: Person = machine.box.add("alice")
    alice.send(session())
    machine.run("box users promote alice")
    assert "copy_to" in machine.run(blocks("Looking after it"))
    said = machine.run(blocks("Backups"))
    assert said.count("s3://team-backups/arena/arena-") == 2, "made, and listed"
    assert "is whole" in said
    shutil.rmtree(machine.data / "backups")
    machine.run("systemctl stop arena")
    shutil.rmtree(machine.data)
    assert "`arena serve` may start on it." in machine.run(blocks("Restoring"))
    alice.box = machine.box
    assert alice.totals() == (300, 120, 1)
    machine.run(blocks("Upgrading").splitlines()[0])
    alice.box = machine.box
    assert alice.totals() == (300, 120, 1)
    machine.run("box backup > backup.log")
    alice.send(session(sessionId="later"))
    machine.run("\n".join(blocks("Upgrading").splitlines()[1:]))
    alice.box = machine.box
    assert alice.totals() == (300, 120, 1)


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(named) == 4
    for name in named:
        assert (ROOT / "docs" / name).resolve().is_file(), name
    for name in re.findall(r"(?:docs|tests)/[\w./-]+\w", TEXT):
        assert (ROOT / name).exists(), name


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    from arena.core.config import Backups
    from arena.web.live import HEARTBEAT
    from arena.wire import BODY_LIMIT

    keep = Backups()
    assert f"last {keep.keep_hours}\nhours, {keep.keep_days} days and {keep.keep_weeks} weeks" in TEXT
    assert f"every {HEARTBEAT:.0f} seconds" in TEXT
    assert f"bodies of {BODY_LIMIT >> 20} MiB" in TEXT
