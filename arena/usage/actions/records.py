"""Record usage, so that every sum moves with the records in one transaction."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from arena.accounts.actions.keys import still_good
from arena.accounts.models import Person
from arena.audit.actions import note_all
from arena.audit.models import Caller, Note
from arena.core.clock import Days
from arena.usage.actions.book import Book, Shared
from arena.usage.models import (
    Delivery,
    Outcome,
    Report,
    Road,
    Write,
)


def record(
    conn: sqlite3.Connection, user_id: str, reports: Iterable[Report], road: int, *, days: Days, now: int
) -> Outcome:
    """Count each record once, however often and by whatever road it is sent, and move every sum by the difference.

    Returns what became of the records and of each session, in the order of the reports.
    """
    return record_all(conn, user_id, [Write(list(reports), road, now)], days=days)[0]


def record_all(
    conn: sqlite3.Connection, user_id: str, writes: Sequence[Write], *, days: Days, shared: Shared | None = None
) -> list[Outcome]:
    """Do several writes of one person as one: every sum they share moves once. Each has an outcome of its own.

    By how many tokens the person's total rose is told in the last one.
    """
    book = Book(conn, user_id, days, max(write.now for write in writes), shared)
    book.look_up(writes)
    outcomes = []
    for write in writes:
        outcome = Outcome()
        for report in write.reports:
            outcome.sessions.append(book.take(report, write.road, outcome))
        outcomes.append(outcome)
    outcomes[-1].tokens = book.close()
    return outcomes


def deliver(conn: sqlite3.Connection, items: list[Delivery]) -> list[tuple[Person, Outcome] | None]:
    """Record what several requests brought; None for those whose key was revoked meanwhile.

    What each person's requests have in common is read and written once, and so is the end of the security log.
    """
    owners = {item.owner.key_id: item.owner for item in items}
    people = {key_id: still_good(conn, owner) for key_id, owner in owners.items()}
    by_person: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        if people[item.owner.key_id] is not None:
            by_person[item.owner.person.id].append(index)
    outcomes: dict[int, Outcome] = {}
    shared = Shared(conn)
    for user_id, theirs in by_person.items():
        writes = [items[index].write for index in theirs]
        found = record_all(conn, user_id, writes, days=items[theirs[0]].days, shared=shared)
        outcomes.update(zip(theirs, found, strict=True))
    note_all(conn, _new_sessions([(items[index], outcome) for index, outcome in outcomes.items()]))
    return [
        (person, outcomes[index]) if (person := people[item.owner.key_id]) else None for index, item in enumerate(items)
    ]


def _new_sessions(delivered: list[tuple[Delivery, Outcome]]) -> list[Note]:
    """Say for the security log which sessions were stored for the first time; what only grew has been noted before.

    A batch has a row. Single sessions that came under one key and share the commit share a row as well, so a busy
    box pays for one row a key and commit, not for one a session.
    """
    notes: list[Note] = []
    singles: dict[tuple[str, Caller], list[str]] = {}
    for item, outcome in delivered:
        new = [id for id, what in outcome.sessions if what == "stored"]
        if not new:
            continue
        user_id, now = item.owner.person.id, item.write.now
        if item.write.road == Road.DAY_ROWS:
            told = {"prefix": item.prefix, "stored": len(new), "failed": item.failed or None}
            notes.append(Note("day_rows_stored", user_id, item.caller, now, told))
        elif item.is_batch:
            known = len(outcome.sessions) - len(new)
            told = {"prefix": item.prefix, "stored": len(new), "known": known or None, "failed": item.failed or None}
            notes.append(Note("batch_sessions_created", user_id, item.caller, now, told))
        elif (shared := singles.get((item.owner.key_id, item.caller))) is not None:
            shared.extend(new)
        else:
            singles[item.owner.key_id, item.caller] = new
            details = {"prefix": item.prefix, "sessions": new}
            notes.append(Note("session_created", user_id, item.caller, now, details))
    return notes
