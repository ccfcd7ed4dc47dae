"""``arena admin budgets``: what teams and people may cost in a month, and how that stands."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
from functools import partial

from arena.admin.command import Opened, verb
from arena.audit.models import OPERATOR
from arena.budgets import actions
from arena.budgets.models import Subject
from arena.budgets.pages import answer_of, row
from arena.budgets.rules import written
from arena.core import clock
from arena.core.clock import Days


def main(argv: list[str]) -> int:
    """Show or set budgets."""
    made, verbs = command.parser("budgets", "What teams and people may cost in a month, in US dollars.")
    listing = verb(verbs, "list", "show all teams, and people with a budget of their own", _list, "budgets list")
    listing.add_argument("--json", action="store_true", help="for programs")
    team = verb(verbs, "team", "set the budget of a team; 0 takes it away", _team, "budgets team platform 1200")
    team.add_argument("name", metavar="TEAM")
    team.add_argument("amount", metavar="DOLLARS")
    person = verb(verbs, "person", "set the budget of a person; 0 takes it away", _person, "budgets person alice 150")
    person.add_argument("name", metavar="NAME")
    person.add_argument("amount", metavar="DOLLARS")
    return command.run(made, argv)


def _list(box: Opened, arguments: argparse.Namespace) -> None:
    today = Days(box.config.arena.time_zone).of(clock.now())
    teams, people = box.db.read_sync(partial(actions.everybody, today=today))
    if arguments.json:
        command.print_json([answer_of(state) for state in (*teams, *people)])
        return
    rows = [(state.subject.whose, state.subject.key, row(state)) for state in (*teams, *people)]
    command.print_rows(
        ("WHOSE", "NAME", "BUDGET", "SPENT", "OF IT", "BY ITS END"),
        [
            (
                whose,
                key,
                each.budget or "-",
                each.spent,
                f"{each.percent}%" if each.budget else "-",
                each.forecast or "-",
            )
            for whose, key, each in rows
        ],
    )


def _team(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(actions.set_team_budget, slug=arguments.name, amount=arguments.amount)
    _say(box.db.write_sync(partial(deed, caller=OPERATOR, now=clock.now())))


def _person(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(actions.set_person_budget, name=arguments.name, amount=arguments.amount)
    _say(box.db.write_sync(partial(deed, caller=OPERATOR, now=clock.now())))


def _say(subject: Subject) -> None:
    print(
        f"{subject.name} may cost ${written(subject.amount)} a month."
        if subject.amount
        else f"{subject.name} has no budget."
    )
