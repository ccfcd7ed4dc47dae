"""Compute boards from the daily rows: a stored record is on the board at the next read."""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from arena.core import clock
from arena.core.config import Config
from arena.core.db import Database
from arena.leaderboard import store
from arena.leaderboard.models import Board, Standing, Sums
from arena.leaderboard.rules import composite, place, window
from arena.usage import store as usage


def board(conn: sqlite3.Connection, period: str, metric: str, *, today: str, config: Config) -> Board:
    """Rank everybody in the calendar period that holds today, with the places they had at the end of yesterday."""
    yesterday = clock.shift(today, -1)
    standings = _standings(conn, period, today, config)
    earlier = place(_standings(conn, period, yesterday, config), metric, None)
    before = {each.user_id: each.rank for each in earlier}
    first, last = window(period, today)
    return Board(
        period=period,
        metric=metric,
        start=first,
        end=last,
        today=today,
        zone=config.arena.time_zone,
        standings=place(standings, metric, before),
    )


def week_of(conn: sqlite3.Connection, user_ids: list[str], today: str) -> dict[str, tuple[int, ...]]:
    """The tokens of some people on the seven days of the current week, Monday first."""
    monday, sunday = window("weekly", today)
    names = [clock.shift(monday, n) for n in range(7)]
    found = {}
    for user_id in user_ids:
        by_day = store.week(conn, user_id, monday, sunday)
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


def _standings(conn: sqlite3.Connection, period: str, as_of: str, config: Config) -> list[Standing]:
    """Everybody's figures in the period that holds a day, as they stood when that day ended."""
    rows: Iterable[Sums]
    if period == "all_time":
        rows = _all_time(conn, as_of)
    else:
        first, _ = window(period, as_of)
        rows = store.sums(conn, first, as_of)
    streaks = store.streaks(conn, as_of, clock.shift(as_of, -1))
    seen = usage.last_activity(conn)
    standings = []
    for each in rows:
        streak = streaks.get(each.id, 0)
        score = composite(each.input, each.output, each.sessions, streak, config.ranking)
        standings.append(
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
    return standings


def boards_in(memory: dict[str, Any], db: Database, config: Config) -> "Boards":
    """The boards that a running box keeps in its memory."""
    boards: Boards = memory.setdefault("leaderboard", Boards(db, config))
    return boards


class Boards:
    """Boards kept in memory until the database changes or a day ends; each is computed once, however many ask."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._config = config
        self._kept: dict[tuple[str, str], tuple[int, str, Board]] = {}
        self._lock = asyncio.Lock()

    async def get(self, period: str, metric: str, today: str) -> Board:
        """The board as of the last commit."""
        key = period, metric
        if (found := self._current(key, today)) is not None:
            return found
        async with self._lock:
            if (found := self._current(key, today)) is not None:
                return found
            version = self._db.version()
            made = await self._db.read(lambda conn: board(conn, period, metric, today=today, config=self._config))
            self._kept[key] = version, today, made
            return made

    def _current(self, key: tuple[str, str], today: str) -> Board | None:
        version, day, made = self._kept.get(key, (-1, "", None))
        return made if made is not None and version == self._db.version() and day == today else None
