"""Every job of the box under its stable name, and when it runs: one table."""

import sqlite3
from collections.abc import Callable

from huey import Huey, crontab

from arena.accounts.actions.people import tidy
from arena.audit.actions import prune
from arena.backups.actions import run as run_backups
from arena.core.config import Config, Place
from arena.core.db import Database


def register(queue: Huey, db: Database, config: Config, place: Place, now: Callable[[], int]) -> None:
    """Tell the queue its tasks. Times are UTC, as huey counts them."""

    def tidy_accounts() -> None:
        tidy(db, now())

    def prune_audit() -> None:
        prune(db, days=config.retention.audit_days, now=now())

    def back_up() -> None:
        run_backups(place, config.backups, now())

    def optimise() -> None:
        db.write_sync(_optimise)

    for name, job, when in (
        ("arena.accounts.tidy", tidy_accounts, crontab(minute="17")),
        ("arena.audit.prune", prune_audit, crontab(hour="2", minute="0")),
        ("arena.operations.optimise", optimise, crontab(hour="3", minute="41")),
    ):
        queue.periodic_task(when, name=name)(job)
    if config.backups.every != "off":
        hour = "*" if config.backups.every == "hour" else "0"
        queue.periodic_task(crontab(hour=hour, minute="7"), name="arena.backups.run")(back_up)


def _optimise(conn: sqlite3.Connection) -> None:
    """Let SQLite renew the figures by which it plans queries (it decides itself whether that is due)."""
    conn.execute("PRAGMA optimize")
