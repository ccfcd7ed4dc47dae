"""What a profile is made of."""

from msgspec import Struct

from arena.leaderboard.models import History
from arena.usage.models import Day, Habits, StoredSession, UserTotals


class Facts(Struct, frozen=True):
    """What the database knows of a person's usage: of models, hours and sessions what is open, and what closed ones
    add up to (``habits``)."""

    totals: UserTotals
    days: list[Day]
    longest_streak: int
    models: list[tuple[str, int, int]]
    quarters: list[tuple[int, int]]
    sessions: list[StoredSession]
    habits: Habits
    cache: tuple[int, int]
    passed: int = 0
    """Projects that passed."""
    ranks: dict[str, History] = {}
    """How their place moved, by kind of period."""
