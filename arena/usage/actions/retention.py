"""Let the detail of old records and sessions go, and keep who they were and what they add up to.

A record leaves its key and its part in the sums of its day; a session leaves its identity, its project and when it
began. So totals stay as they are, a copy that arrives later changes nothing, and a project can still be forgotten.
Everything is done in short writes with a pause after each, so that whoever reports meanwhile never waits long; each
write leaves every sum right, so that it may be interrupted anywhere and is done by the next call.
"""

import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from arena.core import clock
from arena.core.clock import DAY, Days
from arena.core.config import Retention
from arena.core.db import Database
from arena.core.log import log
from arena.usage import store
from arena.usage.actions.book import Work, add_deeds
from arena.usage.models import ClosedPart, ClosedRecord, Retained, Road, StoredRecord, StoredSession
from arena.usage.rules.closing import Closing
from arena.usage.rules.copies import counting_road, genuine, totals_of

BATCH = 300
"""Records or sessions that one write closes: about 15 ms."""
PAUSE = 0.02
"""Seconds between two writes; a write that took longer is followed by as long a pause."""
Left = dict[tuple[int, str], int]
"""By session and model, how many open records count."""


def retain(db: Database, keep: Retention, *, days: Days, now: int, pause: float = PAUSE) -> Retained:
    """Close what is older than the configuration says; return what went. (From a thread: it waits.)"""
    sweep = _Sweep(db, days, now, pause)
    for user_id in db.read_sync(store.people_with_records):
        if keep.detail_days:
            before, ended = _limits(keep, days, now)
            sweep.close_records(user_id, before)
            sweep.close_sessions(user_id, ended)
            sweep.drop_telemetry(user_id, ended)
        if keep.daily_days:
            sweep.drop_days(user_id, clock.shift(days.of(now), -keep.daily_days))
    told = {table: rows for table, rows in sweep.rows.items() if rows}
    for table, rows in told.items():
        log().info("retention", table=table, count=rows)
    return Retained(told, sweep.writes)


def look(db: Database, keep: Retention, *, days: Days, now: int) -> Retained:
    """Say what `retain` would take away just now, and change nothing."""
    rows: Counter[str] = Counter()
    for user_id in db.read_sync(store.people_with_records):
        if keep.detail_days:
            before, ended = _limits(keep, days, now)
            rows += db.read_sync(partial(_detail_of, user_id=user_id, before=before, ended=ended))
        if keep.daily_days:
            first = clock.shift(days.of(now), -keep.daily_days)
            of_all, of_tools = db.read_sync(partial(store.days_before, user_id=user_id, day=first))
            rows.update(daily_user_stats=of_all, daily_tool_stats=of_tools)
    return Retained({table: count for table, count in rows.items() if count}, 0)


def _limits(keep: Retention, days: Days, now: int) -> tuple[str, int]:
    """The first day whose records are kept, and an instant before which what ended surely ended before that day."""
    return clock.shift(days.of(now), -keep.detail_days), now - (keep.detail_days + 1) * DAY


class _Sweep:
    """One run of retention: what went so far, and the pause after each write."""

    def __init__(self, db: Database, days: Days, now: int, pause: float) -> None:
        self.db = db
        self.days = days
        self.now = now
        self.pause = pause
        self.rows: Counter[str] = Counter()
        self.writes = 0

    def close_records(self, user_id: str, before: str) -> None:
        """Close the messages of which all records are of days before one."""
        left: Left | None = None
        for messages in _pages(self.db, user_id, before):
            if left is None:
                left = self.db.read_sync(partial(store.models_of_sessions, user_id=user_id))
            closed = self._write(
                partial(_close_messages, user_id=user_id, messages=messages, before=before, days=self.days, left=left)
            )
            for place, count in closed.items():
                left[place] = left.get(place, 0) - count

    def close_sessions(self, user_id: str, ended: int) -> None:
        """Close the sessions that ended before an instant and have no open records."""
        waiting = self.db.read_sync(partial(_idle, user_id=user_id, ended=ended))
        for at in range(0, len(waiting), BATCH):
            some = {session.number: session.updated_at for session in waiting[at : at + BATCH]}
            self._write(partial(_close_sessions, user_id=user_id, some=some, days=self.days))
        decided = self.db.read_sync(partial(_fine, user_id=user_id, closing=set()))
        if decided:
            self._write(partial(_drop_anomalies, sessions=decided))

    def drop_telemetry(self, user_id: str, ended: int) -> None:
        """Forget the prompts and counters of telemetry that nothing will come of any more."""
        prompts, streams = self.db.read_sync(partial(store.old_telemetry, user_id=user_id, instant=ended))
        for table, rows, drop in (
            ("telemetry_prompts", prompts, store.drop_prompts),
            ("metric_streams", streams, store.drop_streams),
        ):
            for _ in range(0, rows, BATCH):
                self._write(
                    partial(_drop, table=table, drop=partial(drop, user_id=user_id, instant=ended, limit=BATCH))
                )

    def drop_days(self, user_id: str, first: str) -> None:
        """Remove the daily rows before a day."""
        of_all, of_tools = self.db.read_sync(partial(store.days_before, user_id=user_id, day=first))
        if of_all or of_tools:
            self._write(partial(_drop_days, user_id=user_id, first=first))

    def _write(self, do: Callable[[sqlite3.Connection], tuple[Counter[str], Left]]) -> Left:
        began = time.perf_counter()
        rows, closed = self.db.write_sync(do)
        self.writes += 1
        self.rows += rows
        time.sleep(max(self.pause, time.perf_counter() - began) if self.pause else 0)
        return closed


def _pages(db: Database, user_id: str, before: str) -> Iterator[list[bytes]]:
    """The messages of a person that have records of days before one, some at a time."""
    after = b""
    while keys := db.read_sync(partial(store.keys_before, user_id=user_id, day=before, after=after, limit=BATCH)):
        messages = list(dict.fromkeys(key[:8] for key in keys))
        yield messages
        after = messages[-1] + b"\xff" * 8


def _groups(
    conn: sqlite3.Connection, user_id: str, messages: list[bytes], before: str
) -> tuple[list[list[StoredRecord]], list[list[StoredRecord]]]:
    """The records of messages, each message's together: of those to close, and of those that have a newer one."""
    groups: dict[bytes, list[StoredRecord]] = defaultdict(list)
    for row in store.records_of_messages(conn, user_id, messages):
        groups[row.key[:8]].append(row)
    old = [group for group in groups.values() if all(row.day < before for row in group)]
    return old, [group for group in groups.values() if any(row.day >= before for row in group)]


def _close_messages(
    conn: sqlite3.Connection, *, user_id: str, messages: list[bytes], before: str, days: Days, left: Left
) -> tuple[Counter[str], Left]:
    old, _ = _groups(conn, user_id, messages, before)
    rows = [row for group in old for row in group]
    if not rows:
        return Counter(), {}
    known = store.before_write(conn, user_id)
    flagged = store.anomalies_of_user(conn, user_id) if known.is_flagged else {}
    found = (store.session_by_number(conn, number) for number in dict.fromkeys(row.session for row in rows))
    sessions = {session.number: session for session in found if session is not None}
    closing = Closing(days, sessions, {number for number, each in flagged.items() if each.state == "excluded"})
    work: dict[int, Work] = defaultdict(Work)
    for group in old:
        closing.take_message(group)
        for row in genuine(group):
            work[row.session].add_deeds(row, -1)
        for row in group:
            if row.counted:
                work[row.session].totals.add(totals_of(row), -1)
    closing.end_models(left)
    person = store.closed_person(conn, user_id)
    store.close_records(conn, user_id, [ClosedRecord(person, row.key, row.session, row.sidechain) for row in rows])
    _lower_sessions(conn, sessions, work)
    _keep_sums(conn, user_id, closing)
    requests = 0
    if known.sends_telemetry:
        requests = store.drop_requests(conn, user_id, _requests(rows))
    return Counter(usage_records=len(rows), transcript_requests=requests), closing.models


def _lower_sessions(conn: sqlite3.Connection, sessions: Mapping[int, StoredSession], work: Mapping[int, Work]) -> None:
    """Leave to sessions what their open records hold."""
    usages = []
    for number, closed in work.items():
        session = sessions.get(number)
        if session is None:
            continue
        if add_deeds(session, closed):
            store.set_deeds(conn, session)
        totals = store.token_usage(conn, session.id)
        totals.add(closed.totals)
        usages.append((session, totals))
    store.put_token_usages(conn, usages)


def _keep_sums(conn: sqlite3.Connection, user_id: str, closing: Closing) -> None:
    by_day: dict[str, list[ClosedPart]] = defaultdict(list)
    for part in closing.days:
        by_day[part.day].append(part)
    for day, parts in by_day.items():
        by_tool = store.road_day(conn, user_id, day)
        for part in parts:
            counted = not part.excluded and counting_road(by_tool, part.tool) == part.road
            store.add_to_closed_day(conn, user_id, part, int(counted), closing.days[part])
    if closing.habits:
        known = store.habits(conn, user_id)
        for project, more in closing.habits.items():
            if project in known:
                more.add(known[project])
            store.put_habits(conn, user_id, project, more)


def _requests(rows: Iterable[StoredRecord]) -> set[bytes]:
    return {row.request for row in rows if row.request and row.road == Road.TRANSCRIPTS}


def _idle(conn: sqlite3.Connection, *, user_id: str, ended: int) -> list[StoredSession]:
    found = store.idle_sessions(conn, user_id, ended)
    busy = store.sessions_with_records(conn, user_id, "") if found else set()
    return [session for session in found if session.number not in busy]


def _close_sessions(
    conn: sqlite3.Connection, *, user_id: str, some: dict[int, int], days: Days
) -> tuple[Counter[str], Left]:
    """Close sessions of which nothing was heard since they were looked at."""
    found = (store.session_by_number(conn, number) for number in some)
    quiet = [each for each in found if each and not each.closed and each.updated_at == some[each.number]]
    closing = Closing(days, {}, set())
    for session in quiet:
        closing.take_session(session)
    usages = store.close_sessions(conn, quiet)
    _keep_sums(conn, user_id, closing)
    return Counter(sessions=len(quiet), token_usage=usages), {}


def _fine(conn: sqlite3.Connection, *, user_id: str, closing: set[int]) -> set[int]:
    """Flagged sessions that were found fine and are closed, or will be."""
    fine = {number for number, each in store.anomalies_of_user(conn, user_id).items() if each.state == "fine"}
    return fine & (closing | store.closed_sessions(conn, user_id)) if fine else set()


def _drop_anomalies(conn: sqlite3.Connection, *, sessions: set[int]) -> tuple[Counter[str], Left]:
    store.drop_anomalies(conn, sessions)
    return Counter(anomalies=len(sessions)), {}


def _drop(
    conn: sqlite3.Connection, *, table: str, drop: Callable[[sqlite3.Connection], int]
) -> tuple[Counter[str], Left]:
    return Counter({table: drop(conn)}), {}


def _drop_days(conn: sqlite3.Connection, *, user_id: str, first: str) -> tuple[Counter[str], Left]:
    of_all, of_tools = store.days_before(conn, user_id, first)
    store.drop_days(conn, user_id, first, store.longest_streak(conn, user_id, first))
    return Counter(daily_user_stats=of_all, daily_tool_stats=of_tools), {}


def _detail_of(conn: sqlite3.Connection, *, user_id: str, before: str, ended: int) -> Counter[str]:
    """What would go of a person's detail."""
    rows: Counter[str] = Counter()
    staying = store.sessions_with_records(conn, user_id, before)
    requests: set[bytes] = set()
    after = b""
    while keys := store.keys_before(conn, user_id, before, after, BATCH):
        messages = list(dict.fromkeys(key[:8] for key in keys))
        after = messages[-1] + b"\xff" * 8
        old, young = _groups(conn, user_id, messages, before)
        rows["usage_records"] += sum(map(len, old))
        requests |= _requests(row for group in old for row in group)
        staying |= {row.session for group in young for row in group}
    sessions = [each for each in store.idle_sessions(conn, user_id, ended) if each.number not in staying]
    prompts, streams = store.old_telemetry(conn, user_id, ended)
    rows.update(
        sessions=len(sessions),
        token_usage=sum(store.has_usage(conn, each.id) for each in sessions),
        transcript_requests=sum(store.is_carried(conn, user_id, request) for request in requests),
        telemetry_prompts=prompts,
        metric_streams=streams,
        anomalies=len(_fine(conn, user_id=user_id, closing={each.number for each in sessions})),
    )
    return rows
