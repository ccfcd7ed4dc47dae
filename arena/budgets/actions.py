"""Set budgets, and tell how they stand."""

import sqlite3

from arena.accounts.actions.people import someone
from arena.accounts.models import Person
from arena.accounts.store import user
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.budgets import rules, store
from arena.budgets.models import State, Subject
from arena.core.errors import Invalid
from arena.teams.actions import some_team
from arena.teams.models import Team
from arena.teams.store import team_of


def set_team_budget(
    conn: sqlite3.Connection, *, slug: str, amount: str, caller: Caller, now: int, by: str | None = None
) -> Subject:
    """Set what a team may cost in a month, in US dollars; nothing or 0 takes it away.

    Raises `NotFound`, and `Invalid` for what is no amount.
    """
    team, read = some_team(conn, slug), _read(amount)
    if read == store.team_budget(conn, team.id):
        return _of_team(team, read)
    if read is None:
        store.drop_team_budget(conn, team.id)
    else:
        store.put_team_budget(conn, team.id, read, now)
    note(conn, "budget_set", None, caller, now, team=team.id, dollars=rules.written(read) or None, by=by)
    return _of_team(team, read)


def set_person_budget(
    conn: sqlite3.Connection, *, name: str, amount: str, caller: Caller, now: int, by: str | None = None
) -> Subject:
    """Set what a person may cost in a month, in the same way."""
    person, read = someone(conn, name), _read(amount)
    if read == store.person_budget(conn, person.id):
        return _of_person(person, read)
    if read is None:
        store.drop_person_budget(conn, person.id)
    else:
        store.put_person_budget(conn, person.id, read, now)
    note(conn, "budget_set", person.id, caller, now, dollars=rules.written(read) or None, by=by)
    return _of_person(person, read)


def everybody(conn: sqlite3.Connection, today: str) -> tuple[list[State], list[State]]:
    """How all teams stand, with and without a budget, and everybody who has one of their own."""
    span = (rules.since(today), today)
    days = store.days_of_teams(conn, *span)
    teams = [rules.state(team, days.get(team.id, {}), today) for team in store.teams(conn)]
    people = [rules.state(each, store.days_of_person(conn, each.id, *span), today) for each in store.people(conn)]
    return teams, people


def mine(conn: sqlite3.Connection, user_id: str, today: str) -> list[State]:
    """How a person stands, and the team that they are in."""
    span, person = (rules.since(today), today), user(conn, user_id)
    if person is None:  # deleted a moment ago
        return []
    own = _of_person(person, store.person_budget(conn, person.id))
    states = [rules.state(own, store.days_of_person(conn, person.id, *span), today)]
    team = team_of(conn, person.id)
    if team is not None:
        subject = _of_team(team, store.team_budget(conn, team.id))
        states.append(rules.state(subject, store.days_of_team(conn, team.id, *span), today))
    return states


def reach(conn: sqlite3.Connection, state: State, *, now: int) -> int | None:
    """Note which parts of a budget are reached; return the highest that was not before this month."""
    put = store.reach_of_team if state.subject.whose == "team" else store.reach_of_person
    new = [mark for mark in state.marks if put(conn, state.subject.id, state.today[:7], mark, now)]
    return max(new, default=None)


def _of_team(team: Team, amount: int | None) -> Subject:
    return Subject("team", team.id, team.slug, team.name, amount)


def _of_person(person: Person, amount: int | None) -> Subject:
    return Subject("person", person.id, person.name, person.display, amount)


def _read(amount: str) -> int | None:
    try:
        return rules.amount_of(amount)
    except ValueError as problem:
        raise Invalid(str(problem)) from problem
