"""Set passwords, and hash them without holding anybody up."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from arena.accounts import rules, store
from arena.accounts.actions import guesses
from arena.accounts.actions.people import refuse, with_id
from arena.accounts.models import Device
from arena.audit.actions import note, seldom
from arena.audit.models import Caller
from arena.audit.rules import Tally
from arena.core import ids
from arena.core.db import Database
from arena.core.errors import Conflict, Unavailable

T = TypeVar("T")
HASHING = ThreadPoolExecutor(2, thread_name_prefix="arena-password")
"""Two hashes at once, 64 MiB each: a crowd that signs in waits its turn and cannot fill the memory."""
QUEUE = 100
"""Hashes that wait their turn at the most: about six seconds' worth, then browsers would give up anyway."""

_waiting = 0


def refuse_crowd() -> None:
    """Raise `Unavailable` while as many passwords as may be wait to be looked at; ask before anything is counted."""
    if _waiting >= QUEUE:
        raise Unavailable(
            "Too many people sign in just now. Nothing was changed; try again in a moment.", retry_after=5
        )


async def slowly(fn: Callable[[], T]) -> T:
    """Run a hash in its own thread, when its turn comes."""
    global _waiting  # noqa: PLW0603
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(HASHING, fn)
    finally:
        _waiting -= 1


async def set_password(
    db: Database,
    *,
    user_id: str,
    current: str,
    new: str,
    keep: str | None,
    secret: str,
    tally: Tally,
    caller: Caller,
    now: int,
    device: Device | None = None,
    still: Callable[[sqlite3.Connection], None] = lambda _: None,
) -> None:
    """Give somebody who is signed in a new password; whoever has one must know it.

    Their web sessions end, but for the one whose token is ``keep``, and so do sign-in links. A wrong current password
    counts as a wrong guess at a sign-in (see `guesses`). Raises `NotFound`, `TooMany`, `Conflict` when the password
    changed meanwhile, and `Invalid` with the sentences by field. ``still`` raises in the write if they may no more.
    """
    person = db.glance(partial(with_id, id=user_id))
    found = db.glance(partial(store.password_by_name, username=person.name))
    stored = found.hash if found else None
    refuse(new=rules.password_problem(new, person.name))
    refuse_crowd()
    begun = []
    if stored is not None:
        known = device.id if device and rules.is_known(device, user_id, stored) else None
        counters = rules.password_counters(secret, person.name, caller.address, known)
        begun = await guesses.begin(db, counters=counters, now=now)
        if not await slowly(partial(rules.is_password, stored, current)):
            wait = rules.longest_wait(begun, now)
            if deed := seldom(tally, "sign_in_failed", user_id, caller, now, first=rules.AT_ONE.free, wait=wait):
                await db.write(deed)
            refuse(current="This is not your current password.")
    hashed = await slowly(partial(rules.hash_password, new))

    def write(conn: sqlite3.Connection) -> None:
        still(conn)
        if store.password_by_name(conn, person.name) != found:
            raise Conflict("Your password was changed elsewhere meanwhile. Nothing was changed here; look again.")
        guesses.was_right(conn, begun=begun, now=now)
        store.set_password(conn, user_id, hashed, now)
        store.end_other_sessions(conn, user_id, ids.digest(keep) if keep else "")
        store.drop_unused_sign_in_links(conn, user_id)
        note(conn, "password_changed", user_id, caller, now)

    await db.write(write)
