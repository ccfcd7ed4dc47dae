"""What of a month is spent and where it leads to, and which amounts can be set."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from arena.budgets.models import Forecast, Spent, State, Subject
from arena.web import words

DOLLAR = 10**9
MOST = 10**7 * DOLLAR
LOOK_BACK = 28
"""Days before today that a forecast rests on: four of each weekday."""
WHOLE_WEEKS = 14
"""Past days from which on each weekday is looked at by itself; with fewer, all days are taken for alike."""


def since(today: str) -> str:
    """The first day that `state` wants to know of."""
    day = date.fromisoformat(today)
    return min(day.replace(day=1), day - timedelta(days=LOOK_BACK)).isoformat()


def state(subject: Subject, days: Mapping[str, Spent], today: str) -> State:
    """Tell how a subject stands in this month. ``days`` are its days with any usage, from `since` on."""
    month = [spent for day, spent in days.items() if day[:7] == today[:7] and day <= today]
    spent = Spent(sum(each.cost for each in month), sum(each.unpriced for each in month))
    return State(subject, today, month_end(today), spent, forecast(days, today))


def forecast(days: Mapping[str, Spent], today: str) -> Forecast | None:
    """Foretell what this month will have cost at its end; None while there is no past day to go by.

    What is spent, and for each day left the mean of its weekday in the 28 days before today; today counts with what it
    lacks of its own mean. Days without usage count as 0, from the first day with any on: whoever began five days ago is
    measured by these five, and up to 13 days by the mean of all of them. Half a billionth is rounded up.
    """
    now = date.fromisoformat(today)
    past = [now - timedelta(days=back) for back in range(1, LOOK_BACK + 1)]
    first = min((day for day in days if day < today), default=None)
    known = [day for day in past if first is not None and day.isoformat() >= first]
    if not known:
        return None
    cost = {day: days[day.isoformat()].cost if day.isoformat() in days else 0 for day in known}
    by_weekday = len(known) >= WHOLE_WEEKS

    def usual(day: date) -> tuple[int, int]:
        alike = [each for each in known if not by_weekday or each.weekday() == day.weekday()]
        return sum(cost[each] for each in alike), len(alike)

    so_far = sum(spent.cost for day, spent in days.items() if day[:7] == today[:7] and day <= today)
    of_today = days[today].cost if today in days else 0
    total, of = usual(now)
    to_come = max(0, _half_up(total, of) - of_today)
    for ahead in range(1, (_month_end(now) - now).days + 1):
        to_come += _half_up(*usual(now + timedelta(days=ahead)))
    return Forecast(so_far + to_come, len(known), by_weekday)


def in_words(state: State) -> str:
    """Say in a sentence how a subject stands: what is spent of what, and where it leads to."""
    amount, spent = state.subject.amount, state.spent
    used = words.cost(spent.cost, spent.unpriced)
    end = words.day(state.month_end)
    foretold = f"about {words.cost(state.forecast.cost, spent.unpriced)} by {end}" if state.forecast else ""
    if amount is None:
        return f"{used} spent; {foretold}." if foretold else f"{used} spent."
    said = f"{used} of {words.cost(amount, 0)} spent, {state.percent}%"
    if spent.cost > amount:
        said += f", {words.cost(spent.cost - amount, 0)} over"
    if foretold:
        said += f"; {foretold}"
        if state.will_exceed and spent.cost <= amount:
            said += ", more than the budget"
    return f"{said}."


def amount_of(typed: str) -> int | None:
    """Read an amount of US dollars ("1,200.50", "$500"); None for nothing or 0, which is no budget.

    Raises `ValueError` with a sentence.
    """
    text = typed.strip().removeprefix("$").strip()
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.(\d{1,2}))?", text, re.ASCII)
    if found is None:
        raise ValueError("An amount is written like 500 or 1,200.50, in US dollars.")
    cents = int(found[1].replace(",", "")) * 100 + int((found[2] or "").ljust(2, "0"))
    amount = cents * (DOLLAR // 100)
    if amount > MOST:
        raise ValueError("A budget is at most 10,000,000 dollars a month.")
    return amount or None


def written(amount: int | None) -> str:
    """Write an amount as it stands in a field ("500", "1200.50"); nothing without one."""
    if amount is None:
        return ""
    whole, rest = divmod(amount // (DOLLAR // 100), 100)
    return f"{whole}.{rest:02}" if rest else str(whole)


def month_end(today: str) -> str:
    """Name the last day of a day's month."""
    return _month_end(date.fromisoformat(today)).isoformat()


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _half_up(total: int, of: int) -> int:
    return (2 * total + of) // (2 * of)
