"""Give usage the prices that are known now."""

import sqlite3
from functools import partial

from arena.core.clock import Days
from arena.core.db import Database
from arena.core.log import log
from arena.prices import store as price_tables
from arena.usage import store
from arena.usage.actions.book import Book
from arena.usage.actions.recount import in_turn, recount_all


def reprice(conn: sqlite3.Connection, user_id: str, *, since: str, days: Days, now: int) -> int:
    """Give a person's records the prices that are known now, where these differ; every sum moves by the difference.

    Looks at those without a price, and at all from a day on. Returns how many cost something else than before.
    """
    book = Book(conn, user_id, days, now)
    moved = book.take_to_price(since)
    if moved:
        book.close()
    return moved


def apply_prices(db: Database, *, days: Days, now: int) -> int:
    """Give all usage the prices of tables that were loaded since the last time; return how many records it moved.

    A write a person, and others in between, so that the box serves meanwhile; what was interrupted is done again by
    the next call. Before the first table nothing had a cost, so then everything is counted anew. (From a thread: it
    waits.)
    """
    waiting = db.read_sync(price_tables.unapplied)
    if not waiting:
        return 0
    moved = 0
    since = min(version.as_of for version in waiting)
    people = db.read_sync(store.people_with_records)
    if waiting[0].number == 1:
        recount_all(db, people, days=days, now=now)
    else:
        for user_id in people:
            moved += in_turn(db, partial(reprice, user_id=user_id, since=since, days=days, now=now))
    db.write_sync(partial(price_tables.set_applied, number=waiting[-1].number, now=now))
    return moved


def check_prices(db: Database, *, days: Days, now: int) -> tuple[int, list[str]]:
    """Do the same, and name the models that were used and have no price, in the log too. (From a thread: it waits.)"""
    moved = apply_prices(db, days=days, now=now)
    unknown = [model for model, *_ in db.read_sync(store.unpriced_models)]
    if unknown:
        log().warning("unpriced models", count=len(unknown))
    return moved, unknown
