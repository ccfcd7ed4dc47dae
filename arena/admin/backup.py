"""``arena admin backup``: write a backup now."""

# isort: skip_file
from arena.admin import command

import argparse
from pathlib import Path

from arena.admin.command import Opened
from arena.backups import actions
from arena.core import clock


def main(argv: list[str]) -> int:
    """Write a backup, consistent while the box serves, and print where it is."""
    does = "write a backup of the whole box into one file, while it serves"
    made = command.alone("backup", does, _backup, "backup --to /mnt/elsewhere")
    made.add_argument("--to", type=Path, metavar="DIR", help="folder (default: as configured in [backups])")
    return command.run(made, argv)


def _backup(box: Opened, arguments: argparse.Namespace) -> None:
    config = box.config.backups
    folder = arguments.to or box.place.backups(config.folder)
    print(actions.make(box.place, folder, now=clock.now(), key=actions.configured_key(config)))
