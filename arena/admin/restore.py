"""``arena admin restore``: put a backup in the place of a box."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse
import sys
from functools import partial

from arena.admin import command
from arena.backups.actions.files import configured_key, restore
from arena.backups.actions.keeping import at_hand
from arena.core import clock, config
from arena.core.buckets import BucketError
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
    made.add_argument("file", metavar="FILE", help="a backup, or s3://bucket/prefix/...")
    command.with_box(made)
    try:
        arguments = made.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        settings = config.load(arguments.config or command.configuration()).backups
        key = configured_key(settings)
        place = config.place(command.data_folder(arguments))
        with at_hand(arguments.file, settings.s3, place.data) as file:
            kept = restore(file, place, bring_up=partial(migrate, rooms=schemas()), now=clock.now(), key=key)
    except Held as problem:
        print(f"arena admin restore: {problem}; stop it first.", file=sys.stderr)
        return 1
    except (BucketError, NotWhole, NewerSchema, ConfigError, OSError, ValueError) as problem:
        print(f"arena admin restore: {problem}", file=sys.stderr)
        return 1
    print(f"{place.data} is as {file.name} was. `arena serve` may start on it.")
    if kept is not None:
        print(f"What was there before is in {kept}.")
    return 0
