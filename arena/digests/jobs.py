"""The digests room's jobs."""

from arena.core.keyring import Keyring
from arena.core.letters import letterhead
from arena.core.work import Work
from arena.digests import actions


def send(work: Work) -> str:
    """Put last week's mail into the queue."""
    now = work.now()
    queued = actions.send_digests(
        work.db,
        config=work.config,
        head=letterhead(work.config, work.place),
        secret=Keyring(work.place.secret, work.now).newest,
        today=work.days.of(now),
        now=now,
    )
    return f"{queued} letters"
