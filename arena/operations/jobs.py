"""The operations room's jobs."""

from arena.core.work import Work
from arena.operations.actions import jobs


def optimise(work: Work) -> str:
    """Renew the planner's figures, and forget old runs."""
    return f"{jobs.optimise(work.db, work.now())} old runs"
