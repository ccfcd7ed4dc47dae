"""``arena admin backup``: write a backup now."""

# isort: skip_file
from arena.admin import command

import argparse

from arena.admin.command import Opened
from arena.backups.actions import keeping
from arena.backups.actions.files import configured_key, make
from arena.core import clock
from arena.core.buckets import Bucket


def main(argv: list[str]) -> int:
    """Write a backup, consistent while the box serves, and print where it is."""
    does = "write a backup of the whole box into one file, while it serves"
    made = command.alone("backup", does, _backup, "backup --to /mnt/elsewhere")
    made.add_argument(
        "--to", metavar="DIR", help="folder, or s3://bucket/prefix (default: as configured in [backups], copy included)"
    )
    return command.run(made, argv)


def _backup(box: Opened, arguments: argparse.Namespace) -> None:
    config, now = box.config.backups, clock.now()
    key = configured_key(config)
    to = keeping.where(arguments.to, config.s3) if arguments.to else box.place.backups(config.folder)
    if isinstance(to, Bucket):
        print(keeping.send(box.place, to, now=now, key=key))
        return
    made = make(box.place, to, now=now, key=key)
    print(made, flush=True)
    if config.copy_to and not arguments.to:
        bucket = Bucket(config.copy_to, config.s3)
        bucket.put(made, made.name)
        print(f"{bucket}/{made.name}")
