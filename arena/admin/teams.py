"""``arena admin teams``: teams and who is in them, from the machine itself."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
from functools import partial

from arena.admin.command import Opened
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.teams import actions, store
from arena.web.words import plural


def main(argv: list[str]) -> int:
    """List, create, rename or delete teams, or put somebody into one."""
    made, verbs = command.parser("teams", "Teams: each has a board of its own. A person is in one team or in none.")
    verb = partial(command.verb, verbs)
    verb("list", "list teams and how many people are in each", _list, "teams list --json").add_argument(
        "--json", action="store_true", help="for programs"
    )
    create = verb("create", "make a team", _create, 'teams create "Data platform"')
    rename = verb("rename", "give a team another name and address", _rename, "teams rename data search")
    delete = verb("delete", "delete a team; its people stay, in no team", _delete, "teams delete data")
    assign = verb("assign", "put a person into a team, or without one take them out", _assign, "teams assign bob data")
    assign.add_argument("name", metavar="NAME", help="user name")
    assign.add_argument("team", nargs="?", metavar="TEAM", help="the team's name; without it they are in none")
    for each in (create, rename, delete):
        each.add_argument("team", metavar="TEAM", help="the team's name")
    rename.add_argument("new", metavar="NEW", help="its new name")
    return command.run(made, argv)


def _list(box: Opened, arguments: argparse.Namespace) -> None:
    listed = box.db.read_sync(store.sizes)
    if arguments.json:
        command.print_json(
            [
                {
                    "id": each.team.id,
                    "name": each.team.name,
                    "slug": each.team.slug,
                    "people": each.people,
                    "created_at": each.team.created_at,
                }
                for each in listed
            ]
        )
        return
    rows = [(each.team.slug, str(each.people), command.date(each.team.created_at), each.team.name) for each in listed]
    command.print_rows(("ADDRESS", "PEOPLE", "CREATED (UTC)", "NAME"), rows)


def _create(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(actions.create_team, name=arguments.team, caller=OPERATOR, now=clock.now())
    team = box.db.write_sync(deed)
    print(f"There is a team {team.name} now; its board is at /?team={team.slug}.")


def _rename(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(actions.rename_team, slug=arguments.team, name=arguments.new, caller=OPERATOR, now=clock.now())
    team = box.db.write_sync(deed)
    print(f"The team is called {team.name} now; its board is at /?team={team.slug}.")


def _delete(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(actions.delete_team, slug=arguments.team, caller=OPERATOR, now=clock.now())
    team, people = box.db.write_sync(deed)
    print(f"{team.name} is deleted; {plural(people, 'person is', 'people are')} in no team now.")


def _assign(box: Opened, arguments: argparse.Namespace) -> None:
    deed = partial(actions.assign, name=arguments.name, slug=arguments.team, caller=OPERATOR, now=clock.now())
    person, team = box.db.write_sync(deed)
    print(f"{person.name} is in {team.name}." if team else f"{person.name} is in no team.")
