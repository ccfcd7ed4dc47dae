"""Make, rename and delete teams, and put people into them.

A person is in one team or in none. What they did goes with them: a team's board shows whoever is in it now.
"""

import sqlite3

from arena.accounts.actions.people import refuse, someone
from arena.accounts.models import Person
from arena.accounts.rules import display_of
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids
from arena.core.errors import Conflict, NotFound
from arena.teams import rules, store
from arena.teams.models import Team


def create_team(conn: sqlite3.Connection, *, name: str, caller: Caller, now: int, by: str | None = None) -> Team:
    """Make a team. Raises `Invalid` for a bad name, `Conflict` for one that is taken, in whatever case."""
    name = _checked(conn, name, None)
    team = Team(ids.uuid7(), name, rules.slug_of(name), now)
    store.add_team(conn, team)
    note(conn, "team_created", None, caller, now, team=team.id, by=by)
    return team


def rename_team(
    conn: sqlite3.Connection, *, slug: str, name: str, caller: Caller, now: int, by: str | None = None
) -> Team:
    """Give a team another name, and with it another address. Raises `NotFound`, `Invalid` and `Conflict`."""
    team = some_team(conn, slug)
    name = _checked(conn, name, team)
    if name == team.name:
        return team
    store.set_name(conn, team.id, name, rules.slug_of(name))
    note(conn, "team_renamed", None, caller, now, team=team.id, by=by)
    return Team(team.id, name, rules.slug_of(name), team.created_at)


def delete_team(
    conn: sqlite3.Connection, *, slug: str, caller: Caller, now: int, by: str | None = None
) -> tuple[Team, int]:
    """Delete a team. Its people stay, in no team; return it and how many they were. Raises `NotFound`."""
    team = some_team(conn, slug)
    people = sum(each.people for each in store.sizes(conn) if each.team.id == team.id)
    store.delete_team(conn, team.id)
    note(conn, "team_deleted", None, caller, now, team=team.id, people=people, by=by)
    return team, people


def assign(
    conn: sqlite3.Connection, *, name: str, slug: str | None, caller: Caller, now: int, by: str | None = None
) -> tuple[Person, Team | None]:
    """Put a person into a team, out of the one they were in; None takes them out of it. Raises `NotFound`."""
    person = someone(conn, name)
    team = some_team(conn, slug) if slug is not None else None
    if store.team_of(conn, person.id) == team:
        return person, team
    if team is None:
        store.drop_member(conn, person.id)
    else:
        store.put_member(conn, person.id, team.id, now)
    note(conn, "team_assigned", person.id, caller, now, team=team.id if team else None, by=by)
    return person, team


def some_team(conn: sqlite3.Connection, name: str) -> Team:
    """The team with this name or slug, in any case. Raises `NotFound`."""
    team = store.team_by_slug(conn, rules.slug_of(display_of(name)))
    if team is None:
        raise NotFound(f"There is no team called {display_of(name)[: rules.NAME_LENGTH] or 'nothing'}.")
    return team


def _checked(conn: sqlite3.Connection, name: str, own: Team | None) -> str:
    """A name, cleaned, that a team may have; ``own`` is the team that has it already, or will."""
    name = display_of(name)
    refuse(name=rules.name_problem(name))
    other = store.team_by_slug(conn, rules.slug_of(name))
    if other is not None and (own is None or other.id != own.id):
        raise Conflict(f"There is a team called {other.name} already.")
    return name
