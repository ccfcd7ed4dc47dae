"""What the Containerfile says is so: who the box runs as, what is in the image, and how its health is asked."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.serving import ROOT, Serving

TEXT = (ROOT / "Containerfile").read_text()
STEPS = re.findall(r"^([A-Z]+) (.+)$", re.sub(r"^#.*\n", "", TEXT, flags=re.M).replace("\\\n", ""), re.M)
LAST = [word for word, _ in STEPS].index("FROM", 2)
IN_THE_IMAGE = STEPS[LAST:]


def said(word: str) -> list[str]:
    """What follows a word in the stage that becomes the image."""
    return [rest for each, rest in IN_THE_IMAGE if each == word]


def test_the_box_runs_as_somebody_with_a_number_and_no_rights() -> None:
    assert said("USER") == ["10001:10001"], "a number, so that a cluster sees that it is not root"
    order = [word for word, _ in IN_THE_IMAGE]
    assert "RUN" not in order[order.index("USER") :]
    assert "-o 10001 -g 10001 -m 0700 /var/lib/arena" in said("RUN")[0]


def test_all_that_it_writes_goes_into_the_one_volume() -> None:
    [env] = said("ENV")
    assert said("VOLUME") == said("WORKDIR") == ["/var/lib/arena"]
    assert "ARENA_DATA=/var/lib/arena" in env
    assert "HOME=/var/lib/arena" in env
    assert "PYTHONDONTWRITEBYTECODE=1" in env


def test_every_package_is_checked_by_its_digest() -> None:
    installs = [each for step, rest in STEPS if step == "RUN" for each in rest.split("&&") if "pip install" in each]
    assert len(installs) == 3
    for each in installs:
        assert "--require-hashes" in each or "--no-index" in each
    assert "--no-build-isolation" in TEXT, "else what builds would come unchecked"


def test_what_is_copied_is_there_and_is_all_that_the_builder_is_handed() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name for step, rest in STEPS if step == "COPY" and not rest.startswith("--from") for name in rest.split()[:-1]
    }
    for name in copied:
        assert (ROOT / name).exists(), name
    assert {name.partition("/")[0] for name in copied} == allowed
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def test_it_ends_by_the_signal_that_the_box_knows() -> None:
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(said("CMD")[0]) == ["arena", "serve"], "no shell, which would keep the signal for itself"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Serving]:
    made = Serving(tmp_path / "data", ARENA_SERVER__HOST="0.0.0.0").start()
    yield made
    made.kill()


def test_its_health_is_asked_of_the_box_itself(box: Serving) -> None:
    command = said("HEALTHCHECK")[0].partition(" CMD ")[2]
    program, *arguments = json.loads(command)
    assert program == "/opt/arena/bin/python"
    assert "/readyz" in arguments[-1]
    arguments[-1] = arguments[-1].replace("/var/lib/arena", str(box.data))

    def is_healthy() -> bool:
        return subprocess.run([sys.executable, *arguments], capture_output=True, check=False).returncode == 0

    assert is_healthy()
    assert box.stop() == 0
    assert not is_healthy()
