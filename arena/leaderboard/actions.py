"""Compute boards from the daily rows: a stored record is on the board at the next read."""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import Any

from arena.core import clock
from arena.core.config import Config
from arena.core.db import Database
from arena.leaderboard import store
from arena.leaderboard.models import Board, Standing, Sums
from arena.leaderboard.rules import composite, overview, place, window
from arena.usage import store as usage

YESTERDAY_KEPT = 15.0
"""Seconds for which the places at the end of yesterday are not worked out again: only history that arrives late can
move them. Today's places are never older than the last commit."""


def board(conn: sqlite3.Connection, period: str, metric: str, *, today: str, config: Config) -> Board:
    """Rank everybody in the calendar period that holds today, with the places they had at the end of yesterday."""
    before = places_yesterday(conn, period, metric, today=today, config=config)
    return _board(standings(conn, period, today, config), period, metric, before, today, config)


def places_yesterday(
    conn: sqlite3.Connection, period: str, metric: str, *, today: str, config: Config
) -> dict[str, int]:
    """Everybody's place at the end of yesterday, on the board of the period that holds yesterday."""
    earlier = place(standings(conn, period, clock.shift(today, -1), config), metric, None)
    return {each.user_id: each.rank for each in earlier}


def _board(
    people: Iterable[Standing], period: str, metric: str, before: dict[str, int], today: str, config: Config
) -> Board:
    first, last = window(period, today)
    placed = place(people, metric, before)
    return Board(period, metric, first, last, today, config.arena.time_zone, placed, overview(placed))


def week_of(
    conn: sqlite3.Connection, user_ids: list[str], today: str, *, cache: bool = False
) -> dict[str, tuple[int, ...]]:
    """The tokens of some people on the seven days of the current week, Monday first; with the cache's if asked."""
    monday, sunday = window("weekly", today)
    names = [clock.shift(monday, n) for n in range(7)]
    found = {}
    for user_id in user_ids:
        by_day = store.week(conn, user_id, monday, sunday, cache=int(cache))
        found[user_id] = tuple(by_day.get(name, 0) for name in names)
    return found


def _all_time(conn: sqlite3.Connection, as_of: str) -> Iterator[Sums]:
    """Everybody's figures of all time as they stood when a day ended: the totals, less what came after it."""
    later = {each.id: each for each in store.sums(conn, clock.shift(as_of, 1), "9999-12-31")}
    for each in store.sums_of_all_time(conn):
        if each.id not in later:
            yield each
            continue
        rest = each.less(later[each.id])
        if rest.input + rest.output + rest.cache > 0:
            yield rest


def standings(conn: sqlite3.Connection, period: str, as_of: str, config: Config) -> list[Standing]:
    """Everybody's figures in the period that holds a day, as they stood when that day ended."""
    rows: Iterable[Sums]
    if period == "all_time":
        rows = _all_time(conn, as_of)
    else:
        first, _ = window(period, as_of)
        rows = store.sums(conn, first, as_of)
    streaks = store.streaks(conn, as_of, clock.shift(as_of, -1))
    seen = usage.last_activity(conn)
    found = []
    for each in rows:
        streak = streaks.get(each.id, 0)
        score = composite(each.input, each.output, each.sessions, streak, config.ranking)
        found.append(
            Standing(
                user_id=each.id,
                name=each.name,
                display=each.display,
                private=bool(each.private),
                joined_at=each.joined_at,
                input=each.input,
                output=each.output,
                cache=each.cache,
                sessions=each.sessions,
                streak=streak,
                score=score,
                rank=0,
                tied=False,
                value=score,
                last_at=seen.get(each.id, 0),
                before=None,
            )
        )
    return found


def boards_in(memory: dict[str, Any], db: Database, config: Config) -> "Boards":
    """The boards that a running box keeps in its memory."""
    boards: Boards = memory.setdefault("leaderboard", Boards(db, config))
    return boards


class Boards:
    """Boards kept in memory until the database changes or a day ends; each is computed once, however many ask."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._config = config
        self._boards: dict[tuple[str, str], tuple[int, Board]] = {}
        self._standings: dict[str, tuple[int, str, list[Standing]]] = {}
        self._yesterday: dict[tuple[str, str, str], tuple[float, dict[str, int]]] = {}
        self._lock = asyncio.Lock()

    async def get(self, period: str, metric: str, today: str) -> Board:
        """The board as of the last commit."""
        if (found := self._current(period, metric, today)) is not None:
            return found
        async with self._lock:
            if (found := self._current(period, metric, today)) is not None:
                return found
            version = self._db.version()
            made = await self._db.read(lambda conn: self._make(conn, period, metric, today, version))
            self._boards[period, metric] = version, made
            return made

    def _current(self, period: str, metric: str, today: str) -> Board | None:
        version, made = self._boards.get((period, metric), (-1, None))
        return made if made is not None and version == self._db.version() and made.today == today else None

    def _make(self, conn: sqlite3.Connection, period: str, metric: str, today: str, version: int) -> Board:
        """Work out a board; one version's standings serve all metrics."""
        until, before = self._yesterday.get((period, metric, today), (0.0, {}))
        if until < time.monotonic():
            before = places_yesterday(conn, period, metric, today=today, config=self._config)
            self._yesterday = {key: kept for key, kept in self._yesterday.items() if key[2] == today}
            self._yesterday[period, metric, today] = time.monotonic() + YESTERDAY_KEPT, before
        made_at, day, people = self._standings.get(period, (-1, "", []))
        if made_at != version or day != today:
            people = standings(conn, period, today, self._config)
            self._standings[period] = version, today, people
        return _board(people, period, metric, before, today, self._config)
