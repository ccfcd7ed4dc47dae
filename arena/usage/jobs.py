"""The usage room's jobs."""

from arena.core.work import Work
from arena.usage.actions import costs


def price(work: Work) -> str:
    """Give usage the prices that are known, and look for models that have none."""
    moved, unknown = costs.check_prices(work.db, days=work.days, now=work.now())
    return f"{moved} records cost something else, {len(unknown)} models have no price"
