"""``arena admin backups``: the backups that there are."""

# isort: skip_file
from arena.admin import command

import argparse
from collections.abc import Callable
from functools import partial

from arena.admin.command import Told, verb
from arena.backups.actions import keeping
from arena.backups.actions.keeping import Where
from arena.backups.models import Backup
from arena.core import clock
from arena.core.buckets import Bucket


def main(argv: list[str]) -> int:
    """List backups, or let those go that need not be kept."""
    made, verbs = command.parser("backups", "The backups in a folder or a bucket.")
    for name, does, do in (
        ("list", "list backups, the newest first", _list),
        ("prune", "delete the backups that [backups] keep_hours, keep_days and keep_weeks do not keep", _prune),
    ):
        each = verb(verbs, name, does, do, f"backups {name}")
        each.add_argument(
            "--in",
            dest="where",
            metavar="DIR",
            help="folder, or s3://bucket/prefix (default: as configured in [backups], the copies included)",
        )
        each.add_argument("--json", action="store_true", help="for programs")
    return command.run_without_box(made, argv)


def _list(box: Told, arguments: argparse.Namespace) -> None:
    _print_each(box, arguments, keeping.backups_in)


def _prune(box: Told, arguments: argparse.Namespace) -> None:
    _print_each(box, arguments, partial(keeping.prune, keep=keeping.kept(box.config.backups), now=clock.now()))


def _print_each(box: Told, arguments: argparse.Namespace, look: Callable[[Where], list[Backup]]) -> None:
    """Print what is found at each place, even if the next is not to be reached."""
    found: list[tuple[Backup, Where]] = []
    try:
        for where in _places(box, arguments):
            found += [(each, where) for each in look(where)]
    finally:
        _print(found, arguments)


def _places(box: Told, arguments: argparse.Namespace) -> list[Where]:
    config = box.config.backups
    if arguments.where:
        return [keeping.where(arguments.where, config.s3)]
    copies = [Bucket(config.copy_to, config.s3)] if config.copy_to else []
    return [box.place.backups(config.folder), *copies]


def _print(found: list[tuple[Backup, Where]], arguments: argparse.Namespace) -> None:
    if arguments.json:
        command.print_json(
            [{"file": f"{where}/{each.name}", "made_at": each.made_at, "size": each.size} for each, where in found]
        )
        return
    rows = [(command.date(each.made_at), f"{each.size:,}", f"{where}/{each.name}") for each, where in found]
    command.print_rows(("MADE (UTC)", "BYTES", "FILE"), rows)
