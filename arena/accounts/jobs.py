"""The accounts room's jobs."""

from arena.accounts.actions import notices, people
from arena.core.letters import letterhead
from arena.core.work import Work


def tidy(work: Work) -> str:
    """Take away what is over."""
    return f"{people.tidy(work.db, work.now())} rows"


def notify(work: Work) -> str | None:
    """Mail what happened to accounts to their people."""
    head = letterhead(work.config, work.place)
    mailed = notices.send_notices(work.db, head=head, now=work.now())
    return f"{mailed} letters" if mailed else None
