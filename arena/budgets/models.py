"""Budgets as they are set, spent and forecast. Amounts are billionths of a US dollar."""

from typing import Literal

from msgspec import Struct

Whose = Literal["team", "person"]
MARKS = (50, 80, 100)
"""The parts of a budget, in percent, that are told when they are reached."""


class Spent(Struct, frozen=True):
    """What a day, or several, cost as far as anybody knows, and how many responses have no price."""

    cost: int = 0
    unpriced: int = 0


class Subject(Struct, frozen=True):
    """A team or a person: ``name`` is how they are called, ``key`` their slug or user name."""

    whose: Whose
    id: str
    key: str
    name: str
    amount: int | None
    """The budget of a month, if there is one."""


class Forecast(Struct, frozen=True):
    """What a month will have cost at its end if the days left are like the last ones.

    ``days`` are how many past days it rests on; ``by_weekday`` says whether each weekday was looked at by itself.
    """

    cost: int
    days: int
    by_weekday: bool


class State(Struct, frozen=True):
    """How a subject stands in the month of ``today``. ``forecast`` is None as long as there is no past day to go by."""

    subject: Subject
    today: str
    month_end: str
    spent: Spent
    forecast: Forecast | None

    @property
    def percent(self) -> int | None:
        """How much of the budget is spent, in whole percent that were reached; None without a budget."""
        return self.spent.cost * 100 // self.subject.amount if self.subject.amount else None

    @property
    def marks(self) -> tuple[int, ...]:
        """The parts of the budget that are reached."""
        percent = self.percent
        return tuple(mark for mark in MARKS if percent is not None and percent >= mark)

    @property
    def will_exceed(self) -> bool:
        """Whether the forecast is beyond the budget."""
        return bool(self.subject.amount and self.forecast and self.forecast.cost > self.subject.amount)


class BudgetAnswer(Struct, frozen=True, rename="camel"):
    """How a budget stands, for programs. Money is US dollars; ``forecast`` is null as long as nothing tells it."""

    whose: Whose
    name: str
    month: str
    budget: float | None
    spent: float
    spent_is_complete: bool
    percent: int | None
    forecast: float | None
    forecast_exceeds: bool


class Budgets(Struct, frozen=True):
    """The answer to ``GET /api/me/budgets``: one's own, and that of one's team if one is in one."""

    budgets: list[BudgetAnswer]
