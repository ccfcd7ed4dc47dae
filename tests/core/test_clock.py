"""Days of a zone: right at every quarter of an hour, in zones of any offset, on days of 23 and 25 hours."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.core import clock
from arena.core.clock import Days

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "Africa/Cairo", "America/Santiago", "Asia/Tehran"),
)
DAYS = {zone: Days(zone) for zone in ZONES}
"""Kept over all examples, so that what one instant left in the cache meets the next."""


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def directly(zone: str, instant: int) -> str:
    """The day without any cache."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("UTC", "2026-03-29T23:59:59.999Z", "2026-03-29"),
        ("UTC", "2026-03-30T00:00:00Z", "2026-03-30"),
        # Berlin: a day of 23 hours, and one of 25.
        ("Europe/Berlin", "2026-03-28T22:59:59.999Z", "2026-03-28"),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T21:59:59.999Z", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-30"),
        ("Europe/Berlin", "2026-10-25T22:59:59.999Z", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-26"),
        # Offsets with half and quarter hours.
        ("Asia/Kolkata", "2026-06-01T18:29:59.999Z", "2026-06-01"),
        ("Asia/Kolkata", "2026-06-01T18:30:00Z", "2026-06-02"),
        ("Asia/Kathmandu", "2026-06-01T18:14:59.999Z", "2026-06-01"),
        ("Asia/Kathmandu", "2026-06-01T18:15:00Z", "2026-06-02"),
        ("America/St_Johns", "2026-01-02T03:29:59.999Z", "2026-01-01"),
        ("America/St_Johns", "2026-01-02T03:30:00Z", "2026-01-02"),
        # Lord Howe moves its clocks by half an hour.
        ("Australia/Lord_Howe", "2026-01-01T12:59:59.999Z", "2026-01-01"),
        ("Australia/Lord_Howe", "2026-01-01T13:00:00Z", "2026-01-02"),
        ("Australia/Lord_Howe", "2026-07-01T13:29:59.999Z", "2026-07-01"),
        ("Australia/Lord_Howe", "2026-07-01T13:30:00Z", "2026-07-02"),
        # Cairo and Santiago change at midnight: the day begins at 1 o'clock.
        ("Africa/Cairo", "2026-04-23T21:59:59.999Z", "2026-04-23"),
        ("Africa/Cairo", "2026-04-23T22:00:00Z", "2026-04-24"),
    ],
)
def test_an_instant_lies_in_the_day_of_the_wall_clock(zone: str, instant: str, day: str) -> None:
    assert Days(zone).of(at(instant)) == day


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", "2026-03-29T00:00:00+01:00"),
        ("Europe/Berlin", "2026-10-25T00:00:00+02:00"),
        ("America/New_York", "2026-11-01T00:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-04-05T00:00:00+11:00"),
        ("Australia/Lord_Howe", "2026-10-04T00:00:00+10:30"),
        ("Africa/Cairo", "2026-04-24T00:00:00+03:00"),
        ("Africa/Cairo", "2026-10-29T00:00:00+03:00"),
        ("America/Santiago", "2026-04-04T00:00:00-03:00"),
    ],
)
def test_every_quarter_of_a_day_whose_clocks_change_is_right(zone: str, start: str) -> None:
    days, first = Days(zone), at(start) - 7_200_000
    for quarter in range(30 * 4):
        for within in (0, 1, 899_999):
            instant = first + quarter * 900_000 + within
            assert days.of(instant) == directly(zone, instant)


@given(zone=st.sampled_from(ZONES), instant=st.integers(at("2012-01-01T00:00:00Z"), at("2037-12-31T00:00:00Z")))
def test_the_cache_agrees_with_the_zone_at_any_instant(zone: str, instant: int) -> None:
    assert DAYS[zone].of(instant) == directly(zone, instant)
    assert DAYS[zone].of(instant) == directly(zone, instant)


@given(instant=st.integers(0, at("2100-01-01T00:00:00Z")))
def test_the_wall_clock_and_the_day_agree(instant: int) -> None:
    days = DAYS["Asia/Kathmandu"]
    assert days.local(instant // 900_000 * 900_000).date().isoformat() == days.of(instant)


def test_no_zone_moves_its_clocks_but_on_a_quarter_of_an_hour() -> None:
    """What the cache of quarters rests on, for the years in which there is usage to count."""
    first, last = at("2024-01-01T00:00:00Z") // 1000, at("2028-01-01T00:00:00Z") // 1000
    for name in available_timezones() - {"localtime"}:
        zone = ZoneInfo(name)

        def offset(second: int, zone: ZoneInfo = zone) -> timedelta | None:
            return datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()

        before = offset(first)
        for day in range(first + 7 * 86_400, last, 7 * 86_400):
            after = offset(day)
            if after != before:
                low, high = day - 7 * 86_400, day
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if offset(middle) == before else (low, middle)
                assert high % 900 == 0, f"{name} at {high}"
            before = after


def test_the_cache_does_not_grow_without_end() -> None:
    days = Days("UTC")
    for quarter in range(100_050):
        days.of(quarter * 900_000)
    assert len(days._quarters) <= 100_001
    assert days.of(0) == "1970-01-01"


@pytest.mark.parametrize(
    ("day", "days", "shifted"),
    [
        ("2026-11-20", -1, "2026-11-19"),
        ("2026-03-01", -1, "2026-02-28"),
        ("2028-02-28", 1, "2028-02-29"),
        ("2026-12-31", 1, "2027-01-01"),
        ("2026-11-20", 0, "2026-11-20"),
        ("2026-11-20", -364, "2025-11-21"),
    ],
)
def test_a_day_can_be_shifted(day: str, days: int, shifted: str) -> None:
    assert clock.shift(day, days) == shifted


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_176_000_001, "2026-11-20T12:00:00.001Z"),
        (1_795_176_000_999, "2026-11-20T12:00:00.999Z"),
    ],
)
def test_an_instant_is_written_with_milliseconds_and_z(instant: int, written: str) -> None:
    assert clock.iso(instant) == written


@given(instant=st.integers(0, at("2100-01-01T00:00:00Z")))
def test_what_is_written_can_be_read_again(instant: int) -> None:
    assert round(datetime.fromisoformat(clock.iso(instant)).timestamp() * 1000) == instant


def test_now_is_the_time_in_whole_milliseconds() -> None:
    before = time.time() * 1000
    assert before - 1 <= clock.now() <= time.time() * 1000 + 1
    assert isinstance(clock.now(), int)
