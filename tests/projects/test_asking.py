"""Questions to a model: how many at once, what each is counted as, and servers that know no schemas."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from arena.core.clock import Days
from arena.core.config import LLM, Secret
from arena.core.db import Database
from arena.llm.models import Unanswered
from arena.prices.actions import load_shipped
from arena.projects import store
from arena.projects.actions.asking import GRACE, Asking
from arena.projects.models import Paid, Question, Subject, Verdict
from tests.conftest import NOW
from tests.peers.model import README, Model, openai, send, verdict

DAY = "2026-11-20"
Ask = Callable[..., tuple[Verdict | Unanswered, list[Paid]]]


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.close()


@pytest.fixture
def ask(db: Database, model: Model, days: Days) -> Ask:
    """Ask for one reading of a sample."""
    db.write_sync(lambda conn: load_shipped(conn, now=NOW))

    def read(now: Callable[[], int] = lambda: NOW, **more: Any) -> tuple[Verdict | Unanswered, list[Paid]]:
        url = model.url + ("/v1" if more.get("provider") != "anthropic" else "")
        told = {"provider": "openai_compatible", "url": url, "model": "gpt-5-mini", "timeout": 1, **more}
        asking = Asking(db, LLM(api_key=Secret("sk"), **told), days, now, Subject("tally", README, sample="tally"))
        try:
            return asyncio.run(asking.read(1)), asking.paid
        except Unanswered as no:
            return no, asking.paid

    return read


def spent(db: Database) -> int:
    return db.read_sync(lambda conn: store.spent(conn, DAY))


@pytest.mark.parametrize("provider", ["openai_compatible", "anthropic"])
def test_an_answer_costs_what_its_provider_counted(ask: Ask, db: Database, provider: str) -> None:
    found, (paid,) = ask(provider=provider)
    assert isinstance(found, Verdict)
    assert (paid.outcome, paid.input, paid.output, paid.cache) == ("answered", 1_000, 200, 400)
    assert paid.cost == spent(db) > 0


def slow(to: BaseHTTPRequestHandler) -> None:
    time.sleep(1.3)


def test_an_answer_that_never_came_counts_as_the_most_it_may_have_cost(ask: Ask, db: Database, model: Model) -> None:
    model.faults = [slow]
    _, (late, paid) = ask()
    assert (late.outcome, late.cost) == ("unanswered", None)
    assert paid.cost is not None
    assert spent(db) - paid.cost > paid.cost


def test_what_was_refused_cost_nothing(ask: Ask, db: Database, model: Model) -> None:
    model.faults = [500, 401]
    found, paid = ask()
    assert isinstance(found, Unanswered)
    assert [each.cost for each in paid] == [0, 0]
    assert spent(db) == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"code": "context_length_exceeded", "type": "invalid_request_error"}, "(400, context_length_exceeded)"),
        ({"type": "invalid_request_error", "message": "sk-secret"}, "(400, invalid_request_error)"),
        ({"code": "sk-secret", "message": "sk-secret"}, "(400)"),
        ({"code": 400}, "(400)"),
        ("sk-secret", "(400)"),
    ],
)
def test_a_refusal_is_told_by_its_name_and_never_by_its_message(ask: Ask, model: Model, error: Any, told: str) -> None:
    def refuse(to: BaseHTTPRequestHandler) -> None:
        send(to, 400, json.dumps({"error": error}).encode())

    model.faults = [refuse, refuse]
    found, _ = ask()
    assert isinstance(found, Unanswered)
    assert found.sentence == f"The model's provider refused the question {told}."


def test_a_provider_that_does_not_count_leaves_the_cost_unknown(ask: Ask, db: Database, model: Model) -> None:
    uncounted = {**openai(verdict()), "usage": None}
    model.faults = [json.dumps(uncounted).encode()]
    _, (paid,) = ask()
    assert (paid.outcome, paid.cost) == ("answered", None)
    assert spent(db) > 0


def test_no_question_begins_while_as_many_are_under_way_as_may_be(ask: Ask, db: Database, model: Model) -> None:
    def others(conn: Any) -> None:
        for name in ("one", "two"):
            store.add_question(conn, Question(name, None, "x", 1, DAY, "m", None, NOW))

    db.write_sync(others)
    looks = iter([NOW, NOW, NOW + 1_000 + GRACE])  # then those others count as lost

    def now() -> int:
        assert model.asked == []
        return next(looks, NOW + 1_000 + GRACE)

    found, _ = ask(now, concurrency=2)
    assert isinstance(found, Verdict)
    assert list(looks) == []


def test_a_server_that_knows_no_schemas_is_asked_without(ask: Ask, model: Model) -> None:
    def refuse(to: BaseHTTPRequestHandler) -> None:
        assert "response_format" in model.asked[-1]
        send(to, 400, b'{"error": {"message": "This response_format type is unavailable now"}}')

    model.faults = [refuse]
    found, paid = ask()
    assert isinstance(found, Verdict)
    assert ["response_format" in asked for asked in model.asked] == [True, False]
    assert len(paid) == 1
    model.faults = [400, 400]
    found, _ = ask()
    assert isinstance(found, Unanswered)
    assert found.sentence == "The model's provider refused the question (400)."
