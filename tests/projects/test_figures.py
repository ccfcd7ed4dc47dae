"""What the judging tells of itself to whatever collects figures."""

import sqlite3

from arena.audit.models import OPERATOR
from arena.core.config import LLM, Config, Place
from arena.core.db import Database
from arena.operations.actions.metrics import exposition, look
from arena.operations.models import Counted
from arena.projects import store
from arena.projects.actions.figures import figures
from arena.projects.actions.queue import submit
from arena.projects.models import Paid, Question, Submission
from arena.web.counts import Counts
from tests.conftest import NOW, PEOPLE
from tests.operations.test_metrics import Samples, samples

DAY = "2026-11-20"


def told(db: Database, budget: float = 0.0) -> Samples:
    config = Config(llm=LLM("openai_compatible", "http://127.0.0.1", "m", daily_budget=budget))
    counts = Counts()
    counted = Counted(
        counts.requests,
        counts.kept,
        counts.records,
        counts.refused,
        0,
        db.commits,
        db.commit_seconds,
        0,
        0,
        False,
        True,
    )
    seen = db.read_sync(lambda conn: look(conn, place=Place(db.path.parent), config=config))
    return samples(exposition(counted, seen, {}, db.read_sync(lambda conn: list(figures(conn, config, DAY)))))


def test_an_empty_box_tells_zeros(db: Database) -> None:
    found = told(db)
    assert found["arena_evaluations", (("state", "queued"),)] == 0
    assert found["arena_model_cost_dollars_total", ()] == 0
    assert not any(
        name in ("arena_model_budget_dollars", "arena_evaluation_oldest_timestamp_seconds") for name, _ in found
    )


def test_the_queue_the_questions_and_what_they_cost_are_told(db: Database) -> None:
    def fill(conn: sqlite3.Connection) -> None:
        settings = LLM("openai_compatible", "http://127.0.0.1", "m")
        for number in range(3):
            sent = Submission(f"p{number}", "A README of some length.")
            submit(
                conn,
                user_id=PEOPLE["alice"],
                sent=sent,
                settings=settings,
                day=DAY,
                caller=OPERATOR,
                now=NOW + number * 1_000,
            )
        store.claim(conn, "c", NOW)
        for number, paid in enumerate((Paid("answered", 1, 1, 0, 2_000_000_000), Paid("answered", 1, 1, 0, 1), None)):
            store.add_question(conn, Question(str(number), None, "s", 1, DAY, "m", 500_000_000, NOW))
            if paid:
                store.settle_question(conn, str(number), paid)
        store.add_question(conn, Question("old", None, "s", 1, "2026-11-19", "m", 1, NOW))
        store.settle_question(conn, "old", Paid("unanswered", 0, 0, 0, 1_000_000_000))

    db.write_sync(fill)
    found = told(db, budget=4)
    assert found["arena_evaluations", (("state", "queued"),)] == 2
    assert found["arena_evaluations", (("state", "running"),)] == 1
    assert found["arena_evaluation_oldest_timestamp_seconds", ()] == NOW / 1000 + 1
    assert found["arena_model_questions_total", (("outcome", "answered"),)] == 2
    assert ("arena_model_questions_total", (("outcome", "asked"),)) not in found, "it would shrink"
    assert found["arena_model_questions_total", (("outcome", "unanswered"),)] == 1
    assert round(found["arena_model_cost_dollars_total", ()], 6) == 3
    assert round(found["arena_model_spent_today_dollars", ()], 6) == 2.5
    assert found["arena_model_budget_dollars", ()] == 4
