"""Scores by the published vectors, tiers, calendar periods, places and ties, efficiency."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.core.config import Ranking
from arena.leaderboard.models import Standing
from arena.leaderboard.rules import METRICS, PERIODS, composite, efficiency, place, tier, window


def somebody(name: str, **figures: object) -> Standing:
    blank = {"input": 0, "output": 0, "cache": 0, "sessions": 0, "streak": 0, "score": 0.0, "joined_at": 1}
    return Standing(
        **{  # type: ignore[arg-type]
            **blank,
            "user_id": name,
            "name": name,
            "display": name.title(),
            "private": False,
            "rank": 0,
            "tied": False,
            "value": 0.0,
            "last_at": 0,
            "before": None,
            **figures,
        }
    )


def places(standings: tuple[Standing, ...]) -> list[tuple[int, str]]:
    return [(each.rank, each.name) for each in standings]


# -- the composite score


@pytest.mark.parametrize(
    ("input", "output", "sessions", "streak", "score"),
    [
        (0, 0, 0, 0, 0),
        (1_000, 2_000, 1, 1, 414.16),
        (1_200_000, 300_000, 45, 5, 414.14),
        (2_000_000, 500_000, 100, 7, 455.79),
        (100, 0, 3, 0, 120.31),
        (0, 500, 1, 1, 133.06),
        (5_000_000_000, 5_000_000_000, 2_000, 40, 875),
    ],
)
def test_the_score_follows_the_published_vectors(
    input: int, output: int, sessions: int, streak: int, score: float
) -> None:
    assert composite(input, output, sessions, streak, Ranking()) == score


@pytest.mark.parametrize(
    ("weights", "score"),
    [
        (Ranking(token=1, efficiency=0, session=0, streak=0), 300.0),
        (Ranking(token=0, efficiency=1, session=0, streak=0), 1000.0),
        (Ranking(token=0, efficiency=0, session=1, streak=0), 333.33),
        (Ranking(token=0, efficiency=0, session=0, streak=1), 500.0),
    ],
)
def test_each_part_can_be_weighed_alone(weights: Ranking, score: float) -> None:
    assert composite(333, 666, 9, 15, weights) == score


@pytest.mark.parametrize(("streak", "score"), [(3, 12.35), (9, 37.04), (29, 119.34), (30, 123.45), (400, 123.45)])
def test_the_score_is_rounded_half_up_to_two_decimals(streak: int, score: float) -> None:
    # 12.345, 37.035 and 119.335 lie halfway.
    assert composite(0, 0, 0, streak, Ranking(token=0, efficiency=0, session=0, streak=0.12345)) == score


COUNT = st.integers(0, 10**13)


@given(input=COUNT, output=COUNT, sessions=st.integers(0, 10**6), streak=st.integers(0, 10**4))
def test_a_score_lies_between_0_and_1000_and_more_sessions_or_days_never_cost(
    input: int, output: int, sessions: int, streak: int
) -> None:
    score = composite(input, output, sessions, streak, Ranking())
    assert 0 <= score <= 1000
    assert round(score, 2) == score
    assert composite(input, output, sessions + 1, streak, Ranking()) >= score
    assert composite(input, output, sessions, streak + 1, Ranking()) >= score
    assert composite(input, output + 1, sessions, streak, Ranking()) >= score


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (0, "Bronze"),
        (199.99, "Bronze"),
        (200, "Silver"),
        (399.99, "Silver"),
        (400, "Gold"),
        (599.99, "Gold"),
        (600, "Platinum"),
        (799.99, "Platinum"),
        (800, "Diamond"),
        (1000, "Diamond"),
    ],
)
def test_a_tier_begins_at_its_score(score: float, name: str) -> None:
    assert tier(score) == name


# -- calendar periods


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("daily", "2026-11-20", "2026-11-20", "2026-11-20"),
        ("weekly", "2026-11-16", "2026-11-16", "2026-11-22"),
        ("weekly", "2026-11-20", "2026-11-16", "2026-11-22"),
        ("weekly", "2026-11-22", "2026-11-16", "2026-11-22"),
        ("weekly", "2026-11-23", "2026-11-23", "2026-11-29"),
        ("weekly", "2027-01-01", "2026-12-28", "2027-01-03"),
        ("weekly", "2028-02-29", "2028-02-28", "2028-03-05"),
        ("monthly", "2026-11-01", "2026-11-01", "2026-11-30"),
        ("monthly", "2026-11-30", "2026-11-01", "2026-11-30"),
        ("monthly", "2026-12-31", "2026-12-01", "2026-12-31"),
        ("monthly", "2026-01-31", "2026-01-01", "2026-01-31"),
        ("monthly", "2026-02-01", "2026-02-01", "2026-02-28"),
        ("monthly", "2028-02-29", "2028-02-01", "2028-02-29"),
        ("monthly", "2100-02-10", "2100-02-01", "2100-02-28"),
        ("all_time", "2026-11-20", "", "2026-11-20"),
    ],
)
def test_a_period_is_a_calendar_period(period: str, day: str, first: str, last: str) -> None:
    assert window(period, day) == (first, last)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_periods_tile_the_calendar(day: date) -> None:
    for period in PERIODS:
        first, last = window(period, day.isoformat())
        assert first <= day.isoformat() <= last
        if period != "all_time":
            assert window(period, first) == window(period, last) == (first, last)
            after = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
            assert window(period, after)[0] == after


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match="yearly"):
        window("yearly", "2026-11-20")


# -- places


def test_more_stands_higher_by_each_metric() -> None:
    people = [
        somebody("alice", score=3.0, input=1, cost=8, sessions=2, streak=1, projects=4),
        somebody("bob", score=2.0, output=9, cost=7, sessions=1, streak=3, projects=6),
        somebody("carol", score=1.0, input=5, cost=9, sessions=3, streak=2, projects=5),
    ]
    orders = {metric: [each.name for each in place(people, metric, None)] for metric in METRICS}
    assert orders == {
        "score": ["alice", "bob", "carol"],
        "tokens": ["bob", "carol", "alice"],
        "cost": ["carol", "alice", "bob"],
        "sessions": ["carol", "alice", "bob"],
        "streak": ["bob", "carol", "alice"],
        "projects": ["bob", "carol", "alice"],
    }


def test_what_is_ranked_by_stands_in_the_value() -> None:
    person = somebody("alice", score=3.5, input=1, output=2, cache=100, cost=6, sessions=4, streak=5, projects=7)
    values = {metric: place([person], metric, None)[0].value for metric in METRICS}
    assert values == {"score": 3.5, "tokens": 3, "cost": 6, "sessions": 4, "streak": 5, "projects": 7}


def test_ties_share_a_rank_and_the_next_rank_is_left_out() -> None:
    people = [somebody(name, sessions=n) for name, n in (("a", 5), ("b", 3), ("c", 3), ("d", 3), ("e", 1), ("f", 1))]
    placed = place(people, "sessions", None)
    assert places(placed) == [(1, "a"), (2, "b"), (2, "c"), (2, "d"), (5, "e"), (5, "f")]
    assert [each.tied for each in placed] == [False, True, True, True, True, True]


def test_within_a_tie_more_tokens_stand_first_then_who_joined_earlier_then_the_id() -> None:
    people = [
        somebody("e", joined_at=2),
        somebody("d", joined_at=2),
        somebody("c", joined_at=1),
        somebody("b", output=1, joined_at=9),
        somebody("a", input=1, cache=99, joined_at=10),
        somebody("z", input=2, joined_at=11),
    ]
    placed = place(people, "score", None)
    assert [each.name for each in placed] == ["z", "b", "a", "c", "d", "e"]
    assert {each.rank for each in placed} == {1}


@given(st.permutations(range(5)), st.permutations(range(5)))
def test_the_place_of_somebody_private_within_a_tie_tells_nothing_of_when_they_joined(
    joined: list[int], order: list[int]
) -> None:
    people = [
        somebody("a", joined_at=20),
        somebody("b", joined_at=10, sessions=9),
        somebody("x", joined_at=joined[0] * 10, private=True),
        somebody("y", joined_at=joined[1] * 10, private=True, sessions=2),
        somebody("z", joined_at=joined[2] * 10, private=True, streak=1),
    ]
    assert [each.name for each in place([people[n] for n in order], "score", None)] == ["b", "a", "x", "z", "y"]


@given(st.permutations([("a", 3, 1), ("b", 3, 2), ("c", 2, 0), ("d", 2, 0), ("e", 0, 0)]))
def test_the_order_does_not_depend_on_the_order_of_arrival(people: list[tuple[str, int, int]]) -> None:
    placed = place([somebody(name, sessions=n, input=i) for name, n, i in people], "sessions", None)
    assert places(placed) == [(1, "b"), (1, "a"), (3, "c"), (3, "d"), (5, "e")]


def test_earlier_places_are_carried_along_and_somebody_new_has_none() -> None:
    placed = place([somebody("a", sessions=2), somebody("b", sessions=1)], "sessions", {"a": 7})
    assert [each.before for each in placed] == [7, None]
    assert [each.before for each in place([somebody("a")], "score", None)] == [None]


def test_nobody_is_a_board_too() -> None:
    assert place([], "score", {}) == ()


# -- efficiency


@pytest.mark.parametrize(
    ("input", "output", "value"),
    [
        (0, 0, 0),
        (0, 500, 0),
        (3, 1, 0.3333),
        (3, 2, 0.6667),
        (1, 3, 3),
        (20_000, 1, 0.0001),  # 0.00005, rounded half up
        (80_000, 1, 0),
        (80_000, 9, 0.0001),
        (10_000_000_000_000, 1, 0),
    ],
)
def test_efficiency_is_output_for_each_token_of_input_rounded_half_up(input: int, output: int, value: float) -> None:
    assert efficiency(input, output) == value
