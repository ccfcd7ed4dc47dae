"""Which tools can have kept something here: their places are remembered, so that others need not be loaded."""

import json
import os
import sqlite3
import sys

from arena.client import ledger, tools
from arena.client.counting import module
from arena.client.places import OVERRIDES


def present(conn: sqlite3.Connection, names: list[str]) -> list[str]:
    """Leave out the tools that have none of their places on this machine.

    A tool is asked for its places again when its file, or what moves places, is another than it was.
    """
    if sys.platform == "win32":  # a tool there looks for its places
        return names
    here = _here()
    known: dict[str, list[str]] = {}
    kept = ledger.fact(conn, "places")
    if kept:
        where, places = json.loads(kept)
        known = places if where == here else {}
    new = {name: module(name).places() for name in names if name not in known}
    if new:
        known |= new
        ledger.put_fact(conn, "places", json.dumps([here, known]))
    return [name for name in names if any(map(os.path.exists, known[name]))]


def _here() -> list[object]:
    """What places hang on: the home folder, the variables that move them, and the files that tell them."""
    moved = [os.environ.get(name, "") for name in OVERRIDES]
    # What is named from the working folder on is another place in another one.
    folder = "" if all(not each or os.path.isabs(each) for each in moved) else os.getcwd()
    with os.scandir(tools.__path__[0]) as files:
        read = sorted([file.name, file.stat().st_mtime_ns] for file in files if file.name.endswith(".py"))
    return [os.path.expanduser("~"), folder, moved, read]
