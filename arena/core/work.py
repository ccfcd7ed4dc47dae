"""What a job is: a name that stays, a time to run, and what it does with the box."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from arena.core.clock import HOUR, MINUTE, Days
from arena.core.config import Config, Place
from arena.core.db import Database

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Work(Struct, frozen=True):
    """What a job may use: database, configuration, folder, days, and the clock."""

    db: Database
    config: Config
    place: Place
    days: Days
    now: Callable[[], int]


class Minutely(Struct, frozen=True):
    """Each minute: for a look whether rows wait, cheap where none does. Nobody keeps count of such runs."""

    words = "every minute"


class Hourly(Struct, frozen=True):
    """At a minute of every hour of the box's zone."""

    minute: int

    @property
    def words(self) -> str:
        """When that is."""
        return f"every hour at :{self.minute:02}"

    def after(self, instant: int, days: Days) -> int:
        """The next such time after an instant. Both are epoch milliseconds."""
        local = days.local(instant)
        begun = instant - instant % MINUTE - local.minute * MINUTE
        at = begun + self.minute * MINUTE
        return at if at > instant else at + HOUR


class At(Struct, frozen=True):
    """At a time of every day, or of one day of the week (0 is Monday), of the box's zone."""

    hour: int
    minute: int
    weekday: int | None = None

    @property
    def words(self) -> str:
        """When that is."""
        day = "day" if self.weekday is None else WEEKDAYS[self.weekday]
        return f"every {day} at {self.hour:02}:{self.minute:02}"

    def after(self, instant: int, days: Days) -> int:
        """The next such time after an instant. Both are epoch milliseconds.

        A time that the zone leaves out when its clocks go forward comes as much later; of one that it has twice, the
        first counts.
        """
        today = days.local(instant).date()
        for ahead in range(9):
            day = today + timedelta(days=ahead)
            if self.weekday is not None and day.weekday() != self.weekday:
                continue
            at = datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=days.zone)
            if (found := round(at.timestamp() * 1000)) > instant:
                return found
        raise AssertionError("each day of the week comes within nine days")


class Job(Struct, frozen=True):
    """A job. What it does may be done twice, and be broken off anywhere: it is then done again."""

    name: str
    """``arena.<room>.<verb>``; the same for ever, whatever the code is called."""
    does: str
    when: At | Hourly | Minutely
    do: Callable[[Work], str | None]
    """Do it; return in a few words what was done, or None where there was nothing to do."""
    is_on: Callable[[Config], bool] = lambda _: True
    is_final: bool = False
    """Whether it takes away or settles for good. A clock that is far ahead must not do that: see `Runner`."""
