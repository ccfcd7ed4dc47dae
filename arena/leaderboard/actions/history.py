"""Tell how places moved from period to period: a person's, and the podium's of each season."""

import sqlite3
from collections import defaultdict

from arena.core import clock
from arena.leaderboard import store
from arena.leaderboard.models import Board, History, Medal, Placed, Season
from arena.leaderboard.rules import ENDING, window

SHOWN = {"daily": 30, "weekly": 15, "monthly": 12}
"""Periods that are over, beside the one that runs."""
PODIUM = 3
EVER = 10_000


def history(conn: sqlite3.Connection, user_id: str, period: str) -> History:
    """A person's places by score in the last days, weeks or months, and their best one."""
    places = store.places(conn, user_id, period, SHOWN[period])
    return History(period, tuple(reversed(places)), store.best_place(conn, user_id, period))


def histories(conn: sqlite3.Connection, user_id: str) -> dict[str, History]:
    """All of these, by kind of period."""
    return {period: history(conn, user_id, period) for period in ENDING}


def seasons(conn: sqlite3.Connection, running: Board, user_id: str | None) -> list[Season]:
    """Every month from the first record on, the latest first, and the person's place in each.

    ``running`` is the board of this month by score. One that is over and not frozen yet has no podium.
    """
    frozen = {each.start: each for each in store.periods(conn, "monthly") if each.is_whole}
    medals: dict[str, list[Medal]] = defaultdict(list)
    for medal in store.medals(conn):
        medals[medal.start].append(medal)
    mine = {each.start: each for each in store.places(conn, user_id, "monthly", EVER)} if user_id else {}
    found = [_running(running, user_id)]
    start, end = window("monthly", clock.shift(running.start, -1))
    while running.oldest and start >= running.oldest:
        known = frozen.get(start)
        state = "ended" if known is None else "open" if known.final_at is None else "final"
        podium = tuple(medals[start][:PODIUM])
        found.append(Season(start, end, state, known.people if known else 0, podium, mine.get(start)))
        start, end = window("monthly", clock.shift(start, -1))
    return found


def _running(board: Board, user_id: str | None) -> Season:
    first = [
        Medal(board.start, each.user_id, each.name, each.display, each.private, each.rank, each.score)
        for each in board.standings[:PODIUM]
    ]
    people = len(board.standings)
    mine = next((each for each in board.standings if each.user_id == user_id), None)
    place = Placed(board.start, mine.rank, people, mine.score) if mine else None
    return Season(board.start, board.end, "running", people, tuple(first), place)
