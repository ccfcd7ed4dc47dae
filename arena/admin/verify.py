"""``arena admin verify``: prove a backup by restoring it into a scratch place."""

# isort: skip_file
from arena.admin import command

import argparse

from arena.admin.command import Refused, Told
from arena.backups.actions.files import configured_key, verify
from arena.backups.actions.keeping import at_hand
from arena.core.sealed import NotWhole


def main(argv: list[str]) -> int:
    """Restore a backup into a scratch place, check its integrity and compare what is in it."""
    does = "prove a backup: restore it into a scratch place, check every byte and count every row"
    made = command.alone("verify", does, _verify, "verify arena-20261126T120700Z.backup")
    made.add_argument("file", metavar="FILE", help="a backup, or s3://bucket/prefix/...")
    made.add_argument("--json", action="store_true", help="print its manifest, for programs")
    return command.run_without_box(made, argv)


def _verify(box: Told, arguments: argparse.Namespace) -> None:
    config, folder = box.config.backups, box.place.data
    key = configured_key(config)
    try:
        with at_hand(arguments.file, config.s3, folder if folder.is_dir() else None) as file:
            found = verify(file, key=key)
    except NotWhole as problem:
        raise Refused(str(problem)) from problem
    if arguments.json:
        command.print_json(found)
        return
    what = f"{len(found.files)} files, {sum(found.rows.values()):,} rows in {len(found.rows)} tables"
    print(f"{file.name} is whole: {what}, made {command.date(found.made_at)} UTC by arena {found.arena}.")
