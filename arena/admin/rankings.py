"""``arena admin rankings``: freeze by hand what the night freezes by itself."""

# isort: skip_file
# `arena.core.sqlite` first: it chooses the SQLite library.
from arena.core import sqlite  # noqa: F401

import argparse
from datetime import date

from arena.admin import command
from arena.admin.command import Opened, verb
from arena.core import clock
from arena.core.clock import Days
from arena.leaderboard.actions.freezing import freeze
from arena.leaderboard.rules import ENDING


def main(argv: list[str]) -> int:
    """Freeze the rankings of periods that are over."""
    made, verbs = command.parser("rankings", "The rankings of days, weeks and months that are over.")
    does = "freeze every ranking that is over and not final; doing it again changes nothing"
    it = verb(verbs, "freeze", does, _freeze, "rankings freeze --period monthly")
    it.add_argument("--period", choices=ENDING, help="only days, weeks or months (default: all of them)")
    it.add_argument(
        "--since",
        type=_day,
        metavar="DAY",
        help="final ones too, from the one that holds this day on: after a session was left out of ranking late, say",
    )
    it.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _freeze(box: Opened, arguments: argparse.Namespace) -> None:
    frozen = freeze(
        box.db,
        config=box.config,
        days=Days(box.config.arena.time_zone),
        now=clock.now(),
        periods=(arguments.period,) if arguments.period else ENDING,
        again_from=arguments.since,
    )
    if arguments.json:
        command.print_json(frozen)
        return
    if not frozen:
        print("Every ranking that is over is frozen already, and nothing of it has changed.")
        return
    rows = [
        (each.period, each.start, f"{each.people:,}", f"{each.changed:,}", "final" if each.final else "open")
        for each in frozen
    ]
    command.print_rows(("PERIOD", "FROM", "PEOPLE", "CHANGED", "STATE"), rows)


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()
