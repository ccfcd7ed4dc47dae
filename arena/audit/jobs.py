"""The audit room's jobs."""

from arena.audit import actions
from arena.core.work import Work


def prune(work: Work) -> str:
    """Take away what is older than it is to be kept."""
    return f"{actions.prune(work.db, days=work.config.retention.audit_days, now=work.now())} rows"
