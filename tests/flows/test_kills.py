"""The short form of `tests/bench/kills.py`, which kills a thousand times."""

import subprocess
import sys
from pathlib import Path

from tests.flows.serving import ROOT, environment


def test_killed_at_random_moments_the_box_keeps_what_it_acknowledged_and_counts_it_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests/bench/kills.py", "12", "--seed", "3", "--projects", "0"],
        check=False,
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
