"""What is closed, and what it leaves behind: sums by day for the totals, and habits for the pages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from arena.core.clock import Days
from arena.usage.models import ClosedPart, Habits, Road, StoredRecord, StoredSession, Totals, add_counts
from arena.usage.rules.copies import genuine, tokens_of, totals_of

_tools = msgspec.json.Decoder(dict[str, int])


class Closing:
    """What some records and sessions of a person leave behind when their detail goes.

    ``sessions`` has the sessions that they are in, ``excluded`` the numbers of those that are left out of ranking.
    """

    def __init__(self, days: Days, sessions: Mapping[int, StoredSession], excluded: set[int]) -> None:
        self._days = days
        self._sessions = sessions
        self._excluded = excluded
        self.days: dict[ClosedPart, Totals] = defaultdict(Totals)
        self.habits: dict[str, Habits] = defaultdict(Habits)
        self.models: dict[tuple[int, str], int] = defaultdict(int)
        """By session and model, how many records that count were among them."""

    def take_message(self, records: Iterable[StoredRecord]) -> None:
        """Close all records of one message."""
        for row in genuine(records):
            self._take(row)

    def take_session(self, session: StoredSession) -> None:
        """Close a session that has no open records any more."""
        if session.first_at is None:
            return
        habits = self.habits[_project(session)]
        habits.sessions += 1
        habits.seconds += session.duration_seconds
        add_counts(habits.ends, {hour_of_week(self._days, session.ended_at): 1})

    def end_models(self, left: Mapping[tuple[int, str], int]) -> None:
        """Note the sessions that have no further record of a model, where so many were ``left`` before."""
        for (number, model), closed in self.models.items():
            if closed >= left.get((number, model), 0):
                habits = self.habits[_project(self._sessions.get(number))]
                sessions, tokens = habits.models[model]
                habits.models[model] = sessions + 1, tokens

    def _take(self, row: StoredRecord) -> None:
        session = self._sessions.get(row.session)
        excluded = int(row.session in self._excluded)
        part = ClosedPart(row.day, row.tool, row.road, excluded, _project(session), row.model)
        self.days[part].add(totals_of(row))
        habits = self.habits[part.project]
        if session and session.first_at is not None:
            habits.turns += row.turns
        habits.lines_added += row.lines_added
        habits.lines_deleted += row.lines_deleted
        habits.files_created += row.files_created
        habits.files_modified += row.files_modified
        if row.tools:
            add_counts(habits.tools, _tools.decode(row.tools))
        if not row.counted:
            return
        sessions, tokens = habits.models.get(row.model, (0, 0))
        habits.models[row.model] = sessions, tokens + tokens_of(row)
        if row.road != Road.DAY_ROWS:  # they are of a day, not of an hour, and of no session
            self.models[row.session, row.model] += 1
            add_counts(habits.hours, {hour_of_week(self._days, row.at): tokens_of(row)})


def hour_of_week(days: Days, instant: int) -> int:
    """The hour of the week that an instant lies in, in the zone of the days; Sunday's first is 0."""
    local = days.local(instant)
    return local.isoweekday() % 7 * 24 + local.hour


def _project(session: StoredSession | None) -> str:
    return (session.anonymous_project_id if session else None) or ""
