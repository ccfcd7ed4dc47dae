"""``arena admin restore``: put a backup in the place of a box."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from arena.admin import command
from arena.backups import actions
from arena.core import clock, config
from arena.core.config import ConfigError
from arena.core.lock import Held
from arena.core.migrate import NewerSchema, migrate
from arena.core.sealed import NotWhole
from arena.rooms import schemas


def main(argv: list[str]) -> int:
    """Prove a backup, then let it take the place of what is in the data folder, which is kept beside.

    Refuses while `arena serve` runs on the folder. An empty or missing folder is fine: that is what backups are for.
    """
    made = argparse.ArgumentParser(
        prog="arena admin restore",
        description="Put a backup in the place of a box, keeping what was there.",
        epilog="example: arena admin restore arena-20261126T120700Z.backup --data ./arena-data",
        allow_abbrev=False,
    )
    made.add_argument("file", type=Path, metavar="FILE")
    command.with_box(made)
    try:
        arguments = made.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        settings = config.load(arguments.config or command.configuration())
        place = config.place(arguments.data or Path(os.environ.get("ARENA_DATA") or "arena-data"))
        kept = actions.restore(
            arguments.file,
            place,
            bring_up=partial(migrate, rooms=schemas()),
            now=clock.now(),
            key=actions.configured_key(settings.backups),
        )
    except Held as problem:
        print(f"arena admin restore: {problem}; stop it first.", file=sys.stderr)
        return 1
    except (NotWhole, NewerSchema, ConfigError, OSError, ValueError) as problem:
        print(f"arena admin restore: {problem}", file=sys.stderr)
        return 1
    print(f"{place.data} is as {arguments.file.name} was. `arena serve` may start on it.")
    if kept is not None:
        print(f"What was there before is in {kept}.")
    return 0
