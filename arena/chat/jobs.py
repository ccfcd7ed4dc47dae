"""The chat room's jobs."""

from arena.chat.actions import events as actions
from arena.chat.models import Teller
from arena.core.clock import MINUTE
from arena.core.work import Work

EVERY = 5
"""Minutes between two looks: boards of many people are not worked out each minute."""


def watch(work: Work) -> str | None:
    """Tell of new leaders, of budgets, and of jobs that fail."""
    teller = _teller(work)
    if teller.now // MINUTE % EVERY:
        return None
    today = work.days.of(teller.now)
    told = actions.tell_leaders(work.db, teller, today) + actions.tell_budgets(work.db, teller, today)
    told += actions.tell_ailing(work.db, teller)
    return f"{told} messages" if told else None


def tell_week(work: Work) -> str | None:
    """Tell how the last week ended."""
    teller = _teller(work)
    told = actions.tell_week(work.db, teller, work.days.of(teller.now))
    return f"{told} messages" if told else None


def _teller(work: Work) -> Teller:
    return Teller(work.config, work.place.reached_at(work.config.server), work.now())
