"""The operations room's jobs."""

from arena.backups.actions.files import damage_of
from arena.core.work import Work
from arena.operations.actions import jobs


def optimise(work: Work) -> str:
    """Renew the planner's figures, and forget old runs."""
    return f"{jobs.optimise(work.db, work.now())} old runs"


def check(work: Work) -> str:
    """Read the whole database and see that it makes sense."""
    if found := damage_of(work.place.database):
        raise RuntimeError(f"The database is damaged: {found}.")
    return "sound"
