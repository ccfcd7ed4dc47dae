"""The job that judges projects: the web wakes it, the worker does it, and looks by itself in case nobody woke it."""

from collections.abc import Callable
from typing import Any

from huey import Huey, crontab

from arena.core.clock import Days
from arena.core.config import LLM
from arena.core.db import Database
from arena.projects.actions.judging import LEASE, evaluate_waiting

NAME = "arena.projects.evaluate"


def register(queue: Huey, db: Database, settings: LLM, days: Days, now: Callable[[], int]) -> None:
    """Tell the worker's queue the job; look at once what an earlier worker left, and again when its leases are over."""

    def evaluate() -> None:
        evaluate_waiting(db, settings, days, now)

    task = queue.task(name=NAME)(evaluate)
    queue.periodic_task(crontab(), name="arena.projects.sweep")(evaluate)
    if settings.provider:
        task()
        task.schedule(delay=LEASE // 1000 + 1)


def waker(queue: Huey) -> Callable[[], Any]:
    """What lets the worker know that a project waits. (The queue is a file: call it off the event loop.)"""

    def evaluate() -> None:
        raise NotImplementedError("the worker does this")

    wake: Callable[[], Any] = queue.task(name=NAME)(evaluate)
    return wake
