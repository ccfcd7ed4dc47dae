"""Submit projects and have the model judge them. Each is read twice; every question is written down before it is asked.

A row is the truth: whoever makes an evaluation holds its claim while the lease lasts and renews it. When they die, the
next one goes on where they stopped: an answer that was paid for is not asked for again.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids
from arena.core.clock import Days
from arena.core.config import LLM
from arena.core.db import Database
from arena.core.errors import Conflict, Invalid
from arena.core.log import log
from arena.llm.asking import Provider, opened, pause
from arena.llm.models import Question as Asked
from arena.llm.models import Spent, Unanswered
from arena.prices.actions import current
from arena.prices.models import Used
from arena.projects import rules, store
from arena.projects.models import Claimed, Paid, Question, Submission, Verdict

ASKS = 3
"""How often a reading is asked for, if answers are missing or no good."""
LEASE = 15_000
"""Milliseconds for which an evaluation belongs to whoever claimed it; they renew it three times in that time."""
ATTEMPTS = 5
"""How often an evaluation is begun: one that takes its maker down with it must end."""
GONE = "This box stopped in the middle of it too often."


# -- the queue


def submit(
    conn: sqlite3.Connection, *, user_id: str, sent: Submission, settings: LLM, day: str, caller: Caller, now: int
) -> str:
    """Put a project into the queue; return the id of its evaluation. Raises `Invalid` and `Conflict`.

    Content of the same project that waits or was judged already is not judged again: its evaluation is returned, and
    the day's quota is not touched.
    """
    path_hash = sent.path_hash or rules.path_hash(user_id, sent.name)
    content_hash = rules.content_hash(sent, settings.model)
    project_id = store.project_id(conn, user_id, path_hash)
    if project_id is not None and (known := store.same_content(conn, project_id, content_hash)):
        return known
    _refuse(conn, user_id, settings, day)
    project_id = project_id or ids.uuid7()
    store.put_project(conn, project_id, user_id, path_hash, sent.name, now)
    id = ids.uuid7()
    files = "\n".join(f"{folder}: {', '.join(names)}" for folder, names in sorted(sent.files.items())) or None
    store.add_evaluation(conn, id, user_id, project_id, sent, files, content_hash, day, now)
    note(conn, "project_submitted", user_id, caller, now, evaluation=id)
    return id


def _refuse(conn: sqlite3.Connection, user_id: str, settings: LLM, day: str) -> None:
    if not settings.provider:
        raise Conflict(
            "This arena has no model that judges projects. Its administrator names one in [llm] of arena.toml."
        )
    if settings.daily_budget and not current(conn).of(settings.model):
        raise Conflict(
            f"Nobody here knows what {settings.model} costs, so the daily budget cannot be kept. "
            "An administrator takes prices over with `arena admin prices update`."
        )
    counted, tried = store.used(conn, user_id, day)
    if counted >= rules.A_DAY:
        raise Invalid(f"Daily evaluation limit reached ({rules.A_DAY} a day). Submit this again tomorrow.")
    if tried >= rules.TRIES_A_DAY:
        raise Invalid("Too many of today's evaluations failed. Submit this again tomorrow.")


# -- the worker's part


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
    store.release(conn, now, ATTEMPTS, GONE)
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
        try:
            async with self._holding():
                provider = opened(self.settings)
                verdicts = [await self._read(provider, reading) for reading in range(1, rules.READINGS + 1)]
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

    async def _read(self, provider: Provider, reading: int) -> Verdict:
        """One reading's verdict, from the answer that is there already or from the model. Raises `Unanswered`."""
        claimed = self.claimed
        had = self.db.read_sync(partial(store.answer, evaluation_id=claimed.id, reading=reading))
        if had is not None and isinstance(verdict := rules.verdict(had, claimed.readme), Verdict):
            return verdict
        asked = Asked(
            instructions=rules.instructions(reading),
            text=rules.text(claimed.name, claimed.readme, claimed.files, ids.token()[:16]),
            name="verdict",
            schema=rules.schema(reading),
            longest=rules.LONGEST,
        )
        for attempt in range(ASKS):
            answered = await self._ask(provider, asked, reading)
            if isinstance(answered, Verdict):
                return answered
            if not answered.again or attempt == ASKS - 1:
                raise answered
            await asyncio.sleep(pause(attempt, answered.wait))
        raise AssertionError("the last attempt returns or raises")

    async def _ask(self, provider: Provider, asked: Asked, reading: int) -> Verdict | Unanswered:
        """Ask once, written down before and after."""
        question = Question(
            ids.uuid7(), self.claimed.id, reading, self.days.of(self.now()), self.settings.model, self.now()
        )
        self.db.write_sync(partial(store.add_question, question=question))
        try:
            reply = await provider.ask(asked)
        except Unanswered as no:
            self._settle(question, "unanswered", no.spent)
            return no
        verdict = rules.verdict(reply.content, self.claimed.readme)
        if isinstance(verdict, Verdict):
            self._settle(question, "answered", reply.spent, reply.content)
            return verdict
        self._settle(question, "malformed", reply.spent)
        return Unanswered(verdict, again=True)

    def _settle(self, question: Question, outcome: str, spent: Spent, answer: str | None = None) -> None:
        used = Used(spent.input, spent.output, spent.cache_write, 0, spent.cache_read)

        def write(conn: sqlite3.Connection) -> None:
            cost = current(conn).cost(question.model, used, question.day)
            paid = Paid(
                outcome,
                spent.input + spent.cache_read + spent.cache_write,
                spent.output,
                spent.cache_read,
                cost.nanodollars if cost else None,
            )
            store.settle_question(conn, question.id, paid)
            if answer is not None:
                store.put_answer(conn, question, answer)

        self.db.write_sync(write)
