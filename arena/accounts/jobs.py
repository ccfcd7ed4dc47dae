"""The accounts room's jobs."""

from arena.accounts.actions import people
from arena.core.work import Work


def tidy(work: Work) -> str:
    """Take away what is over."""
    return f"{people.tidy(work.db, work.now())} rows"
