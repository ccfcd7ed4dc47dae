"""Sliding windows: never more than the limit in any stretch of time, and never forgotten what still counts."""

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from arena.core import config
from arena.core.clock import MINUTE
from arena.core.config import Rate
from arena.doors import DOORS, Limit
from arena.web.limits import SLICES, Limits, Meter

START = 1_234_567
TEN = Rate(10, "minute")


def passed(meter: Meter, times: list[int], who: str = "bob") -> list[int]:
    return [now for now in times if not meter.take(who, now).wait]


def most_within(times: list[int], length: int) -> int:
    return max((sum(first <= other < first + length for other in times) for first in times), default=0)


gaps = st.lists(st.one_of(st.integers(0, 50), st.integers(0, 70_000)), max_size=200)


@given(gaps, st.integers(1, 12), st.sampled_from(sorted(config.UNITS)))
def test_never_more_than_the_limit_pass_in_any_window(gaps: list[int], number: int, unit: str) -> None:
    rate = Rate(number, unit)
    times = list(itertools.accumulate(gaps, initial=START))
    assert most_within(passed(Meter(rate), times), rate.milliseconds) <= number


@given(gaps, st.integers(1, 12))
def test_nobody_is_refused_who_stays_below_the_limit_of_a_slightly_longer_window(gaps: list[int], number: int) -> None:
    times, kept = list(itertools.accumulate(gaps, initial=START)), []
    longer = MINUTE + MINUTE // SLICES
    for now in times:
        if sum(now - other < longer for other in kept) < number:
            kept.append(now)
    assert passed(Meter(Rate(number, "minute")), kept) == kept


@given(gaps)
def test_whoever_waits_as_long_as_told_passes(gaps: list[int]) -> None:
    meter, now = Meter(TEN), START
    for gap in gaps:
        now += gap
        quota = meter.take("bob", now)
        if quota.wait:
            assert meter.take("bob", now + quota.wait - 1).wait == 1
            now += quota.wait
            assert not meter.take("bob", now).wait


def test_the_first_call_beyond_the_limit_is_refused_and_the_first_after_the_window_passes() -> None:
    meter, width = Meter(TEN), MINUTE // SLICES
    begin = START // width * width
    assert [meter.take("bob", begin).remaining for _ in range(10)] == list(range(9, -1, -1))
    assert meter.take("bob", begin).wait == MINUTE + width
    assert meter.take("bob", begin + MINUTE - 1).wait
    assert meter.take("bob", begin + MINUTE + width - 1).wait == 1
    quota = meter.take("bob", begin + MINUTE + width)
    assert (quota.limit, quota.remaining, quota.wait) == (10, 9, 0)


def test_a_refused_call_is_not_counted() -> None:
    meter = Meter(TEN)
    assert len(passed(meter, [START + n for n in range(1000)])) == 10
    assert not meter.take("bob", START + 1000 + 2 * MINUTE).wait


def test_callers_are_counted_apart() -> None:
    meter = Meter(Rate(1, "minute"))
    assert not meter.take("bob", START).wait
    assert not meter.take("carol", START).wait
    assert meter.take("bob", START).wait


def test_the_headers_say_when_in_epoch_milliseconds() -> None:
    quota = Meter(TEN).take("bob", START)
    assert quota.headers(1_795_176_000_000) == [
        (b"x-ratelimit-limit", b"10"),
        (b"x-ratelimit-remaining", b"9"),
        (b"x-ratelimit-reset", str(1_795_176_000_000 + quota.reset).encode()),
    ]
    assert MINUTE < quota.reset <= MINUTE + MINUTE // SLICES


def test_a_crowd_of_addresses_does_not_fill_the_memory() -> None:
    meter = Meter(TEN, kept=100)
    for number in range(10_000):
        meter.take(f"address {number}", START + number)
    assert len(meter) == 100


def test_whoever_asks_all_the_time_keeps_their_window_in_a_crowd() -> None:
    meter = Meter(TEN, kept=100)
    calls = [meter.take(f"address {number}", START) and meter.take("bob", START).wait for number in range(1000)]
    assert sum(not wait for wait in calls) == 10


def test_the_memory_of_a_crowd_is_given_back_when_it_has_gone() -> None:
    meter = Meter(TEN)
    for number in range(500):
        meter.take(f"address {number}", START)
    meter.take("bob", START + 2 * MINUTE)
    assert len(meter) == 1


def test_a_busy_window_holds_a_count_for_each_slice_and_no_more() -> None:
    meter = Meter(Rate(10**9, "minute"))
    for now in range(START, START + 10 * MINUTE, 100):
        meter.take("bob", now)
    assert len(meter._windows["bob"].slices) <= SLICES + 1
    assert meter._windows["bob"].total <= (MINUTE + MINUTE // SLICES) / 100


@pytest.mark.parametrize("unit", config.UNITS)
def test_every_unit_has_whole_slices(unit: str) -> None:
    assert config.UNITS[unit] % SLICES == 0


def test_a_limit_that_is_off_has_no_meter() -> None:
    limits = Limits(config.Limits(api="off", public=0))
    assert set(limits.known) == set(limits.strangers) == {"authentication", "sensitive", "upload", "otlp"}


def test_people_are_not_pushed_out_by_addresses() -> None:
    limits = Limits(config.Limits())
    assert limits.known["api"] is not limits.strangers["api"]


def test_every_limit_of_a_door_is_a_key_of_the_configuration() -> None:
    assert set(get_args(Limit)) == set(structs.asdict(config.Limits()))
    assert {door.limit for door in DOORS} <= {*get_args(Limit), None}
