"""The usage room's jobs."""

from arena.core.work import Work
from arena.usage.actions import costs, retention


def price(work: Work) -> str:
    """Give usage the prices that are known, and look for models that have none."""
    moved, unknown = costs.check_prices(work.db, days=work.days, now=work.now())
    return f"{moved} records cost something else, {len(unknown)} models have no price"


def retain(work: Work) -> str | None:
    """Let go what is older than it is kept."""
    gone = retention.retain(work.db, work.config.retention, days=work.days, now=work.now())
    told = ", ".join(f"{count:,} {table}" for table, count in gone.rows.items())
    return f"{told} in {gone.writes:,} writes" if told else None
