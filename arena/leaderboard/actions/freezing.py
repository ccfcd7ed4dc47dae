"""Freeze the rankings of days, weeks and months that are over, so that they survive the rows they were made of.

A period is over when its last day is, in the box's zone. The night after, its ranking is frozen as the board showed
it at that moment. Laptops that were offline report late, so each night until `late_days` have passed it is frozen
again; then it is final, and neither late reports nor new weights nor the retention of what it was made of move it.
Who is deleted leaves every ranking, and the places of all others stay as they are; who is in privacy mode, or shut
out, is so in rankings of the past too, from that moment on.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from arena.core import clock, ids
from arena.core.clock import Days
from arena.core.config import Config
from arena.core.db import Database
from arena.leaderboard import store
from arena.leaderboard.actions.boards import standings
from arena.leaderboard.models import Due, Frozen, Period, Ranked
from arena.leaderboard.rules import ENDING, due, final_from, ranked

BATCH = 1_000
"""Rows written at once: a commit of them takes some 20 ms (35 at 2,000), for which submissions wait."""
T = TypeVar("T")


def freeze(
    db: Database,
    *,
    config: Config,
    days: Days,
    now: int,
    periods: Sequence[str] = ENDING,
    again_from: str | None = None,
) -> list[Frozen]:
    """Freeze every period that is over and not final, the oldest first; return those that changed or became final.

    Doing it twice, or in two processes at once, does no harm; what was broken off is completed by the next time.
    ``again_from`` (a day) freezes final ones again, from the one that holds it on. (From a thread: it waits.)
    """
    today = days.of(now)
    waiting = db.read_sync(partial(_due, config=config, today=today, periods=periods, again_from=again_from))
    frozen = (_freeze(db, each, config=config, days=days, now=now) for each in waiting)
    return [each for each in frozen if each is not None]


def prune(db: Database, *, keep_days: int, today: str) -> int:
    """Delete the frozen rankings of single days that are older than they are to be kept; return how many rows.

    A batch a write; 0 days are for ever. Those of weeks and months stay. (From a thread: it waits.)
    """
    if not keep_days:
        return 0
    before, dropped = clock.shift(today, -keep_days), 0
    db.write_sync(partial(store.drop_periods, type="daily", before=before))
    while some := db.write_sync(partial(store.drop_some_rankings, type="daily", before=before, limit=BATCH)):
        dropped += some
    return dropped


def old(conn: sqlite3.Connection, *, keep_days: int, today: str) -> int:
    """How many rows `prune` would delete just now."""
    return store.old_rankings(conn, "daily", clock.shift(today, -keep_days)) if keep_days else 0


def _due(
    conn: sqlite3.Connection, *, config: Config, today: str, periods: Sequence[str], again_from: str | None
) -> list[Due]:
    first = store.first_day(conn)
    if first is None:
        return []
    whole, keep_days = store.whole_from(conn), config.retention.ranking_days
    kept = max(whole, clock.shift(today, -keep_days)) if keep_days else whole
    found = []
    for period in ENDING:
        if period in periods:
            known, whole_from = store.periods(conn, period), kept if period == "daily" else whole
            found += due(period, known, first=first, whole_from=whole_from, today=today, again_from=again_from)
    return found


def _freeze(db: Database, each: Due, *, config: Config, days: Days, now: int) -> Frozen | None:
    """Freeze one period; None if nothing of it changed, or somebody else took it over meanwhile."""
    claim = ids.uuid7()
    db.write_sync(partial(store.claim, due=each, claim=claim, now=now))
    # Read after the claim: whoever held the period before it writes nothing from here on.
    known, people, changed, gone = db.read_sync(partial(_compare, each=each, config=config))
    first = now if known.frozen_at is None else known.frozen_at
    final = days.of(now) >= final_from(days.of(first), config.ranking.late_days)
    moved = len(changed) + len(gone)
    write = [
        *(partial(store.put_rankings, rows=rows) for rows in _batches(changed)),
        *(partial(store.drop_rankings, type=each.type, start=each.start, user_ids=some) for some in _batches(gone)),
    ]
    if len(write) > 1:
        write.insert(0, partial(store.break_up, due=each))
    write.append(partial(store.finish, due=each, people=people, changed=moved, final=final, now=now))
    for steps in (*([step] for step in write[:-2]), write[-2:]):
        if not db.write_sync(partial(_while_held, each=each, claim=claim, steps=steps)):
            return None
    if known.is_whole and not moved and final == (known.final_at is not None):
        return None
    return Frozen(each.type, each.start, each.end, people, moved, final)


def _compare(conn: sqlite3.Connection, *, each: Due, config: Config) -> tuple[Period, int, list[Ranked], list[str]]:
    """What is known of a period, how many people it has, whose rows are to be written, and whose to be taken away."""
    known = store.period(conn, each.type, each.start)
    if known is None:
        raise LookupError("the claim has just written it")
    rows = ranked(standings(conn, each.type, each.end, config), each.type, each.start)
    there = {row.user_id: row for row in store.rankings(conn, each.type, each.start)}
    changed = [row for row in rows if there.pop(row.user_id, None) != row]
    return known, sum(row.rank_position is not None for row in rows), changed, list(there)


def _while_held(conn: sqlite3.Connection, *, each: Due, claim: str, steps: Sequence[Callable[..., None]]) -> bool:
    """Write, unless somebody else freezes the period meanwhile: then their figures are newer."""
    if not store.holds(conn, each, claim):
        return False
    for step in steps:
        step(conn)
    return True


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))
