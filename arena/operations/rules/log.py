"""How an administrator's question to the security log is read."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from arena.audit.models import EVENTS, Query
from arena.core.clock import is_day
from arena.operations.models import Asked

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The id of a person, who may be deleted."""


def problems(asked: Asked) -> dict[str, str]:
    """Say by field what of a question cannot be understood."""
    found = {}
    if asked.event and asked.event not in EVENTS:
        found["event"] = "There is no such event."
    for field, day in (("since", asked.since), ("until", asked.until)):
        if day and _day(day) is None:
            found[field] = "A day looks like 2026-11-20."
    if not found and asked.since and asked.until and asked.since > asked.until:
        found["until"] = "The last day is before the first one."
    return found


def query(asked: Asked, person: str | None, zone: ZoneInfo) -> Query:
    """The question in ids and instants; ``person`` is the id of whoever was named."""
    since, until = _day(asked.since), _day(asked.until)
    return Query(
        event=asked.event or None,
        person=person,
        address=asked.address or None,
        since=_midnight(since, zone) if since else 0,
        until=_midnight(until + timedelta(days=1), zone) if until else 2**62,
        words=asked.words,
    )


def place(text: str) -> tuple[int, int] | None:
    """Read the place that a page goes on after, as `written` wrote it; None if it is no place."""
    found = re.fullmatch(r"(\d{1,15})-(\d{1,15})", text)
    return (int(found[1]), int(found[2])) if found else None


def written(place: tuple[int, int]) -> str:
    """Write a place for an address."""
    return f"{place[0]}-{place[1]}"


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if is_day(text) else None


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time.min, zone).timestamp() * 1000)
