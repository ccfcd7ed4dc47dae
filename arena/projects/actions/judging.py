"""Have the model judge what waits. Each project is read twice.

A row is the truth: whoever makes an evaluation holds its claim while the lease lasts and renews it. When they die, the
next one goes on where they stopped: an answer that was paid for is not asked for again.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from arena.core import ids
from arena.core.clock import Days
from arena.core.config import LLM
from arena.core.db import Database
from arena.core.log import log
from arena.llm.models import Unanswered
from arena.projects import rules, store
from arena.projects.actions.asking import Asking
from arena.projects.models import Claimed, Subject, Verdict

LEASE = 15_000
"""Milliseconds for which an evaluation belongs to whoever claimed it; they renew it three times in that time."""
ATTEMPTS = 5
"""How often an evaluation is begun: one that takes its maker down with it must end."""
GONE = "This box stopped in the middle of it too often."


def evaluate_waiting(db: Database, settings: LLM, days: Days, now: Callable[[], int]) -> None:
    """Judge projects, the one that waits longest first, until none waits or as many are under way as may be."""
    while settings.provider:
        claimed = db.write_sync(partial(_claim, settings=settings, day=days.of(now()), now=now()))
        if claimed is None:
            return
        try:
            asyncio.run(_Judging(db, settings, days, now, claimed).judge())
        except asyncio.CancelledError:
            log().warning("evaluation", id=claimed.id, reason="its lease was lost")
        except Exception as problem:
            # It waits until its lease ends, and is begun again.
            log().error("evaluation", id=claimed.id, reason=type(problem).__name__, exc_info=problem)


def _claim(conn: sqlite3.Connection, settings: LLM, day: str, now: int) -> Claimed | None:
    store.release(conn, now, LEASE, ATTEMPTS, GONE)
    if store.running(conn) >= settings.concurrency:
        return None
    if settings.daily_budget and store.spent(conn, day) >= settings.daily_budget * 1e9:
        return None
    return store.claim(conn, ids.token(), now + LEASE)


class _Judging:
    """One evaluation under way."""

    def __init__(self, db: Database, settings: LLM, days: Days, now: Callable[[], int], claimed: Claimed) -> None:
        self.db, self.settings, self.days, self.now, self.claimed = db, settings, days, now, claimed

    async def judge(self) -> None:
        """Read twice, write down what comes of it."""
        claimed = self.claimed
        subject = Subject(claimed.name, claimed.readme, claimed.files, evaluation_id=claimed.id)
        try:
            async with self._holding():
                asking = Asking(self.db, self.settings, self.days, self.now, subject)
                verdicts = [await self._read(asking, reading) for reading in range(1, rules.READINGS + 1)]
        except Unanswered as no:
            self._write(partial(store.fail, reason=no.sentence))
            return
        result = rules.result(verdicts)
        kept = msgspec.json.encode(verdicts).decode()

        def finish(conn: sqlite3.Connection, claimed: Claimed, model: str, provider: str, now: int) -> bool:
            done = store.finish(conn, claimed, result, kept, model, provider, now)
            if done:
                store.set_scores(conn, claimed.id, result, now)
                store.set_cumulative(conn, claimed.id, store.cumulative(conn, claimed.id))
            return done

        self._write(finish)

    def _write(self, fn: Callable[..., bool]) -> None:
        settings = self.settings
        ours = self.db.write_sync(
            partial(fn, claimed=self.claimed, model=settings.model, provider=settings.provider, now=self.now())
        )
        if not ours:
            log().warning("evaluation", id=self.claimed.id, reason="somebody else makes it")

    @asynccontextmanager
    async def _holding(self) -> AsyncIterator[None]:
        """Renew the lease meanwhile; one that was lost ends what is under way."""
        ours = asyncio.current_task()

        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE / 3000)
                if not self.db.write_sync(partial(store.renew, claimed=self.claimed, lease_ends_at=self.now() + LEASE)):
                    break
            if ours is not None:
                ours.cancel()

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def _read(self, asking: Asking, reading: int) -> Verdict:
        """One reading's verdict, from the answer that is there already or from the model. Raises `Unanswered`."""
        had = self.db.read_sync(partial(store.answer, evaluation_id=self.claimed.id, reading=reading))
        if had is not None and isinstance(verdict := rules.verdict(had, self.claimed.readme), Verdict):
            return verdict
        return await asking.read(reading)
