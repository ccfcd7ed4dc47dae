"""The deliveries room's jobs."""

from arena.core.work import Work
from arena.deliveries import actions


def send(work: Work) -> None:
    """Send what is due. Doors call for it; the timetable does so too, in case that was lost."""
    actions.send_waiting(work.db, work.config, work.now)


def prune(work: Work) -> str:
    """Forget old messages."""
    return f"{actions.prune(work.db, days=work.config.retention.delivery_days, now=work.now())} rows"
