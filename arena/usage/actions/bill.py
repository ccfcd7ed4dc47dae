"""Tell whoever pays who used what: person by person, so that no more than one person's usage is in memory."""

import sqlite3

from arena.accounts import store as accounts
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.teams import store as teams
from arena.usage import store
from arena.usage.models import Bill, Payer, Totals
from arena.usage.rules.bill import OF_RECORDS, Key, used_by_key


def payers(conn: sqlite3.Connection, asked: Bill) -> list[Payer]:
    """Everybody who used something and is asked for, by name; private and disabled people too."""
    team_of = teams.team_of_everybody(conn)
    found = []
    for id in store.people_with_days(conn, asked.since, asked.until):
        person, team = accounts.user(conn, id), team_of.get(id)
        if person is None or (asked.person and person.name != asked.person):
            continue
        if not asked.team or (team is not None and team.slug == asked.team):
            found.append(Payer(id, person.name, team.name if team else ""))
    return sorted(found, key=lambda payer: payer.name)


def used(conn: sqlite3.Connection, payer: Payer, asked: Bill) -> dict[Key, Totals]:
    """What counts of somebody's usage. Records are looked at only where the question needs what only they tell."""
    span = (payer.id, asked.since, asked.until)
    days = store.road_days(conn, *span)
    if not OF_RECORDS & set(asked.by):
        return used_by_key(days)
    return used_by_key(days, store.used(conn, *span), store.begun(conn, *span))


def note_bill(conn: sqlite3.Connection, *, asked: Bill, caller: Caller, now: int, by: str | None = None) -> None:
    """Note that a table of usage was handed out: of which days, and told apart by what."""
    of = {"from": asked.since, "to": asked.until, "person": asked.person or None, "team": asked.team or None}
    note(conn, "usage_exported", None, caller, now, **of, told_apart_by=",".join(asked.by), by=by)
