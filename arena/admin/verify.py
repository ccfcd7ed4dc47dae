"""``arena admin verify``: prove a backup by restoring it into a scratch place."""

# isort: skip_file
from arena.admin import command

import argparse
from pathlib import Path

from arena.admin.command import Opened, Refused
from arena.backups import actions
from arena.core.sealed import NotWhole


def main(argv: list[str]) -> int:
    """Restore a backup into a scratch place, check its integrity and compare what is in it."""
    does = "prove a backup: restore it into a scratch place, check every byte and count every row"
    made = command.alone("verify", does, _verify, "verify arena-20261126T120700Z.backup")
    made.add_argument("file", type=Path, metavar="FILE")
    made.add_argument("--json", action="store_true", help="print its manifest, for programs")
    return command.run(made, argv)


def _verify(box: Opened, arguments: argparse.Namespace) -> None:
    try:
        found = actions.verify(arguments.file, key=actions.configured_key(box.config.backups))
    except NotWhole as problem:
        raise Refused(str(problem)) from problem
    if arguments.json:
        command.print_json(found)
        return
    what = f"{len(found.files)} files, {sum(found.rows.values()):,} rows in {len(found.rows)} tables"
    print(f"{arguments.file.name} is whole: {what}, made {command.date(found.made_at)} UTC by arena {found.arena}.")
