"""``arena admin export``: who used what and what it cost, as a table for whoever pays."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import sys
from collections.abc import Iterator
from functools import partial

from arena.accounts import rules as names
from arena.accounts import store as accounts
from arena.admin.command import Opened, Refused, verb
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.core.spreadsheet import line_of_csv
from arena.teams.actions import some_team
from arena.usage.actions import bill as actions
from arena.usage.models import Bill, BillRow
from arena.usage.rules import bill as rules


def main(argv: list[str]) -> int:
    """Print a table of usage."""
    made, verbs = command.parser("export", "Tables to take away.")
    usage = verb(
        verbs,
        "usage",
        "print who used what and what it cost, to the last digit, for whoever pays",
        _usage,
        "export usage --from 2026-11-01 --to 2026-11-30 --by team,model > november.csv",
    )
    usage.add_argument("--from", dest="since", default="", metavar="DAY", help="from this day on (default: the first)")
    usage.add_argument("--to", dest="until", default="", metavar="DAY", help="up to this day, included")
    usage.add_argument(
        "--by",
        type=_by,
        default=rules.BY,
        metavar="NAMES",
        help=f"a row for each: some of {','.join(rules.BY)} (default: all)",
    )
    usage.add_argument("--person", default="", metavar="NAME", help="only what this person used")
    usage.add_argument("--team", default="", metavar="TEAM", help="only what people used who are in this team now")
    usage.add_argument("--format", choices=("csv", "json"), default="csv", help="default: csv")
    usage.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    return command.run(made, argv)


def _usage(box: Opened, arguments: argparse.Namespace) -> None:
    asked = Bill(
        since=arguments.since or "0001-01-01",
        until=arguments.until or "9999-12-31",
        person=names.name_of(arguments.person),
        team=arguments.team and box.db.read_sync(partial(some_team, name=arguments.team)).slug,
        by=arguments.by,
    )
    for sentence in rules.problems(asked).values():
        raise Refused(sentence)
    if asked.person and box.db.read_sync(partial(accounts.user_by_name, username=asked.person)) is None:
        raise Refused(f"nobody is called {asked.person}; `arena admin users list` shows everybody.")
    box.db.write_sync(partial(actions.note_bill, asked=asked, caller=OPERATOR, now=clock.now()))
    if arguments.format == "json":
        between = "["
        for row in _rows(box, asked):
            print(f"{between}{rules.line_of_json(asked.by, row).decode()}", end="")
            between = ",\n"
        print("]" if between != "[" else "[]")
        return
    # The lines end as RFC 4180 wants them, whatever the system.
    sys.stdout.reconfigure(newline="", encoding="utf-8")  # type: ignore[union-attr]
    print(line_of_csv((*asked.by, *rules.FIGURES)), end="")
    for row in _rows(box, asked):
        print(line_of_csv(rules.cells_of(row)), end="")


def _rows(box: Opened, asked: Bill) -> Iterator[BillRow]:
    sheet = rules.Sheet(asked.by)
    for payer in box.db.read_sync(partial(actions.payers, asked=asked)):
        yield from sheet.take(payer, box.db.read_sync(partial(actions.used, payer=payer, asked=asked)))
    yield from sheet.rest()


def _by(text: str) -> tuple[str, ...]:
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if not wanted or not set(wanted) <= set(rules.BY):
        raise argparse.ArgumentTypeError(f"must be some of {','.join(rules.BY)}")
    return rules.chosen(wanted)
