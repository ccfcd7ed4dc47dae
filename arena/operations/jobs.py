"""Every job of the box under its stable name, and when it runs: one table."""

import sqlite3
from collections.abc import Callable
from functools import partial, wraps

from huey import Huey, crontab
from msgspec import Struct

from arena.accounts.actions.people import tidy
from arena.audit.actions import prune
from arena.backups.actions.keeping import run as run_backups
from arena.core.config import Config, Place
from arena.core.db import Database
from arena.operations import store
from arena.operations.models import JobRun


class Job(Struct, frozen=True):
    """When a job runs, UTC, and what it does."""

    name: str
    does: str
    minute: int
    hour: int | None = None
    """None for every hour."""

    @property
    def when(self) -> str:
        """When it runs, in words."""
        if self.hour is None:
            return f"every hour at :{self.minute:02}"
        return f"every day at {self.hour:02}:{self.minute:02}"


def schedule(config: Config) -> tuple[Job, ...]:
    """Every job, and when it runs."""
    jobs = (
        Job("arena.accounts.tidy", "takes web sessions, links and codes away that are over", 17),
        Job("arena.audit.prune", "takes the oldest rows of the security log away", 0, 2),
        Job("arena.operations.optimise", "renews the figures by which queries are planned", 41, 3),
    )
    if config.backups.every == "off":
        return jobs
    hour = None if config.backups.every == "hour" else 0
    return *jobs, Job("arena.backups.run", "writes a backup, and lets old ones go", 7, hour)


def register(queue: Huey, db: Database, config: Config, place: Place, now: Callable[[], int]) -> None:
    """Tell the queue its tasks, and to touch a file each minute, so that everybody sees that the worker lives."""

    def tidy_accounts() -> None:
        tidy(db, now())

    def prune_audit() -> None:
        prune(db, days=config.retention.audit_days, now=now())

    def back_up() -> None:
        run_backups(place, config.backups, now())

    def optimise() -> None:
        db.write_sync(_optimise)

    work = {
        "arena.accounts.tidy": tidy_accounts,
        "arena.audit.prune": prune_audit,
        "arena.operations.optimise": optimise,
        "arena.backups.run": back_up,
    }
    for job in schedule(config):
        when = crontab(minute=str(job.minute), hour="*" if job.hour is None else str(job.hour))
        queue.periodic_task(when, name=job.name)(_noted(job.name, work[job.name], db, now))
    queue.periodic_task(crontab(), name="arena.operations.beat")(place.beat.touch)


def _noted(name: str, do: Callable[[], None], db: Database, now: Callable[[], int]) -> Callable[[], None]:
    """Write down when a job ran, and what went wrong."""

    @wraps(do)
    def run() -> None:
        started, problem = now(), ""
        try:
            do()
        except Exception as failure:
            problem = f"{type(failure).__name__}: {failure}"[:200]
            raise
        finally:
            db.write_sync(partial(store.put_run, run=JobRun(name, started, now(), problem)))

    return run


def _optimise(conn: sqlite3.Connection) -> None:
    """Let SQLite renew the figures by which it plans queries (it decides itself whether that is due)."""
    conn.execute("PRAGMA optimize")
