"""When a job is to be run, and when again after it failed."""

from arena.core.clock import HOUR, MINUTE, Days
from arena.core.work import At, Hourly
from arena.operations.models import JobState

LEASE = 3 * MINUTE
"""Milliseconds for which a job belongs to whoever claimed it; they renew it each minute."""
LATE = 2 * HOUR


def is_due(state: JobState, when: At | Hourly, now: int, days: Days) -> bool:
    """Say whether a job's time has come and nobody runs it.

    A time or a lease that lies further ahead than any that is set now was set by a clock that was wrong: it counts as
    over.
    """
    if state.lease_ends_at is not None and now < state.lease_ends_at <= now + LEASE:
        return False
    return state.due_at is not None and not now < state.due_at <= when.after(now, days)


def again_at(attempts: int, share: float, regular: int, now: int) -> int:
    """When a job is tried again that failed so many times: after 1, 2, 4 ... 60 minutes, at its regular time at last.

    ``share`` is a random number from 0 to 1 and adds up to a quarter of the pause.
    """
    pause = min(MINUTE << min(attempts - 1, 10), HOUR)
    return min(regular, now + round(pause * (1 + share / 4)))


def is_late(state: JobState, now: int) -> bool:
    """Say whether a job should have run long ago, and nobody so much as tried."""
    return state.due_at is not None and state.due_at < now - LATE and state.claim is None and state.attempts == 0


def outcomes(state: JobState) -> tuple[tuple[str, int], ...]:
    """How many runs of a job ended in each way."""
    return ("done", state.done), ("failed", state.failed)
