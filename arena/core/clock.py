"""The time: epoch milliseconds UTC, and the days of the configured zone.

Only doors (routes, commands, jobs) ask for `now`; below them time is an argument.
"""

import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000


def now() -> int:
    """Epoch milliseconds UTC."""
    return time.time_ns() // 1_000_000


def ticks() -> int:
    """Milliseconds of a clock that only goes forward, from some beginning: for lengths of time, not for instants."""
    return time.monotonic_ns() // 1_000_000


class Days:
    """Put instants into the days of one zone.

    A zone's offset changes at most a few times a year and always on a quarter of an hour, so each quarter of an hour
    is looked up once.
    """

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._quarters: dict[int, str] = {}

    def of(self, instant: int) -> str:
        """Name the day (YYYY-MM-DD) of an instant in epoch milliseconds."""
        quarter = instant // 900_000
        day = self._quarters.get(quarter)
        if day is None:
            if len(self._quarters) > 100_000:
                self._quarters.clear()
            day = datetime.fromtimestamp(quarter * 900, self.zone).date().isoformat()
            self._quarters[quarter] = day
        return day

    def begin(self, day: str) -> int:
        """The instant at which a day (YYYY-MM-DD) begins, in epoch milliseconds."""
        return round(datetime.combine(date.fromisoformat(day), datetime.min.time(), self.zone).timestamp() * 1000)

    def local(self, instant: int) -> datetime:
        """The wall clock of the zone at an instant in epoch milliseconds."""
        return datetime.fromtimestamp(instant / 1000, self.zone)


def shift(day: str, days: int) -> str:
    """Name the day that lies so many days after (or, negative, before) another."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def is_day(text: str) -> bool:
    """Whether a text names a day (YYYY-MM-DD)."""
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) and date.fromisoformat(text))
    except ValueError:
        return False


def iso(instant: int) -> str:
    """Write an instant as RFC 3339 with milliseconds and Z."""
    return datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def written(instant: int, zone: str) -> str:
    """Write an instant on the clock of a zone, to the minute, with the zone's name ("20 Nov 2026, 14:03 UTC")."""
    local = datetime.fromtimestamp(instant / 1000, ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M} {zone}"


def readable(value: Any) -> Any:
    """Write every instant (`*_at`) in plain JSON types as RFC 3339."""
    if isinstance(value, list):
        return [readable(each) for each in value]
    if isinstance(value, dict):
        return {
            name: iso(each) if name.endswith("_at") and isinstance(each, int) else readable(each)
            for name, each in value.items()
        }
    return value
