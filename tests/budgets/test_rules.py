"""What of a month is spent and where it leads to, and which amounts can be set."""

from datetime import date, timedelta

import pytest

from arena.budgets.models import Forecast, Spent, State, Subject
from arena.budgets.pages import row
from arena.budgets.rules import DOLLAR, amount_of, forecast, month_end, since, state, written

TEAM = Subject("team", "1", "data", "Data", 100 * DOLLAR)


def days(first: str, last: str, weekday: int = 1, weekend: int = 0, without: tuple[str, ...] = ()) -> dict[str, Spent]:
    """So many dollars on each day from one to another, both included."""
    found, day = {}, date.fromisoformat(first)
    while day.isoformat() <= last:
        dollars = weekend if day.weekday() > 4 else weekday
        if dollars and day.isoformat() not in without:
            found[day.isoformat()] = Spent(dollars * DOLLAR)
        day += timedelta(days=1)
    return found


@pytest.mark.parametrize(
    ("today", "spent", "expected"),
    [
        # Friday 20 Nov with nothing yet: 14 weekdays spent; today and 6 more weekdays to come.
        ("2026-11-20", days("2026-09-01", "2026-11-19"), Forecast(21 * DOLLAR, 28, True)),
        # The same with three dollars today: more than usual, so nothing more of today.
        ("2026-11-20", days("2026-09-01", "2026-11-19") | {"2026-11-20": Spent(3 * DOLLAR)}, (23, 28, True)),
        # The first of the month: all by the weekdays of the month before. November 2026 has 21 of them, 9 other days.
        ("2026-11-01", days("2026-09-01", "2026-10-31", weekday=10, weekend=1), (219, 28, True)),
        # The last day: what today lacks of a Monday.
        ("2026-11-30", days("2026-09-01", "2026-11-29", weekday=2), (42, 28, True)),
        # February of a leap year has a 29th, a Tuesday in 2028.
        ("2028-02-28", days("2028-01-01", "2028-02-27"), (21, 28, True)),
        # And of another year it does not.
        ("2027-02-28", days("2027-01-01", "2027-02-27"), (20, 28, True)),
        # Over the end of a year.
        ("2027-01-01", days("2026-11-01", "2026-12-31"), (21, 28, True)),
        # Five days, Monday to Friday: all days alike, for nobody knows their weekends. 10 of them are left of 15.
        ("2026-11-21", days("2026-11-16", "2026-11-20"), (15, 5, False)),
        # A fortnight is enough to tell weekends apart.
        ("2026-11-23", days("2026-11-09", "2026-11-22"), (16, 14, True)),
        ("2026-11-22", days("2026-11-09", "2026-11-21"), (17, 13, False)),
        # Yesterday alone.
        ("2026-11-29", days("2026-11-28", "2026-11-28", weekend=4), (12, 1, False)),
    ],
)
def test_a_month_is_foretold_by_its_weekdays(
    today: str, spent: dict[str, Spent], expected: Forecast | tuple[int, int, bool]
) -> None:
    found = forecast(spent, today)
    if not isinstance(expected, Forecast):
        expected = Forecast(expected[0] * DOLLAR, *expected[1:])
    assert found is not None
    # The mean of 13 days is not a whole dollar.
    assert (round(found.cost / DOLLAR), found.days, found.by_weekday) == (
        round(expected.cost / DOLLAR),
        expected.days,
        expected.by_weekday,
    )


def test_nothing_is_foretold_without_a_past_day() -> None:
    assert forecast({}, "2026-11-20") is None
    assert forecast({"2026-11-20": Spent(DOLLAR)}, "2026-11-20") is None
    long_ago = days("2026-01-01", "2026-01-05")
    assert forecast(long_ago, "2026-11-20") == Forecast(0, 28, True)


def test_a_quiet_week_counts_as_nothing() -> None:
    spent = days("2026-10-01", "2026-11-12")
    found = forecast(spent, "2026-11-20")
    assert found is not None
    # Nine weekdays in November; on each weekday three quarters of a dollar, on Fridays too: 13 Nov was quiet.
    assert found.cost == 9 * DOLLAR + 7 * 3 * DOLLAR // 4


def test_a_forecast_never_goes_below_what_is_spent() -> None:
    spent = {"2026-11-02": Spent(5 * DOLLAR), "2026-11-20": Spent(900 * DOLLAR)}
    found = forecast(spent, "2026-11-20")
    assert found is not None
    assert found.cost > 905 * DOLLAR


def test_half_a_billionth_is_rounded_up() -> None:
    found = forecast({"2026-11-28": Spent(1), "2026-11-27": Spent(0)}, "2026-11-29")
    assert found == Forecast(1 + 1 + 1, 2, False)


def test_only_this_month_is_spent_and_its_prices_are_told() -> None:
    spent = {"2026-10-31": Spent(9 * DOLLAR, 9), "2026-11-01": Spent(50 * DOLLAR), "2026-11-20": Spent(0, 2)}
    found = state(TEAM, spent, "2026-11-20")
    assert (found.spent, found.percent, found.marks, found.month_end) == (
        Spent(50 * DOLLAR, 2),
        50,
        (50,),
        "2026-11-30",
    )
    assert row(found).said.startswith("$50.00+ of $100.00 spent, 50%; about $")


@pytest.mark.parametrize(
    ("cost", "percent", "marks"),
    [
        (0, 0, ()),
        (50 * DOLLAR - 1, 49, ()),
        (50 * DOLLAR, 50, (50,)),
        (80 * DOLLAR - 1, 79, (50,)),
        (100 * DOLLAR - 1, 99, (50, 80)),
        (100 * DOLLAR, 100, (50, 80, 100)),
        (250 * DOLLAR, 250, (50, 80, 100)),
    ],
)
def test_a_mark_is_reached_when_it_is_reached(cost: int, percent: int, marks: tuple[int, ...]) -> None:
    found = state(TEAM, {"2026-11-20": Spent(cost)}, "2026-11-20")
    assert (found.percent, found.marks) == (percent, marks)


def test_without_a_budget_no_part_of_it_is_reached() -> None:
    found = state(Subject("person", "1", "alice", "Alice", None), {"2026-11-20": Spent(DOLLAR)}, "2026-11-20")
    assert (found.percent, found.marks, found.will_exceed) == (None, (), False)
    assert row(found).said == "$1.00 spent."
    assert row(found).bar is None


def standing(spent: int, foretold: int | None) -> State:
    forecast = None if foretold is None else Forecast(foretold * DOLLAR, 28, True)
    return State(TEAM, "2026-11-20", "2026-11-30", Spent(spent * DOLLAR), forecast)


@pytest.mark.parametrize(
    ("found", "said", "bar"),
    [
        (standing(20, None), "$20.00 of $100.00 spent, 20%.", (20, 20, 100)),
        (standing(20, 80), "$20.00 of $100.00 spent, 20%; about $80.00 by 30 Nov 2026.", (20, 80, 100)),
        (
            standing(20, 200),
            "$20.00 of $100.00 spent, 20%; about $200.00 by 30 Nov 2026, more than the budget.",
            (10, 100, 50),
        ),
        (
            standing(160, 200),
            "$160.00 of $100.00 spent, 160%, $60.00 over; about $200.00 by 30 Nov 2026.",
            (80, 100, 50),
        ),
    ],
)
def test_it_is_said_in_words_and_drawn(found: State, said: str, bar: tuple[float, ...]) -> None:
    shown = row(found)
    assert shown.said == said
    assert shown.bar is not None
    assert (shown.bar.spent, shown.bar.forecast, shown.bar.budget) == bar


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("500", 500 * DOLLAR),
        (" $1,200.5 ", 1_200_500_000_000),
        ("0.01", DOLLAR // 100),
        ("", None),
        ("0", None),
        ("0.00", None),
        ("10,000,000", 10**7 * DOLLAR),
    ],
)
def test_an_amount_is_read(typed: str, amount: int | None) -> None:
    assert amount_of(typed) == amount
    assert amount_of(written(amount)) == amount


@pytest.mark.parametrize("typed", ["-5", "1.234", "1,00", "5 €", "1e3", "٥", "ten", "1200,50", "10000000.01", "9" * 13])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"An amount is written like|A budget is at most"):
        amount_of(typed)


def test_months_end_where_they_end() -> None:
    assert [month_end(day) for day in ("2028-02-01", "2027-02-28", "2026-12-31", "2026-11-30")] == [
        "2028-02-29",
        "2027-02-28",
        "2026-12-31",
        "2026-11-30",
    ]
    assert (since("2026-11-20"), since("2026-11-30")) == ("2026-10-23", "2026-11-01")
