"""What pages show of budgets: how each stands in words, and the bar that draws it."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from arena.accounts.pages import Outcome
from arena.budgets.models import BudgetAnswer, State
from arena.budgets.rules import DOLLAR, in_words, written
from arena.prices.rules import dollars
from arena.web import words


class Bar(Struct, frozen=True):
    """A budget as a bar, in percent of its length: what is spent, where the forecast ends, and where the budget does.

    Beyond the budget the bar is longer than it.
    """

    spent: float
    forecast: float
    budget: float


class Row(Struct, frozen=True):
    """How one subject stands. ``said`` says it all in words; ``amount`` is what stands in the field."""

    is_team: bool
    key: str
    name: str
    amount: str
    budget: str
    spent: str
    percent: int | None
    forecast: str
    basis: str
    """What the forecast rests on."""
    is_over: bool
    will_exceed: bool
    unpriced: int
    bar: Bar | None
    said: str


class BudgetsPage(Struct, frozen=True):
    """What `budgets/admin.html` shows. ``name`` and ``amount`` are what stands in the form for a person; ``errors`` are
    sentences by a team's slug, or "" for that form."""

    teams: tuple[Row, ...]
    people: tuple[Row, ...]
    month: str
    days_left: int
    name: str
    amount: str
    typed: Mapping[str, str]
    errors: Mapping[str, str]
    outcome: Outcome
    zone: str


def budgets_page(
    teams: Sequence[State],
    people: Sequence[State],
    *,
    today: str,
    month_end: str,
    zone: str,
    name: str = "",
    amount: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    said: str = "",
) -> BudgetsPage:
    """Make the page of all teams, and of people with a budget of their own."""
    return BudgetsPage(
        teams=tuple(map(row, teams)),
        people=tuple(map(row, people)),
        month=words.day_range(f"{today[:7]}-01", month_end),
        days_left=int(month_end[8:]) - int(today[8:]),
        name=name,
        amount=amount,
        typed=typed or {},
        errors=errors or {},
        outcome=Outcome(said),
        zone=zone,
    )


def row(state: State) -> Row:
    """Show how a subject stands."""
    amount, spent, foretold = state.subject.amount, state.spent, state.forecast
    return Row(
        is_team=state.subject.whose == "team",
        key=state.subject.key,
        name=state.subject.name,
        amount=written(amount),
        budget=words.cost(amount, 0) if amount else "",
        spent=words.cost(spent.cost, spent.unpriced),
        percent=state.percent,
        forecast=words.cost(foretold.cost, spent.unpriced) if foretold else "",
        basis=_basis(state),
        is_over=amount is not None and spent.cost > amount,
        will_exceed=state.will_exceed,
        unpriced=spent.unpriced,
        bar=_bar(state),
        said=in_words(state),
    )


def answer_of(state: State) -> BudgetAnswer:
    """Tell programs how a subject stands."""
    amount, foretold = state.subject.amount, state.forecast
    return BudgetAnswer(
        whose=state.subject.whose,
        name=state.subject.name,
        month=state.today[:7],
        budget=amount / DOLLAR if amount else None,
        spent=dollars(state.spent.cost, 0) or 0.0,
        spent_is_complete=not state.spent.unpriced,
        percent=state.percent,
        forecast=dollars(foretold.cost, 0) if foretold else None,
        forecast_exceeds=state.will_exceed,
    )


def _basis(state: State) -> str:
    if state.forecast is None:
        return "no day before today to go by"
    days = words.plural(state.forecast.days, "day", "days")
    return f"by weekday, from the last {days}" if state.forecast.by_weekday else f"by the mean of the last {days}"


def _bar(state: State) -> Bar | None:
    amount = state.subject.amount
    if amount is None:
        return None
    foretold = max(state.spent.cost, state.forecast.cost if state.forecast else 0)
    length = max(amount, foretold)
    spent, forecast, budget = (round(100 * part / length, 1) for part in (state.spent.cost, foretold, amount))
    return Bar(spent, forecast, budget)
