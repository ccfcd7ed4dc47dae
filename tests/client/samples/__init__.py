"""What each tool leaves in a person's home, small and made up: a folder a tool, laid out as on Linux.

``home`` holds the files as they lie below the home folder; a name that ends in ``.sql`` is the making of a database,
and ``$HOME`` in a file becomes the folder that it is laid out in. Whatever a person or a model wrote, and whatever
else could tell a secret, contains ``CANARY``; the folders that were worked in contain ``NEST``: nothing of them is
sent, but the laptop knows them. ``expected.json`` says what must be counted.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CANARY = "CANARY"
NEST = "NEST"


def names() -> list[str]:
    """List the tools that have a sample."""
    return sorted(path.parent.name for path in FOLDER.glob("*/home"))


def expected(tool: str) -> dict[str, Any]:
    """Read what a sample must count as."""
    said: dict[str, Any] = json.loads((FOLDER / tool / "expected.json").read_text())
    return said


def lay(tool: str, home: Path) -> list[Path]:
    """Lay a sample out in a home folder."""
    root = FOLDER / tool / "home"
    made = []
    for source in sorted(path for path in root.rglob("*") if path.is_file()):
        target = home / source.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text().replace("$HOME", str(home))
        if target.suffix == ".sql":
            target = target.with_suffix("")
            conn = sqlite3.connect(target)
            conn.executescript(text)
            conn.close()
        else:
            target.write_text(text)
        made.append(target)
    return made
