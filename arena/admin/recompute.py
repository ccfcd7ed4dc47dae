"""``arena admin recompute``: make every sum anew from the records, person by person, while the box serves."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse
from functools import partial

from arena.admin.command import Opened, alone, run
from arena.core import clock
from arena.core.clock import Days
from arena.usage import store
from arena.usage.actions.recount import recount


def main(argv: list[str]) -> int:
    """Recompute everybody, each in a write of their own."""
    does = "make all totals anew from the records (after a change of [arena] time_zone, say)"
    return run(alone("recompute", does, _recompute, "recompute --data ./arena-data"), argv)


def _recompute(box: Opened, _: argparse.Namespace) -> None:
    days = Days(box.config.arena.time_zone)
    people = box.db.read_sync(store.people_with_records)
    for user_id in people:
        box.db.write_sync(partial(recount, user_id=user_id, days=days, now=clock.now()))
    box.place.zone.write_text(box.config.arena.time_zone)
    print(f"{len(people)} people recomputed.")
