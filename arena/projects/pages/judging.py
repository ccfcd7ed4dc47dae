"""What administrators see of the judging."""

from collections.abc import Sequence
from urllib.parse import urlencode

from msgspec import Struct

from arena.core.config import LLM
from arena.projects.models import Asked, Spending, Waiting
from arena.projects.rules import readings
from arena.web import words

PAGE_SIZE = 50
DAYS = 30
"""So many days of costs are shown."""
STATES = {"": "All", "queued": "Waiting", "running": "Being judged", "failed": "Failed", "done": "Judged"}
PATH = "/admin/evaluations"


class Choice(Struct, frozen=True):
    """One of the lists: all evaluations, or those in one state."""

    key: str
    label: str
    count: int
    href: str
    current: bool


class Row(Struct, frozen=True):
    """An evaluation. ``differ`` says what the two readings gave where they disagree."""

    id: str
    name: str
    display: str
    project: str
    state: str
    total: int | None
    passed: bool | None
    differ: str
    reason: str
    model: str
    created_at: int
    evaluated_at: int | None
    questions: int
    cost: str
    may_again: bool


class Day(Struct, frozen=True):
    """What was asked on a day."""

    day: str
    questions: int
    answered: int
    turned_down: int
    unanswered: int
    samples: int
    input: int
    output: int
    cost: str


class JudgingPage(Struct, frozen=True):
    """What `projects/judging.html` shows. Amounts of money are written; empty where there is nothing to say."""

    state: str
    choices: tuple[Choice, ...]
    rows: tuple[Row, ...]
    previous_href: str
    next_href: str
    waiting: Waiting
    model: str
    provider: str
    concurrency: int
    spent: str
    budget: str
    left: str
    is_used_up: bool
    days: tuple[Day, ...]
    put_back: str
    """The name of the project that was just put back into the queue."""
    problem: str
    now: int
    zone: str


def judging_page(
    state: str,
    page: int,
    rows: Sequence[Asked],
    waiting: Waiting,
    days: Sequence[Spending],
    *,
    spent: int,
    today: str,
    settings: LLM,
    put_back: str,
    problem: str,
    now: int,
    zone: str,
) -> JudgingPage:
    """The page; ``rows`` has one more than it shows if others follow. ``spent`` is of today, in billionths."""
    budget = round(settings.daily_budget * 1e9)
    unpriced = next((day.unpriced for day in days if day.day == today), 0)
    counts = {
        "": waiting.queued + waiting.running + waiting.failed + waiting.done,
        "queued": waiting.queued,
        "running": waiting.running,
        "failed": waiting.failed,
        "done": waiting.done,
    }
    return JudgingPage(
        state=state,
        choices=tuple(Choice(key, label, counts[key], href(key), key == state) for key, label in STATES.items()),
        rows=tuple(_row(each, has_model=bool(settings.provider)) for each in rows[:PAGE_SIZE]),
        previous_href=href(state, page - 1) if page > 1 else "",
        next_href=href(state, page + 1) if len(rows) > PAGE_SIZE else "",
        waiting=waiting,
        model=settings.model,
        provider=settings.provider,
        concurrency=settings.concurrency,
        spent=words.cost(spent, 0 if spent else unpriced),
        budget=words.cost(budget, 0) if budget else "",
        left=words.cost(max(budget - spent, 0), 0) if budget else "",
        is_used_up=bool(budget) and spent >= budget,
        days=tuple(_day(each) for each in days),
        put_back=put_back,
        problem=problem,
        now=now,
        zone=zone,
    )


def href(state: str, page: int = 1, again: str = "") -> str:
    """The address of a list of evaluations."""
    asked = [(name, value) for name, value in (("show", state), ("again", again)) if value]
    if page > 1:
        asked.append(("page", str(page)))
    return f"{PATH}?{urlencode(asked)}" if asked else PATH


def _row(each: Asked, *, has_model: bool) -> Row:
    given = readings(each.verdicts)
    differ = " and ".join(f"{functionality}+{practicality}" for functionality, practicality in given)
    return Row(
        id=each.id,
        name=each.name,
        display=each.display,
        project=each.project_name,
        state=each.state,
        total=each.total,
        passed=each.passed,
        differ=differ if len(set(given)) > 1 else "",
        reason=each.reason or "",
        model=each.model or "",
        created_at=each.created_at,
        evaluated_at=each.evaluated_at,
        questions=each.questions,
        cost=words.cost(each.cost, each.unpriced) if each.questions else "",
        may_again=has_model and each.state in ("done", "failed"),
    )


def _day(each: Spending) -> Day:
    return Day(
        day=each.day,
        questions=each.questions,
        answered=each.answered,
        turned_down=each.turned_down,
        unanswered=each.unanswered,
        samples=each.samples,
        input=each.input,
        output=each.output,
        cost=words.cost(each.cost, each.unpriced),
    )
