"""Compute boards from the daily rows: a stored record is on the board at the next read."""

import asyncio
import sqlite3
import time
from collections.abc import Hashable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from arena.core import clock
from arena.core.clock import Days
from arena.core.config import Config
from arena.core.db import Database
from arena.core.errors import Invalid, NotFound
from arena.leaderboard import store
from arena.leaderboard.models import EVERYONE, Board, Past, Period, Scope, Standing, Sums
from arena.leaderboard.rules import ENDING, composite, final_from, on_board, overview, place, window
from arena.teams import store as teams
from arena.teams.models import Team
from arena.usage import store as usage
from arena.usage.models import TOOL_BY_ID, TOOLS, Tool

YESTERDAY_KEPT = 15.0
"""Seconds for which the places at the end of yesterday are not worked out again: only history that arrives late can
move them. Today's places are never older than the last commit."""

PAST_KEPT = 8
"""Boards of other periods in memory: they are endless, and read for a moment."""


def board(
    conn: sqlite3.Connection, period: str, metric: str, *, today: str, config: Config, scope: Scope = EVERYONE
) -> Board:
    """Rank a scope's people in the calendar period that holds today, with their places at the end of yesterday."""
    before = places_yesterday(conn, period, metric, today=today, config=config, scope=scope)
    people = standings(conn, period, today, config, scope.tool)
    placed = place(on_board(people, scope, metric), metric, before)
    return _board(conn, placed, period, metric, today, today, config, scope)


def places_yesterday(
    conn: sqlite3.Connection, period: str, metric: str, *, today: str, config: Config, scope: Scope = EVERYONE
) -> dict[str, int]:
    """Everybody's place at the end of yesterday, on the board of the period that holds yesterday."""
    placed = _placed(conn, period, clock.shift(today, -1), metric, None, config, scope)
    return {each.user_id: each.rank for each in placed}


def board_of(
    conn: sqlite3.Connection,
    period: str,
    start: str,
    metric: str,
    *,
    today: str,
    config: Config,
    scope: Scope = EVERYONE,
) -> Board:
    """Rank a scope's people in a day, week or month that has begun, with their places at the end of the one before."""
    end = window(period, start)[1]
    earlier = _placed(conn, period, clock.shift(start, -1), metric, None, config, scope)
    before = {each.user_id: each.rank for each in earlier}
    placed = _placed(conn, period, min(end, today), metric, before, config, scope)
    frozen = store.period(conn, period, start) if end < today else None
    return msgspec.structs.replace(
        _board(conn, placed, period, metric, start, today, config, scope),
        then="before",
        is_over=end < today,
        is_final=frozen is not None and frozen.final_at is not None,
        final_from=_final_from(frozen, config) if frozen else "",
    )


def _placed(
    conn: sqlite3.Connection,
    period: str,
    as_of: str,
    metric: str,
    before: dict[str, int] | None,
    config: Config,
    scope: Scope,
) -> tuple[Standing, ...]:
    """Everybody in the period that holds a day, as it stood when that day ended: as it was frozen, if it was.

    A team's places are of its own people, by figures that are frozen. Single tools are not frozen.
    """
    start, end = window(period, as_of)
    there = store.period(conn, period, start) if end == as_of and scope.tool is None else None
    if there is None or not there.is_whole:
        people = standings(conn, period, as_of, config, scope.tool)
        return place(on_board(people, scope, metric), metric, before)
    rows = store.past(conn, period, start)
    people = _past(rows, teams.team_of_everybody(conn))
    ranks = {row.id: row.rank(metric) for row in rows} if scope.team is None else None
    return place(on_board(people, scope, metric), metric, before, ranks)


def _past(rows: Iterable[Past], team_of: dict[str, Team]) -> list[Standing]:
    return [
        Standing(
            user_id=row.id,
            name=row.name,
            display=row.display,
            private=bool(row.private),
            joined_at=row.joined_at,
            input=row.input,
            output=row.output,
            cache=row.cache,
            sessions=row.sessions,
            streak=row.streak,
            score=row.score,
            rank=0,
            tied=False,
            value=row.score,
            last_at=0,
            before=None,
            cost=row.cost,
            unpriced=row.unpriced,
            team=team_of.get(row.id),
            projects=row.projects,
        )
        for row in rows
    ]


def _final_from(frozen: Period, config: Config) -> str:
    if not frozen.is_whole or frozen.frozen_at is None:
        return ""
    days = Days(config.arena.time_zone)
    return final_from(days.of(frozen.frozen_at), config.ranking.late_days)


def _oldest(conn: sqlite3.Connection, period: str) -> str:
    """The first day of the oldest such period of which there are daily rows or a frozen ranking."""
    if period not in ENDING:
        return ""
    first = store.first_day(conn)
    known = [window(period, first)[0] if first else None, store.oldest(conn, period)]
    return min(filter(None, known), default="")


def _tools(conn: sqlite3.Connection, scope: Scope) -> tuple[Tool, ...]:
    return tuple(tool for tool in TOOLS if tool == scope.tool or usage.is_used(conn, tool.number))


def find_scope(conn: sqlite3.Connection, *, tool: str, team: str) -> Scope:
    """The scope with this tool (by id) and this team (by slug); an empty text means all.

    Raises `Invalid` for a tool that is none, `NotFound` for a team that is not there (any more).
    """
    if tool and tool not in TOOL_BY_ID:
        raise Invalid(f"tool: must be one of {', '.join(TOOL_BY_ID)}", {"errors": {"tool": ["is not a tool"]}})
    found = teams.team_by_slug(conn, team) if team else None
    if team and found is None:
        raise NotFound("There is no team at this address; it may have another name now.")
    return Scope(TOOL_BY_ID[tool] if tool else None, found)


def _board(
    conn: sqlite3.Connection,
    placed: tuple[Standing, ...],
    period: str,
    metric: str,
    day: str,
    today: str,
    config: Config,
    scope: Scope,
) -> Board:
    """The board of the period that holds a day, of people in their places."""
    first, last = window(period, day)
    return Board(
        period=period,
        metric=metric,
        start=first,
        end=last,
        today=today,
        zone=config.arena.time_zone,
        standings=placed,
        overview=overview(placed),
        scope=scope,
        tools=_tools(conn, scope),
        teams=tuple(teams.teams(conn)),
        oldest=_oldest(conn, period),
    )


def week_of(
    conn: sqlite3.Connection, user_ids: list[str], today: str, *, cache: bool = False, tool: Tool | None = None
) -> dict[str, tuple[int, ...]]:
    """The tokens of some people on the seven days of the current week, Monday first; with the cache's if asked."""
    monday, sunday = window("weekly", today)
    names = [clock.shift(monday, n) for n in range(7)]
    found = {}
    for user_id in user_ids:
        if tool is None:
            by_day = store.week(conn, user_id, monday, sunday, cache=int(cache))
        else:
            by_day = store.week_of_tool(conn, user_id, tool.number, monday, sunday, cache=int(cache))
        found[user_id] = tuple(by_day.get(name, 0) for name in names)
    return found


def _all_time(totals: list[Sums], after: list[Sums]) -> Iterator[Sums]:
    """Everybody's figures of all time as they stood when a day ended: the totals, less what came after it."""
    later = {each.id: each for each in after}
    for each in totals:
        if each.id not in later:
            yield each
            continue
        rest = each.less(later[each.id])
        if rest.input + rest.output + rest.cache > 0:
            yield rest


def _sums(conn: sqlite3.Connection, period: str, as_of: str, tool: Tool | None) -> Iterable[Sums]:
    """What everybody used in the period that holds a day, up to it: of everything, or of one tool."""
    sums = store.sums if tool is None else partial(store.sums_of_tool, tool=tool.number)
    if period != "all_time":
        return sums(conn, first=window(period, as_of)[0], last=as_of)
    after = sums(conn, first=clock.shift(as_of, 1), last="9999-12-31")
    if tool is None:
        return _all_time(store.sums_of_all_time(conn), after)
    return _all_time(store.sums_of_tool_of_all_time(conn, tool.number), after)


def _projects(conn: sqlite3.Connection, period: str, as_of: str, config: Config) -> dict[str, int]:
    """What everybody's passed projects came to in the period that holds a day, as it stood when that day ended."""
    days, first = Days(config.arena.time_zone), window(period, as_of)[0]
    return store.project_scores(conn, days.begin(first) if first else 0, days.begin(clock.shift(as_of, 1)))


def standings(
    conn: sqlite3.Connection, period: str, as_of: str, config: Config, tool: Tool | None = None
) -> list[Standing]:
    """Everybody's figures in the period that holds a day, as they stood when that day ended.

    With a tool, everything is of that tool alone, the streak too; but projects have no tool. Teams are those of now.
    Whoever has a project that passed is among them, even if they used nothing.
    """
    day_before = clock.shift(as_of, -1)
    if tool is None:
        streaks = store.streaks(conn, as_of, day_before)
    else:
        streaks = store.streaks_of_tool(conn, tool.number, as_of, day_before)
    seen = usage.last_activity(conn)
    team_of = teams.team_of_everybody(conn)
    projects = _projects(conn, period, as_of, config)
    people = list(_sums(conn, period, as_of, tool))
    others = projects.keys() - {each.id for each in people} if projects else ()
    found = []
    for each in (*people, *filter(None, (store.without_usage(conn, id) for id in others))):
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
                cost=each.cost,
                unpriced=each.unpriced,
                team=team_of.get(each.id),
                projects=projects.get(each.id, 0),
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
        self._boards: dict[tuple[str, str, Scope], tuple[int, Board]] = {}
        self._standings: dict[tuple[str, Tool | None], tuple[int, str, list[Standing]]] = {}
        self._yesterday: dict[Hashable, tuple[float, str, dict[str, int]]] = {}
        self._past: dict[tuple[str, str, str, Scope], tuple[int, Board]] = {}
        self._lock = asyncio.Lock()
        self._past_lock = asyncio.Lock()

    async def get(self, period: str, metric: str, today: str, scope: Scope = EVERYONE) -> Board:
        """The board as of the last commit."""
        if (found := self._current(period, metric, today, scope)) is not None:
            return found
        async with self._lock:
            if (found := self._current(period, metric, today, scope)) is not None:
                return found
            version = self._db.version()
            made = await self._db.read(lambda conn: self._make(conn, period, metric, today, version, scope))
            # Boards of teams are many: those of an older version go.
            self._boards = {key: kept for key, kept in self._boards.items() if kept[0] == version}
            self._boards[period, metric, scope] = version, made
            return made

    async def get_of(self, period: str, start: str, metric: str, today: str, scope: Scope = EVERYONE) -> Board:
        """The board of a day, week or month that has begun, against the one before it, as of the last commit."""
        key = period, start, metric, scope
        async with self._past_lock:
            version = self._db.version()
            self._past = {other: kept for other, kept in self._past.items() if kept[0] == version}
            kept = self._past.pop(key, None)
            if kept is None or kept[1].today != today:
                made = await self._db.read(
                    lambda conn: board_of(conn, period, start, metric, today=today, config=self._config, scope=scope)
                )
                kept = version, made
            self._past[key] = kept  # the last asked for is the last to go
            while len(self._past) > PAST_KEPT:
                del self._past[next(iter(self._past))]
            return kept[1]

    def _current(self, period: str, metric: str, today: str, scope: Scope) -> Board | None:
        version, made = self._boards.get((period, metric, scope), (-1, None))
        return made if made is not None and version == self._db.version() and made.today == today else None

    def _make(
        self, conn: sqlite3.Connection, period: str, metric: str, today: str, version: int, scope: Scope
    ) -> Board:
        """Work out a board; one version's standings serve all metrics and teams."""
        made_at, day, people = self._standings.get((period, scope.tool), (-1, "", []))
        if made_at != version or day != today:
            people = standings(conn, period, today, self._config, scope.tool)
            self._standings = {key: kept for key, kept in self._standings.items() if kept[0] == version}
            self._standings[period, scope.tool] = version, today, people
        before = self._places_yesterday(conn, period, metric, today, scope)
        placed = place(on_board(people, scope, metric), metric, before)
        return _board(conn, placed, period, metric, today, today, self._config, scope)

    def _places_yesterday(
        self, conn: sqlite3.Connection, period: str, metric: str, today: str, scope: Scope
    ) -> dict[str, int]:
        # Whoever joins or leaves a team moves its places of yesterday at once.
        members = frozenset(teams.members(conn, scope.team.id)) if scope.team else None
        key = period, metric, scope, members
        until, day, before = self._yesterday.get(key, (0.0, "", {}))
        if until < time.monotonic() or day != today:
            before = places_yesterday(conn, period, metric, today=today, config=self._config, scope=scope)
            now = time.monotonic()
            self._yesterday = {
                other: kept for other, kept in self._yesterday.items() if kept[0] >= now and kept[1] == today
            }
            self._yesterday[key] = now + YESTERDAY_KEPT, today, before
        return before
