"""The backups room's jobs."""

from arena.backups.actions import keeping
from arena.core.work import Work


def run(work: Work) -> str:
    """Write a backup, and let old ones go."""
    return keeping.run(work.place, work.config.backups, work.now()).name


def copy(work: Work) -> str | None:
    """Bring the bucket up to what is kept here."""
    sent = keeping.copy(work.place, work.config.backups, work.now())
    return ", ".join(each.name for each in sent) or None
