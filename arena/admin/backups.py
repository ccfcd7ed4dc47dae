"""``arena admin backups``: the backups that there are."""

# isort: skip_file
from arena.admin import command

import argparse
from pathlib import Path

from arena.admin.command import Opened, verb
from arena.backups import actions
from arena.backups.models import Backup, Keep


def main(argv: list[str]) -> int:
    """List backups, or let those go that need not be kept."""
    made, verbs = command.parser("backups", "The backups in a folder.")
    for name, does, do in (
        ("list", "list backups, the newest first", _list),
        ("prune", "delete the backups that [backups] keep_hours, keep_days and keep_weeks do not keep", _prune),
    ):
        each = verb(verbs, name, does, do, f"backups {name}")
        each.add_argument("--in", dest="folder", type=Path, metavar="DIR", help="folder (default: as configured)")
        each.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _list(box: Opened, arguments: argparse.Namespace) -> None:
    folder = _folder(box, arguments)
    _print(folder, actions.backups_in(folder), arguments)


def _prune(box: Opened, arguments: argparse.Namespace) -> None:
    config = box.config.backups
    keep = Keep(config.keep_hours, config.keep_days, config.keep_weeks)
    folder = _folder(box, arguments)
    _print(folder, actions.prune(folder, keep), arguments)


def _folder(box: Opened, arguments: argparse.Namespace) -> Path:
    return arguments.folder or box.place.backups(box.config.backups.folder)


def _print(folder: Path, found: list[Backup], arguments: argparse.Namespace) -> None:
    if arguments.json:
        command.print_json(
            [{"file": str(folder / each.name), "made_at": each.made_at, "size": each.size} for each in found]
        )
        return
    rows = [(command.date(each.made_at), f"{each.size:,}", str(folder / each.name)) for each in found]
    command.print_rows(("MADE (UTC)", "BYTES", "FILE"), rows)
