"""``arena admin recompute``: make every sum anew from the records, person by person, while the box serves."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import gc
from datetime import date
from functools import partial

from arena.admin.command import Opened
from arena.core import clock
from arena.core.clock import Days
from arena.usage import store
from arena.usage.actions.recount import recount_all
from arena.web import words


def main(argv: list[str]) -> int:
    """Recompute everybody, each in a write of their own."""
    does = "make all totals anew from the records (after a change of [arena] time_zone, say)"
    made = command.alone("recompute", does, _recompute, "recompute --data ./arena-data")
    made.add_argument("--since", type=_day, metavar="DATE", help="only people who used anything on this day or later")
    return command.run(made, argv)


def _recompute(box: Opened, arguments: argparse.Namespace) -> None:
    days = Days(box.config.arena.time_zone)
    people = box.db.read_sync(partial(store.people_with_records_since, day=arguments.since or ""))
    gc.disable()  # of a hundred thousand records nothing is garbage, and looking for it takes an eighth of the time
    try:
        recount_all(box.db, people, days=days, now=clock.now())
    finally:
        gc.enable()
    if not arguments.since:
        box.place.zone.write_text(box.config.arena.time_zone)
    print(f"{words.plural(len(people), 'person', 'people')} recomputed.")
    if people and (last := box.db.read_sync(store.last_closed_day)):
        print(f"Days up to {last} are closed: detail is gone there, and what it counted stays as it was.")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as problem:
        raise argparse.ArgumentTypeError("must be a day such as 2026-11-20") from problem
