"""What the judging tells of itself to whatever collects figures."""

import sqlite3
from collections.abc import Iterator

from arena.core.config import Config
from arena.core.figures import Figure
from arena.projects import store


def figures(conn: sqlite3.Connection, config: Config, day: str) -> Iterator[Figure]:
    """Tell of the queue, of the questions to the model and of what they cost; ``day`` is today."""
    waiting = store.waiting(conn)
    states = {"queued": waiting.queued, "running": waiting.running, "failed": waiting.failed, "done": waiting.done}
    yield Figure(
        "arena_evaluations",
        "Projects that were submitted, by what became of them.",
        {(state,): number for state, number in states.items()},
        ("state",),
    )
    if waiting.since is not None:
        yield Figure(
            "arena_evaluation_oldest_timestamp_seconds",
            "Since when the first project waits to be judged.",
            {(): waiting.since / 1000},
        )
    outcomes = store.outcomes(conn)
    yield Figure(
        "arena_model_questions",
        "Questions to the language model that came to an end, by what became of them.",
        {(outcome,): number for outcome, number, _ in outcomes if outcome != "asked"},
        ("outcome",),
        grows=True,
    )
    yield Figure(
        "arena_model_cost_dollars",
        "What the language model cost, as far as it is known.",
        {(): sum(cost for _, _, cost in outcomes) / 1e9},
        grows=True,
    )
    yield Figure(
        "arena_model_spent_today_dollars",
        "What counts against today's budget; an answer that never came counts as the most it may have cost.",
        {(): store.spent(conn, day) / 1e9},
    )
    if config.llm.daily_budget:
        yield Figure("arena_model_budget_dollars", "What a day's answers may cost.", {(): config.llm.daily_budget})
