"""Gather a person's figures in one snapshot."""

import sqlite3

from arena.core import clock
from arena.profiles.models import Facts
from arena.projects import store as projects
from arena.usage import store as usage
from arena.usage.models import UserTotals


def facts(conn: sqlite3.Connection, user_id: str, today: str) -> Facts:
    """Read it all, a year of days back."""
    return Facts(
        totals=usage.user_totals(conn, user_id) or UserTotals(),
        days=usage.days(conn, user_id, clock.shift(today, -364), today),
        longest_streak=usage.longest_streak(conn, user_id),
        models=usage.models_of_user(conn, user_id),
        quarters=usage.instants_of_user(conn, user_id),
        sessions=usage.sessions_of_user(conn, user_id),
        cache=usage.cache_of_user(conn, user_id),
        passed=projects.passed(conn, user_id),
    )
