"""See how well the configured model agrees with READMEs of known quality. They ship with the release."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path

import msgspec

from arena.core.clock import Days
from arena.core.config import LLM
from arena.core.db import Database
from arena.llm.models import Unanswered
from arena.prices.actions import current
from arena.projects import rules
from arena.projects.actions.asking import ASKS, USED_UP, Asking
from arena.projects.models import Sample, Scored, Subject

FOLDER = Path(__file__).parents[1] / "calibration"
"""A README a file, and `table.toml`, which says by their names what is right."""


@cache
def samples() -> Mapping[str, Sample]:
    """The whole set, by name."""
    return msgspec.toml.decode((FOLDER / "table.toml").read_bytes(), type=dict[str, Sample])


def subject(name: str) -> Subject:
    """A README of the set as it is put before the model: as if somebody had submitted it."""
    return Subject(name, (FOLDER / f"{name}.md").read_text(encoding="utf-8").strip(), sample=name)


def most(db: Database, settings: LLM, names: list[str], day: str) -> int | None:
    """What it costs at the most to calibrate with these, in billionths of a dollar; None if nobody knows."""
    prices = db.read_sync(current)
    costs = [
        prices.cost(
            settings.model, rules.most(rules.question(subject(name), reading, "m" * 16, settings.answer_tokens)), day
        )
        for name in names
        for reading in range(1, rules.READINGS + 1)
    ]
    return None if None in costs else ASKS * sum(cost.nanodollars for cost in costs if cost is not None)


async def calibrate(
    db: Database, settings: LLM, days: Days, now: Callable[[], int], names: list[str], tell: Callable[[Scored], None]
) -> list[Scored]:
    """Have samples read as projects are, as many at once as may be; ``tell`` hears of each when it is done.

    Nothing of it is kept but the questions and what they cost, which count against the day's budget.
    """
    left = iter(names)
    found: dict[str, Scored] = {}

    async def work(left: Iterator[str]) -> None:
        for name in left:
            found[name] = await _score(Asking(db, settings, days, now, subject(name)), name)
            tell(found[name])
            if found[name].problem == USED_UP:
                return

    await asyncio.gather(*(work(left) for _ in range(settings.concurrency)))
    unread = partial(rules.scored, verdicts=(), paid=(), problem=USED_UP)
    return [found.get(name) or unread(name, samples()[name]) for name in names]


async def _score(asking: Asking, name: str) -> Scored:
    verdicts, problem = [], ""
    try:
        for reading in range(1, rules.READINGS + 1):
            verdicts.append(await asking.read(reading))
    except Unanswered as no:
        problem = no.sentence
    return rules.scored(name, samples()[name], verdicts, asking.paid, problem)
