"""Look at the box and the machine it is on."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import arena
from arena.accounts import rules as accounts_rules
from arena.accounts import store as accounts
from arena.backups.actions.keeping import copied_at
from arena.core import clock, sqlite
from arena.core.config import Place
from arena.core.db import Database
from arena.core.errors import Unavailable
from arena.deliveries import store as deliveries
from arena.operations import store
from arena.operations.models import Facts
from arena.prices import store as prices

STRANDED = 6
"""How many people without a way in are named at the most."""


def facts(conn: sqlite3.Connection, *, place: Place, now: int) -> Facts:
    """See what can be seen of a box, whether it is served just now or not. Takes a few milliseconds."""
    is_demo = (place.data / "demo").exists()
    admins, seen_at = accounts.admins_seen(conn)
    return Facts(
        version=arena.__version__,
        sqlite=sqlite.VERSION,
        journal=sqlite.JOURNAL,
        database_size=size(place.database),
        log_size=size(Path(f"{place.database}-wal")),
        queue_size=size(place.data / "queue.db"),
        disk_free=shutil.disk_usage(place.data).free,
        clock_off=_clock_off(place.data, now),
        readable=[str(path) for path in (place.data, place.secret, place.database) if _is_readable(path)],
        zone=place.zone.read_text().strip() if place.zone.exists() else "",
        prices_of=max((version.as_of for version in prices.versions(conn)), default=""),
        is_served=is_served(place.data),
        started_at=changed_at(place.address),
        beat_at=changed_at(place.beat),
        copied_at=copied_at(place),
        jobs=store.jobs(conn),
        runs=store.last_runs(conn),
        admins=admins,
        admin_seen_at=seen_at,
        admin_links=accounts.open_admin_links(conn, now),
        unused_keys=accounts.unused_keys(conn, now - accounts_rules.UNUSED),
        waiting_since=deliveries.oldest(conn),
        stranded=[] if is_demo else accounts.people_without_a_way_in(conn, now, STRANDED),
    )


def size(path: Path) -> int:
    """Tell how large a file is; 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def _is_readable(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o077)


def changed_at(path: Path) -> int | None:
    """Tell when a file was changed last, if there is one."""
    return path.stat().st_mtime_ns // 1_000_000 if path.exists() else None


def _clock_off(folder: Path, now: int) -> int:
    """By how much the file system dates a new file otherwise than the machine; 0 where none can be made."""
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=folder, prefix=".clock.") as made:
        return os.fstat(made.fileno()).st_mtime_ns // 1_000_000 - now
    return 0


def is_served(data: Path) -> bool:
    """Say whether `arena serve` holds the folder."""
    try:
        handle = os.open(data / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


FULL = 1 << 20
"""Bytes of room below which nothing is relied on to be stored."""
FRESH = 1_000
"""Milliseconds for which what was seen is told again."""


class Readiness:
    """Whether a box can do its work. It is looked at once a second, however many ask, and never twice at a time."""

    def __init__(self, db: Database, place: Place) -> None:
        self._db, self._place = db, place
        self._looking = asyncio.Lock()
        self._seen: tuple[str, ...] = ()
        self._until = 0

    async def reasons(self) -> tuple[str, ...]:
        """What stands in the way of reading and writing, if anything does."""
        async with self._looking:
            if clock.ticks() >= self._until:
                self._seen = tuple([reason async for reason in self._look()])
                self._until = clock.ticks() + FRESH
        return self._seen

    async def _look(self) -> AsyncIterator[str]:
        if problem := await asyncio.to_thread(_unwritable, self._place.data):
            yield problem
        try:
            await self._db.write(store.hold)
            await self._db.read(store.look)
        except Unavailable as problem:
            yield problem.sentence


def _unwritable(folder: Path) -> str:
    """Why nothing can be written into a folder; empty if it can."""
    try:
        if shutil.disk_usage(folder).free < FULL:
            return "the disk of the data folder is full"
        with tempfile.TemporaryFile(dir=folder, prefix=".ready.") as made:
            made.write(b"ready")
    except OSError as problem:
        return f"the data folder cannot be written ({problem.strerror})"
    return ""
