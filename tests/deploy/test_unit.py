"""The systemd unit of docs/deploy is understood by systemd, lets the box end in its own time, and gives it little."""

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from arena.serve import GRACE
from tests.flows.serving import ROOT

UNIT = ROOT / "docs" / "deploy" / "arena.service"
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C"}


class Keys(ConfigParser):
    """The keys of a unit; of one that is given several times, the last."""

    def __init__(self) -> None:
        super().__init__(strict=False, interpolation=None)
        self.read(UNIT)

    def optionxform(self, optionstr: str) -> str:
        """Keep a key as it is written."""
        return optionstr


def analyze(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *argv], env=ENV, capture_output=True, text=True, check=False)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is here and a user that is there."""
    text = UNIT.read_text()
    assert text.count("/opt/arena/bin/arena serve") == text.count("User=arena\n") == 1
    file = tmp_path / "arena.service"
    file.write_text(text.replace("/opt/arena/bin/arena serve", f"{sys.executable} serve").replace("User=arena\n", ""))
    return file


def test_systemd_understands_every_line(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    about_us = [line for line in done.stderr.splitlines() if "arena.service" in line]
    assert (done.returncode, about_us) == (0, []), done.stderr


def test_a_line_that_means_nothing_would_be_seen(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    assert "'ProtectHouse'" in analyze("verify", "--man=no", unit).stderr


def test_systemd_finds_it_little_exposed() -> None:
    done = analyze("security", "--offline=true", "--no-pager", "--threshold=20", UNIT)
    assert done.returncode == 0, done.stdout


def test_it_has_time_to_end_and_writes_where_it_may() -> None:
    service = Keys()["Service"]
    assert int(service["TimeoutStopSec"]) > 2 * GRACE
    assert f"ARENA_DATA=/var/lib/{service['StateDirectory']} " in service["Environment"] + " "
    assert f"PEX_ROOT=/var/cache/{service['CacheDirectory']} " in service["Environment"] + " "
