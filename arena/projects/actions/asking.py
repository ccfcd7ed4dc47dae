"""Ask the model for readings. Each question is written down before it is asked, and what it took afterwards.

The rows are what holds everybody to the limits, whichever process asks: no question begins while as many are under way
as may be.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial

from arena.core import ids
from arena.core.clock import Days
from arena.core.config import LLM
from arena.core.db import Database
from arena.llm.asking import Provider, opened, pause
from arena.llm.models import Question as Asked
from arena.llm.models import Spent, Unanswered
from arena.prices.actions import current
from arena.prices.models import Used
from arena.projects import rules, store
from arena.projects.models import Paid, Question, Subject, Verdict

ASKS = 3
"""How often a reading is asked for, if answers are missing or no good."""
TURN = 0.2
"""Seconds between two looks whether it is one's turn to ask."""
GRACE = 5_000
"""Milliseconds past its time limit until a question counts as lost, with whoever asked it."""
USED_UP = "What a day's answers may cost is used up."


class Asking:
    """The readings of one subject. ``paid`` is what became of its questions so far."""

    def __init__(self, db: Database, settings: LLM, days: Days, now: Callable[[], int], subject: Subject) -> None:
        self._db, self._settings, self._days, self._now, self._subject = db, settings, days, now, subject
        self._provider: Provider = opened(settings)
        self.paid: list[Paid] = []

    async def read(self, reading: int) -> Verdict:
        """One reading's verdict. Raises `Unanswered` when no good answer came, however often it was asked for."""
        subject = self._subject
        asked = rules.question(subject, reading, ids.token()[:16], self._settings.answer_tokens)
        for attempt in range(ASKS):
            answered = await self._ask(asked, reading)
            if isinstance(answered, Verdict):
                return answered
            if not answered.again or attempt == ASKS - 1:
                raise answered
            await asyncio.sleep(pause(attempt, answered.wait))
        raise AssertionError("the last attempt returns or raises")

    async def _ask(self, asked: Asked, reading: int) -> Verdict | Unanswered:
        """Ask once, when it is our turn."""
        question = await self._turn(asked, reading)
        try:
            reply = await self._provider.ask(asked)
        except Unanswered as no:
            self._settle(question, "unanswered", no.spent)
            return no
        verdict = rules.verdict(reply.content, self._subject.readme)
        if isinstance(verdict, Verdict):
            self._settle(question, "answered", reply.spent, reply.content)
            return verdict
        self._settle(question, "unfounded" if verdict in rules.UNFOUNDED else "malformed", reply.spent)
        return Unanswered(verdict, again=True)

    async def _turn(self, asked: Asked, reading: int) -> Question:
        """Wait until no more questions are under way than may be, and write ours down."""
        while True:
            question = self._db.write_sync(partial(self._begin, asked=asked, reading=reading))
            if question is not None:
                return question
            await asyncio.sleep(TURN)

    def _begin(self, conn: sqlite3.Connection, asked: Asked, reading: int) -> Question | None:
        """Write down that a question is asked now; None if too many are under way."""
        settings, now, subject = self._settings, self._now(), self._subject
        if store.under_way(conn, since=now - settings.timeout * 1000 - GRACE) >= settings.concurrency:
            return None
        day = self._days.of(now)
        if subject.sample and settings.daily_budget and store.spent(conn, day) >= settings.daily_budget * 1e9:
            raise Unanswered(USED_UP, again=False)
        most = current(conn).cost(settings.model, rules.most(asked), day)
        question = Question(
            id=ids.uuid7(),
            evaluation_id=subject.evaluation_id,
            sample=subject.sample,
            reading=reading,
            day=day,
            model=settings.model,
            most=most.nanodollars if most else None,
            asked_at=now,
        )
        store.add_question(conn, question)
        return question

    def _settle(self, question: Question, outcome: str, spent: Spent | None, answer: str | None = None) -> None:
        def write(conn: sqlite3.Connection) -> Paid:
            paid = Paid(outcome)
            if spent is not None:
                used = Used(spent.input, spent.output, spent.cache_write, 0, spent.cache_read)
                cost = current(conn).cost(question.model, used, question.day)
                paid = Paid(
                    outcome,
                    spent.input + spent.cache_read + spent.cache_write,
                    spent.output,
                    spent.cache_read,
                    cost.nanodollars if cost else None,
                )
            store.settle_question(conn, question.id, paid)
            if answer is not None and question.evaluation_id is not None:
                store.put_answer(conn, question.evaluation_id, question.reading, answer)
            return paid

        self.paid.append(self._db.write_sync(write))
