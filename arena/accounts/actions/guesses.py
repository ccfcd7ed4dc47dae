"""Count guesses at passwords and codes, and make whoever keeps being wrong wait longer and longer.

A guess is counted as wrong before anybody looks at it, so a hundred at once are no more than a hundred in turn; one
that turns out right is taken back. The counters stand in the database, so that a restart forgives nothing.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial

from arena.accounts import rules, store
from arena.accounts.models import Counter, Guess
from arena.core.db import Database
from arena.core.errors import TooMany


async def begin(db: Database, *, counters: Sequence[Counter], now: int) -> list[Guess]:
    """Count a guess that is about to be looked at, in each of its counters (see `rules.code_counters`).

    Raises `TooMany` with when to try again, and counts nothing, while one of them takes no guess.
    """
    begun = await db.write(partial(_count, counters=counters, now=now))
    if isinstance(begun, int):
        raise TooMany(f"Too many wrong guesses. Try again in {rules.in_words(begun)}.", retry_after=-(-begun // 1000))
    return begun


def was_right(conn: sqlite3.Connection, *, begun: Sequence[Guess], now: int) -> None:
    """Take back a guess that turned out right. Wrong ones before it stay counted: others may have made them."""
    for guess in begun:
        if held := store.guesses(conn, guess.counter.name):
            store.put_guesses(conn, guess.counter.name, rules.guessed_right(held, guess))
            store.drop_if_forgotten(conn, guess.counter.name, now)


def _count(conn: sqlite3.Connection, counters: Sequence[Counter], now: int) -> list[Guess] | int:
    """Count, or return the milliseconds to wait: a failure would undo the commit that other writes share."""
    held = [store.guesses(conn, counter.name) for counter in counters]
    wait = max(rules.wait_of(each, counter.patience, now) for each, counter in zip(held, counters, strict=True))
    if wait:
        return wait
    begun = []
    for each, counter in zip(held, counters, strict=True):
        wrong = rules.guessed_wrong(each, counter.patience, now)
        store.put_guesses(conn, counter.name, wrong)
        begun.append(Guess(counter, wrong))
    return begun
