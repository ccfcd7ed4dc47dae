"""Gather a person's figures in one snapshot."""

import sqlite3
from collections.abc import Iterable

from arena.core import clock
from arena.leaderboard.actions.history import histories
from arena.profiles.models import Facts
from arena.projects import store as projects
from arena.usage import store as usage
from arena.usage.models import Habits, UserTotals


def facts(conn: sqlite3.Connection, user_id: str, today: str) -> Facts:
    """Read it all, a year of days back."""
    return Facts(
        totals=usage.user_totals(conn, user_id) or UserTotals(),
        days=usage.days(conn, user_id, clock.shift(today, -364), today),
        longest_streak=usage.longest_streak(conn, user_id),
        models=usage.models_of_user(conn, user_id),
        quarters=usage.instants_of_user(conn, user_id),
        sessions=usage.open_sessions_of_user(conn, user_id),
        habits=_sum(usage.habits(conn, user_id).values()),
        cache=usage.cache_of_user(conn, user_id),
        passed=projects.passed(conn, user_id),
        ranks=histories(conn, user_id),
    )


def _sum(parts: Iterable[Habits]) -> Habits:
    whole = Habits()
    for each in parts:
        whole.add(each)
    return whole
