"""How a question to the log is read."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from arena.audit.models import Query
from arena.operations.models import Asked
from arena.operations.rules.log import place, problems, query, written


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def test_days_are_those_of_the_zone_and_the_last_one_is_included() -> None:
    asked = Asked(since="2026-03-29", until="2026-03-29")
    found = query(asked, None, ZoneInfo("Europe/Berlin"))
    assert (found.since, found.until) == (at("2026-03-29T00:00+01:00"), at("2026-03-30T00:00+02:00"))
    assert query(asked, None, ZoneInfo("Asia/Kathmandu")).since == at("2026-03-29T00:00+05:45")


def test_what_is_left_empty_narrows_nothing() -> None:
    assert query(Asked(), None, ZoneInfo("UTC")) == Query()
    assert problems(Asked()) == {}


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "2026-02-30", "20261120", "2026-W47-5", "２０２６-11-20"])
def test_a_day_that_is_none_is_named(day: str) -> None:
    assert problems(Asked(since=day)) == {"since": "A day looks like 2026-11-20."}
    assert problems(Asked(until=day)) == {"until": "A day looks like 2026-11-20."}


def test_days_the_wrong_way_round_and_an_unknown_event_are_named() -> None:
    assert "until" in problems(Asked(since="2026-11-21", until="2026-11-20"))
    assert "event" in problems(Asked(event="user_teleported"))
    assert problems(Asked(event="user_created", since="2026-11-20", until="2026-11-20")) == {}


def test_a_place_is_read_as_it_was_written() -> None:
    assert place(written((1_795_000_000_000, 17))) == (1_795_000_000_000, 17)
    for text in ("", "17", "a-b", "1-2-3", "-1-2", "1" * 99 + "-1"):
        assert place(text) is None
