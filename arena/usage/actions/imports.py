"""Take over what another system exported."""

import sqlite3
from collections.abc import Iterable

from arena.core.clock import Days
from arena.usage import store
from arena.usage.actions.records import record_all
from arena.usage.models import Outcome, Write
from arena.usage.rules.imports import Arrival


def take_over(
    conn: sqlite3.Connection, arrivals: Iterable[Arrival], people: dict[str, str], *, days: Days, now: int
) -> Outcome:
    """Count what some rows brought, each once, however often they are imported; return what became of it.

    ``people`` has the ids of everybody named, by user name.
    """
    by_person: dict[str, list[Write]] = {}
    for each in arrivals:
        by_person.setdefault(people[each.name], []).append(Write(each.reports, each.road, now))
    sum_of_all = Outcome()
    for user_id, writes in by_person.items():
        for outcome in record_all(conn, user_id, writes, days=days):
            sum_of_all.stored += outcome.stored
            sum_of_all.grown += outcome.grown
            sum_of_all.known += outcome.known
    return sum_of_all


def count_new(conn: sqlite3.Connection, arrivals: Iterable[Arrival], people: dict[str, str]) -> int:
    """Of how many rows nothing is here yet: neither their person nor their session or day."""
    return sum(
        each.name not in people
        or not all(store.sessions_by_hash(conn, people[each.name], [one.session_hash]) for one in each.reports)
        for each in arrivals
    )
