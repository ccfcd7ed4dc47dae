"""The book: what one write touches is taken out of the sums, changed, and put back."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import clock, ids
from arena.core.clock import Days
from arena.prices.actions import current as prices
from arena.usage import store
from arena.usage.actions.telemetry import Telemetry
from arena.usage.models import (
    MIXED,
    OPENTELEMETRY,
    TOOL_BY_ID,
    TOOL_BY_NUMBER,
    UNKNOWN,
    Anomaly,
    Day,
    Outcome,
    Reason,
    Report,
    Road,
    RoadSums,
    StoredRecord,
    StoredSession,
    Totals,
    UserTotals,
    Write,
)
from arena.usage.rules.copies import counting_road, genuine, is_closed, merge, tokens_of, totals_of, used_by, was_used
from arena.usage.rules.doubts import GROWN_SINCE, OUTPUT_PER_DAY, RECENT, Usual, doubts, is_beyond_response
from arena.usage.rules.telemetry import event_key, is_told_by, point_groups
from arena.wire import Record

SESSIONS_AT_ONCE, MESSAGES_AT_ONCE = 25, 500
"""What one statement looks for: a place in a longer text of identities is found more slowly, in bytes it is not."""
NOTHING = Totals()
T = TypeVar("T")


class Shared:
    """What the books of one transaction have in common, looked up once."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.prices = prices(conn)
        self._collectors: dict[str, int] = {}
        self._next_session = 0

    def collector(self, name: str) -> int:
        """The number of a collector and version."""
        if name not in self._collectors:
            self._collectors[name] = store.collector(self.conn, name)
        return self._collectors[name]

    def new_session(self) -> int:
        """A number for a new session."""
        self._next_session = (self._next_session or store.last_session_number(self.conn)) + 1
        return self._next_session


class Work:
    """What a session's records add up to: the tokens of those that count, the deeds of all but replays.

    ``held`` is what a flagged session's records hold, whether they count or not.
    """

    __slots__ = ("created", "held", "lines_added", "lines_deleted", "modified", "tools", "totals", "turns")

    def __init__(self) -> None:
        self.totals = Totals()
        self.held = Totals()
        self.turns = self.lines_added = self.lines_deleted = self.created = self.modified = 0
        self.tools: dict[str, int] = {}

    def add_deeds(self, record: StoredRecord, sign: int) -> None:
        self.turns += sign * record.turns
        self.lines_added += sign * record.lines_added
        self.lines_deleted += sign * record.lines_deleted
        self.created += sign * record.files_created
        self.modified += sign * record.files_modified
        if record.tools:
            for name, count in _counts(record.tools).items():
                self.tools[name] = self.tools.get(name, 0) + sign * count


_counts = msgspec.json.Decoder(dict[str, int]).decode
_by_tool = msgspec.json.Decoder(dict[str, dict[str, int]]).decode
_encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode


class Book:
    """One write: what it touches is taken out of the sums, changed, and put back, so that only differences move.

    A message's records are read together (`groups`), because a sidechain's copy counts only while the main chain has
    none.
    """

    def __init__(
        self, conn: sqlite3.Connection, user_id: str, days: Days, now: int, shared: Shared | None = None
    ) -> None:
        self.conn = conn
        self.shared = shared or Shared(conn)
        self.user_id = user_id
        self.days = days
        self.now = now
        self.groups: dict[bytes, dict[bytes, StoredRecord]] = {}
        self.closed: dict[bytes, dict[bytes, int]] = {}
        """By message, its closed records, and whether each is a sidechain's."""
        self.changed: set[bytes] = set()
        self.known: dict[str, StoredSession] = {}
        """Sessions that were looked up, by identity."""
        self.sessions: dict[str, StoredSession] = {}
        """Those that this write touches."""
        self.moved: dict[tuple[str, int, int, int], Totals] = defaultdict(Totals)
        """By day, tool, road and whether it is in excluded sessions: what genuine records and used sessions changed."""
        self.before = store.before_write(conn, user_id)
        self.anomalies = store.anomalies_of_user(conn, user_id) if self.before.is_flagged else {}
        self.excluded = {number for number, each in self.anomalies.items() if each.state == "excluded"}
        """The numbers of sessions that are left out of ranking."""
        self.beyond: set[int] = set()
        """The numbers of sessions in which this write put a response that no model can give."""
        self.full_days: set[str] = set()
        """Days that this write took beyond what can be written in a day."""
        self.anew = False
        """Whether everything is counted from nothing: then nothing is new that could be doubted."""
        self.genuine: dict[bytes, list[StoredRecord]] = {}
        """By message, once the book is closed: what `genuine` leaves of its records."""
        self.work: dict[int, Work] = defaultdict(Work)
        """By session number: what its records changed."""
        self.new: set[int] = set()
        """The numbers of sessions that this write will insert."""
        self.reported: set[int] = set()
        """The numbers of sessions that this write has had a report of."""
        self.telemetry = Telemetry(conn, user_id, now, is_sent=self.before.sends_telemetry)
        self.begun: dict[int, int] = {}
        """By session number, the earliest use that this write has heard of but by telemetry."""
        self.removed: dict[int, int] = {}
        """By session number, the earliest instant of what better roads took out of it."""
        self.last_activity = 0

    # -- taking reports in

    def look_up(self, writes: Sequence[Write]) -> None:
        """Read what is known of what the reports of some writes are about, before they are taken."""
        hashes = {report.session_hash: None for write in writes for report in write.reports}
        for part in _parts(list(hashes), SESSIONS_AT_ONCE):
            for session in store.sessions_by_hash(self.conn, self.user_id, part):
                self.known[session.session_hash] = session
        # The session API names a record after its session, so a new session's record cannot be there yet.
        self._open(
            bytes.fromhex(sent.key[:16])
            for write in writes
            for report in write.reports
            if write.road != Road.SESSION_API or report.session_hash in self.known
            for sent in report.records
        )

    def take(self, report: Report, road: int, outcome: Outcome) -> tuple[str, str]:
        """Merge a report that was looked up; return its session's id and what became of the session."""
        told = len(report.records)
        fresh = self._not_closed(report, road)
        if road in OPENTELEMETRY:
            report = fresh = self._not_yet_told(fresh, road)
        outcome.known += told - len(fresh.records)
        known = self.sessions.get(report.session_hash) or self.known.get(report.session_hash)
        if not fresh.records and (road == Road.METRICS or (known is not None and known.closed)):
            return known.id if known is not None else "", "known"
        if known is not None and known.closed:
            report = _as_new(fresh)
        session = self._session(report, road)
        is_new = session.number in self.new and session.number not in self.reported
        self.reported.add(session.number)
        before = (outcome.stored, outcome.grown)
        collector = self.shared.collector(report.collector)
        for sent in fresh.records:
            day = report.day or self.days.of(sent.at)
            copy = _copy(self.user_id, sent, session.number, report.tool.number, road, day, collector)
            self._take_record(copy, outcome)
        self._note_activity(session)
        if is_new:
            return session.id, "stored"
        return session.id, "known" if before == (outcome.stored, outcome.grown) else "grown"

    def _not_closed(self, report: Report, road: int) -> Report:
        """A report without copies of closed records."""
        if not self.closed:
            return report
        records = []
        for each in report.records:
            key = bytes.fromhex(each.key)
            if not is_closed(key, each.sidechain, road, self.closed.get(key[:8], {})):
                records.append(each)
        return msgspec.structs.replace(report, records=records)

    def _not_yet_told(self, report: Report, road: int) -> Report:
        """What of a report of telemetry no better road has told."""
        if road == Road.TELEMETRY:
            self.telemetry.begin(row for group in self.groups.values() for row in group.values())
            return self.telemetry.events(report)
        session = self.sessions.get(report.session_hash) or self.known.get(report.session_hash)
        return self.telemetry.metrics(report, session.road if session is not None else None)

    def take_everything(self) -> None:
        """Take all records and sessions of the person as if they were new, and what closed ones left as it is."""
        self.anew = True
        for part, totals in store.closed_days(self.conn, self.user_id):
            self.moved[part.day, part.tool, part.road, part.excluded].add(totals)
        for session in store.sessions_of_user(self.conn, self.user_id):
            if session.closed:
                self._move_session(session, 1)
                continue
            session.turn_count, session.tool_usage, session.code_metrics = 0, "{}", "{}"
            if session.road != Road.DAY_ROWS:  # they are of a day, not of an instant
                session.day = self.days.of(session.started_at if session.first_at is None else session.first_at)
            self.sessions[session.session_hash] = session
            self._note_activity(session)
            store.put_token_usages(self.conn, [(session, Totals())])
        for row in store.records_of_user(self.conn, self.user_id):
            before = (row.day, row.cost, row.price_version)
            if row.road != Road.DAY_ROWS:
                row.day = self.days.of(row.at)
            self._price(row)
            self.groups.setdefault(row.key[:8], {})[row.key] = row
            if (row.day, row.cost, row.price_version) != before:
                self.changed.add(row.key)

    def take_apart(self, anomaly: Anomaly) -> None:
        """Take a flagged session out of the sums, to be put back among what its state says: what counts or not."""
        number = anomaly.session
        self._open(row.key[:8] for row in store.records_of_session(self.conn, self.user_id, number))
        session = store.session_by_number(self.conn, number)
        if session is not None:
            self.sessions[session.session_hash] = session
            self._move_session(session, -1)
        self.anomalies[number] = anomaly
        (self.excluded.add if anomaly.state == "excluded" else self.excluded.discard)(number)

    def take_to_price(self, since: str) -> int:
        """Price again what has no price, and all from a day on; return how many records cost something else now."""
        moved: list[bytes] = []
        for row in store.records_to_price(self.conn, self.user_id, since):
            before = row.cost
            self._price(row)
            if row.cost != before:
                moved.append(row.key)
        self._open(key[:8] for key in moved)
        for key in moved:
            self._price(self.groups[key[:8]][key])
            self.changed.add(key)
        return len(moved)

    def _session(self, report: Report, road: int) -> StoredSession:
        """The session of a report as it is after it."""
        first_at: int | None = None
        if road != Road.DAY_ROWS:  # a sum of sessions is none itself
            for each in report.records:
                if _was_used(each) and (first_at is None or each.at < first_at):
                    first_at = each.at
        session = self.sessions.get(report.session_hash)
        if session is None:
            session = self.known.get(report.session_hash)
            if session is None:
                return self._new_session(report, road, first_at)
            self._move_session(session, -1)
            self.sessions[report.session_hash] = session
            if session.closed:
                session.closed, session.started_at, session.ended_at = 0, report.started_at, report.ended_at
        self._note_begin(session, road, first_at)
        if first_at is not None and (session.first_at is None or first_at < session.first_at):
            session.first_at, session.day = first_at, self.days.of(first_at)
        if road < session.road and session.road in OPENTELEMETRY:
            self._retire_metrics(session, road)
        session.road = min(session.road, road)
        session.started_at = min(session.started_at, report.started_at)
        session.ended_at = max(session.ended_at, report.ended_at)
        session.duration_seconds = max(session.duration_seconds, _duration(report, session))
        session.anonymous_project_id = session.anonymous_project_id or report.project or None
        session.device = session.device or report.device or None
        session.model_name = _main_model(report.records) or session.model_name
        return session

    def _new_session(self, report: Report, road: int, first_at: int | None) -> StoredSession:
        session = StoredSession(
            number=self.shared.new_session(),
            id=ids.uuid7(),
            user_id=self.user_id,
            tool_type_id=report.tool.id,
            session_hash=report.session_hash,
            anonymous_project_id=report.project or None,
            device=report.device or None,
            road=road,
            day=report.day or self.days.of(report.started_at if first_at is None else first_at),
            first_at=first_at,
            started_at=report.started_at,
            ended_at=report.ended_at,
            duration_seconds=0,
            model_name=_main_model(report.records),
            turn_count=0,
            tool_usage="{}",
            code_metrics="{}",
            created_at=self.now,
            updated_at=self.now,
        )
        session.duration_seconds = _duration(report, session)
        self.sessions[report.session_hash] = session
        self.new.add(session.number)
        self._note_begin(session, road, first_at)
        return session

    def _take_record(self, copy: StoredRecord, outcome: Outcome) -> None:
        group = self.groups.setdefault(copy.key[:8], {})
        old = group.get(copy.key)
        if old is None:
            if copy.request and copy.road == Road.TRANSCRIPTS and self.telemetry.is_sent:
                self._take_over(copy.request)
            self._price(copy)
            group[copy.key] = copy
            self.changed.add(copy.key)
            outcome.stored += 1
            return
        merged = merge(old, copy)
        if merged == old:
            outcome.known += 1
            return
        self._price(merged)
        group[copy.key] = merged
        self.changed.add(copy.key)
        outcome.grown += 1

    def _note_begin(self, session: StoredSession, road: int, first_at: int | None) -> None:
        if first_at is not None and road not in OPENTELEMETRY:
            self.begun[session.number] = min(first_at, self.begun.get(session.number, first_at))

    def _note_activity(self, session: StoredSession) -> None:
        if session.road != Road.DAY_ROWS:  # of a whole day nobody knows when in it
            self.last_activity = max(self.last_activity, session.ended_at)

    def _take_over(self, request: bytes) -> None:
        """Let the transcript's record of a request be what telemetry told of it, too."""
        self.telemetry.carried.add(request)
        key = event_key(request)
        self._open([key[:8]])
        group = self.groups.get(key[:8], {})
        if key in group:
            self._remove(group, group[key])

    def _retire_metrics(self, session: StoredSession, road: int) -> None:
        """Take out of a session what metrics told, now that it is told by a better road."""
        messages = list(point_groups(session.session_hash, session.started_at, session.ended_at))
        self._open(messages)
        for message in messages:
            group = self.groups.get(message, {})
            for row in list(group.values()):
                if row.road == Road.METRICS and is_told_by(road, tokens_of(row) > 0):
                    self._remove(group, row)

    def _remove(self, group: dict[bytes, StoredRecord], row: StoredRecord) -> None:
        """Remove a record of an open group, which is in no sum while it is open."""
        del group[row.key]
        self.changed.discard(row.key)
        self.removed[row.session] = min(row.at, self.removed.get(row.session, row.at))
        store.delete_records(self.conn, self.user_id, [row.key])

    def _price(self, row: StoredRecord) -> None:
        """Say what a record costs: by the table, or by the tool's own word where the tokens do not tell it."""
        if not row.tokens_known or row.speed == MIXED:
            row.cost = None if row.cost_recorded is None else round(row.cost_recorded * 1e9)
            return
        found = self.shared.prices.cost(row.model, used_by(row), row.day)
        row.cost, row.price_version = (found.nanodollars, found.version) if found else (None, None)

    def _open(self, messages: Iterable[bytes]) -> list[bytes]:
        """Take messages that are not open out of the sums, with all their records; return those that have any."""
        closed = [message for message in dict.fromkeys(messages) if message not in self.groups]
        found: dict[bytes, dict[bytes, StoredRecord]] = {}
        for part in _parts(closed, MESSAGES_AT_ONCE):
            for row in store.records_of_messages(self.conn, self.user_id, part):
                found.setdefault(row.key[:8], {})[row.key] = row
            if self.before.closed_person is not None:
                for key, sidechain in store.closed_of_messages(self.conn, self.before.closed_person, part):
                    self.closed.setdefault(key[:8], {})[key] = sidechain
        for group in found.values():
            for row in genuine(group.values()):
                self._move_record(row, -1)
                self.work[row.session].add_deeds(row, -1)
            for row in group.values():
                if row.counted:
                    self.work[row.session].totals.add(totals_of(row), -1)
        self.groups.update(found)
        return list(found)

    def _move_record(self, row: StoredRecord, sign: int) -> None:
        totals = totals_of(row)
        self.moved[row.day, row.tool, row.road, int(row.session in self.excluded)].add(totals, sign)
        if row.session in self.anomalies:
            self.work[row.session].held.add(totals, sign)

    def _move_session(self, session: StoredSession, sign: int) -> None:
        if session.first_at is not None:
            tool, apart = TOOL_BY_ID[session.tool_type_id].number, int(session.number in self.excluded)
            self.moved[session.day, tool, session.road, apart].sessions += sign

    # -- putting everything back

    def close(self) -> int:
        """Write what changed; return by how many tokens (input and output) the person's total rose."""
        self.telemetry.close()
        self._date_sessions()
        for message in self.groups:
            self._put_back(message)
        for session in self.sessions.values():
            self._move_session(session, 1)
        roads, counted, recounted = self._settle_roads()
        self._settle_records(roads)
        usages = self._settle_sessions(recounted)
        risen = self._settle_sums(counted)
        self._watch(usages, recounted)
        return risen

    def _date_sessions(self) -> None:
        """Let sessions of which the first record was removed begin with what is left of them; with nothing, none is."""
        numbered = {session.number: session for session in self.sessions.values()}
        for number, at in self.removed.items():
            session = numbered.get(number) or store.session_by_number(self.conn, number)
            if session is None or session.first_at is None or session.first_at < at:
                continue
            if number not in numbered:
                self._move_session(session, -1)
                self.sessions[session.session_hash] = session
            rows = (row for group in self.groups.values() for row in group.values() if row.session == number)
            found = [row.at for row in rows if was_used(row)]
            found += (at for at in (self.begun.get(number), store.first_use(self.conn, self.user_id, number)) if at)
            session.first_at = min(found, default=None)
            if session.first_at is not None:
                session.day = self.days.of(session.first_at)

    def _put_back(self, message: bytes) -> None:
        rows = self.genuine[message] = genuine(self.groups[message].values())
        for row in rows:
            self._move_record(row, 1)

    def _settle_roads(self) -> tuple[dict[tuple[str, int], int | None], dict[str, dict[int, Totals]], set[int]]:
        """Move the sums of each road and choose, for each day and tool, the one that counts.

        Returns the road that counts by day and tool, what that changed by day and tool, and the sessions of roads
        that began or ceased to count.
        """
        touched: dict[str, set[int]] = defaultdict(set)
        changes: dict[str, list[tuple[int, int, int, Totals]]] = defaultdict(list)
        for (day, tool, road, apart), change in self.moved.items():
            if change != NOTHING:
                touched[day].add(tool)
                changes[day].append((tool, road, apart, change))
        for group in self.groups.values():
            for row in group.values():
                if row.key in self.changed:
                    touched[row.day].add(row.tool)
        roads: dict[tuple[str, int], int | None] = {}
        counted: dict[str, dict[int, Totals]] = defaultdict(dict)
        recounted: set[int] = set()
        for day, tools in sorted(touched.items()):
            by_tool = store.road_day(self.conn, self.user_id, day)
            if UNKNOWN.number in by_tool:  # whether it counts hangs on the other tools
                tools.add(UNKNOWN.number)
            before = {tool: counting_road(by_tool, tool) for tool in tools}
            old = {tool: msgspec.structs.replace(_counting(by_tool, tool, road)) for tool, road in before.items()}
            there = {(tool, road) for tool, known in by_tool.items() for road, _ in known}
            for tool, road, apart, change in changes[day]:
                totals = by_tool.setdefault(tool, {}).setdefault((road, apart), Totals())
                totals.add(change)
                store.put_road_day(self.conn, self.user_id, day, tool, road, apart, totals)
            for tool, old_road in sorted(before.items()):
                new_road = roads[day, tool] = counting_road(by_tool, tool)
                new = _counting(by_tool, tool, new_road)
                if new != old[tool]:
                    counted[day][tool] = new.minus(old[tool])
                if old_road != new_road and old_road is not None:
                    recounted |= store.uncount(self.conn, self.user_id, day, tool, old_road)
                if self.before.closed_person is not None and (old_road != new_road or self.anew):
                    store.count_closed(self.conn, self.user_id, day, tool, new_road)
                if old_road != new_road and (tool, new_road) in there:
                    self._reopen(day, tool, new_road)
        return roads, counted, recounted

    def _reopen(self, day: str, tool: int, road: int | None) -> None:
        """Take up what a road brought before, which counts from now on."""
        rows = store.records_of_road(self.conn, self.user_id, day, tool, road)
        for message in self._open(row.key[:8] for row in rows):
            self._put_back(message)

    def _settle_records(self, roads: dict[tuple[str, int], int | None]) -> None:
        dirty: list[StoredRecord] = []
        for message, group in self.groups.items():
            real = self.genuine[message]
            for row in real:
                self.work[row.session].add_deeds(row, 1)
            for row in group.values():
                before = row.counted
                if row.session in self.excluded:
                    row.counted = 0
                elif (row.day, row.tool) in roads:
                    row.counted = int(row in real and row.road == roads[row.day, row.tool])
                elif row not in real:
                    row.counted = 0
                if row.counted:
                    self.work[row.session].totals.add(totals_of(row))
                if row.key in self.changed or row.counted != before:
                    dirty.append(row)
                    if is_beyond_response(row):
                        self.beyond.add(row.session)
        dirty.sort(key=lambda row: row.key)
        store.put_records(self.conn, dirty)

    def _settle_sessions(self, recounted: set[int]) -> list[tuple[StoredSession, Totals]]:
        """Write the sessions that were touched; return those whose counted tokens changed, with what they are now."""
        by_number = {session.number: session for session in self.sessions.values()}
        usages: list[tuple[StoredSession, Totals]] = []
        for number in self.work.keys() | recounted | by_number.keys():
            session = by_number.get(number) or store.session_by_number(self.conn, number)
            if session is None:
                continue
            work = self.work[number]
            session.updated_at = self.now
            if number in recounted:
                usages.append((session, store.counted_of_session(self.conn, self.user_id, number)))
            elif number in self.new:
                usages.append((session, work.totals))
            elif work.totals != NOTHING:
                totals = store.token_usage(self.conn, session.id)
                totals.add(work.totals)
                usages.append((session, totals))
            if (add_deeds(session, work) or number in by_number) and number not in self.new:
                store.put_session(self.conn, session)
        store.add_sessions(self.conn, [by_number[number] for number in sorted(self.new)])
        store.put_token_usages(self.conn, usages)
        return usages

    def _settle_sums(self, counted: dict[str, dict[int, Totals]]) -> int:
        everything = self.before.totals or UserTotals()
        tokens_by_tool, sessions_by_tool = _counts(everything.tokens_by_tool), _counts(everything.sessions_by_tool)
        sum_of_all = Totals()
        sums_of_tools: dict[int, Totals] = defaultdict(Totals)
        toggled: list[str] = []
        for stat_date, by_tool in sorted(counted.items()):
            change = Totals()
            for tool, totals in by_tool.items():
                change.add(totals)
                sums_of_tools[tool].add(totals)
                name = TOOL_BY_NUMBER[tool].id
                tokens_by_tool[name] = tokens_by_tool.get(name, 0) + totals.tokens
                sessions_by_tool[name] = sessions_by_tool.get(name, 0) + totals.sessions
            sum_of_all.add(change)
            if self._is_gone(stat_date):
                continue
            if self._move_day(stat_date, change, by_tool):
                toggled.append(stat_date)
        self._mend_streaks(
            toggled, partial(store.active, self.conn, self.user_id), partial(store.set_streak, self.conn, self.user_id)
        )
        self._settle_tools(counted, sums_of_tools)
        if not counted and self.last_activity <= everything.last_activity_at:
            return 0
        store.put_user_totals(
            self.conn,
            self.user_id,
            UserTotals(
                total_input_tokens=everything.total_input_tokens + sum_of_all.input,
                total_output_tokens=everything.total_output_tokens + sum_of_all.output,
                total_cache_tokens=everything.total_cache_tokens + sum_of_all.cache_write + sum_of_all.cache_read,
                total_sessions=everything.total_sessions + sum_of_all.sessions,
                total_cost=everything.total_cost + sum_of_all.cost,
                total_unpriced=everything.total_unpriced + sum_of_all.unpriced,
                tokens_by_tool=_json(tokens_by_tool),
                sessions_by_tool=_json(sessions_by_tool),
                last_activity_at=max(everything.last_activity_at, self.last_activity),
            ),
            self.now,
        )
        return max(0, sum_of_all.input + sum_of_all.output)

    def _is_gone(self, stat_date: str) -> bool:
        """Whether a day's daily rows are gone. (Whoever counts from nothing makes them again, for the runs of days.)"""
        return stat_date < self.before.first_day and not self.anew

    def _move_day(self, stat_date: str, change: Totals, by_tool: dict[int, Totals]) -> bool:
        """Move a day's sums; return whether the day became active or ceased to be."""
        old = store.day(self.conn, self.user_id, stat_date) or Day(stat_date, 0, 0, 0, 0, "{}", 0)
        tools = _by_tool(old.by_tool)
        for number, totals in by_tool.items():
            entry = tools.setdefault(TOOL_BY_NUMBER[number].id, {})
            for name, value in (
                ("input", totals.input),
                ("output", totals.output),
                ("cache", totals.cache_write + totals.cache_read),
                ("tokens", totals.tokens),
                ("sessions", totals.sessions),
                ("cost", totals.cost),
                ("unpriced", totals.unpriced),
            ):
                entry[name] = entry.get(name, 0) + value
        new = Day(
            stat_date,
            old.input_tokens + change.input,
            old.output_tokens + change.output,
            old.cache_tokens + change.cache_write + change.cache_read,
            old.session_count + change.sessions,
            _encode({name: tools[name] for name in sorted(tools) if any(tools[name].values())}).decode(),
            old.streak,
            old.cost + change.cost,
            old.unpriced + change.unpriced,
        )
        if old.output_tokens <= OUTPUT_PER_DAY < new.output_tokens:
            self.full_days.add(stat_date)
        if new.total_tokens or new.session_count:
            store.put_day(self.conn, self.user_id, new, self.now)
        else:
            store.delete_day(self.conn, self.user_id, stat_date)
        return bool(old.total_tokens) != bool(new.total_tokens)

    def _settle_tools(self, counted: dict[str, dict[int, Totals]], sums: dict[int, Totals]) -> None:
        """Move what each tool counts, day by day and in all, and the runs of days with it."""
        toggled: dict[int, list[str]] = defaultdict(list)
        for stat_date, by_tool in sorted(counted.items()):
            if self._is_gone(stat_date):
                continue
            for tool, totals in by_tool.items():
                tokens = store.move_tool_day(self.conn, self.user_id, tool, stat_date, totals)
                if bool(tokens) != bool(tokens - totals.tokens):
                    toggled[tool].append(stat_date)
        for tool, totals in sums.items():
            store.move_tool_totals(self.conn, self.user_id, tool, totals)
        for tool, days in toggled.items():
            self._mend_streaks(
                days,
                partial(store.active_with_tool, self.conn, self.user_id, tool),
                partial(store.set_tool_streak, self.conn, self.user_id, tool),
            )

    def _watch(self, usages: list[tuple[StoredSession, Totals]], recounted: set[int]) -> None:
        """Flag what should be looked at among the sessions that count more than before; note what is usual now."""
        if self.anew:
            store.put_recent_sessions(self.conn, self.user_id, store.last_sessions(self.conn, self.user_id, RECENT))
            return
        self._note_growth()
        if not usages:
            return
        noted = self.before.recent
        if noted is None:  # somebody new, or of a release that did not look
            touched = {session.number for session, _ in usages}
            found = store.last_sessions(self.conn, self.user_id, RECENT)
            usual = Usual({number: tokens for number, tokens in found.items() if number not in touched})
        else:
            usual = Usual(noted)
        fillers = {
            max((session.day == day, totals.output, session.number) for session, totals in usages)[2]
            for day in self.full_days
        }
        for session, totals in sorted(usages, key=lambda each: each[0].number):
            number, change = session.number, self.work[session.number].totals
            is_session = session.first_at is not None  # day rows are none, and are not measured by any
            if change.tokens > 0 or number in recounted:
                mean = usual.mean(without=number) if is_session else None
                is_beyond = number in self.beyond
                if reasons := doubts(session, totals, mean, is_beyond=is_beyond, fills_day=number in fillers):
                    self._flag(session, totals, mean, reasons)
            if is_session:
                usual.put(number, totals.input + totals.output)
        if noted is None or usual.is_short:
            usual.recent = store.last_sessions(self.conn, self.user_id, RECENT)
        if usual.recent != noted:
            store.put_recent_sessions(self.conn, self.user_id, usual.recent)

    def _flag(self, session: StoredSession, totals: Totals, usual: float | None, reasons: list[Reason]) -> None:
        """Flag a session, once; one that was found fine is flagged again if it has grown a lot since."""
        known = self.anomalies.get(session.number)
        if known is not None and (known.state != "fine" or totals.input + totals.output <= GROWN_SINCE * known.tokens):
            return
        found = Anomaly(
            session=session.number,
            user_id=self.user_id,
            state="open",
            reasons=",".join(reasons),
            usual=round(usual) if usual is not None else None,
            input_tokens=totals.input,
            output_tokens=totals.output,
            cache_tokens=totals.cache_write + totals.cache_read,
            flagged_at=self.now,
            decided_at=None,
            decided_by=None,
        )
        store.put_anomaly(self.conn, found)
        details = {"session": session.id, "tokens": found.tokens, "usual": found.usual, "reasons": reasons}
        note(self.conn, "suspicious_activity", self.user_id, Caller(), self.now, **details)

    def _note_growth(self) -> None:
        """Keep the figures of flagged sessions; those of one that was found fine stay what they were then."""
        for number, known in self.anomalies.items():
            held = self.work[number].held
            if known.state != "fine" and held != NOTHING:
                known.input_tokens += held.input
                known.output_tokens += held.output
                known.cache_tokens += held.cache_write + held.cache_read
                store.put_anomaly(self.conn, known)

    def _mend_streaks(
        self, toggled: list[str], look: Callable[[str], tuple[int, int] | None], put: Callable[[str, int], None]
    ) -> None:
        """Number the runs of active days again, from each day that became active or ceased to be.

        ``look`` tells a day's tokens and the run that it ends; ``put`` writes the run.
        """
        for stat_date in toggled:
            run = (look(clock.shift(stat_date, -1)) or (0, 0))[1]
            current = stat_date
            while (old := look(current)) is not None or current == stat_date:
                run = run + 1 if old is not None and old[0] else 0
                if old is not None:
                    if old[1] == run and current != stat_date:
                        break
                    put(current, run)
                current = clock.shift(current, 1)


def _copy(user_id: str, sent: Record, session: int, tool: int, road: int, day: str, collector: int) -> StoredRecord:
    return StoredRecord(
        user_id,
        bytes.fromhex(sent.key),
        session,
        tool,
        road,
        bytes.fromhex(sent.request) if sent.request else None,
        int(sent.sidechain),
        sent.at,
        day,
        sent.model,
        sent.input,
        sent.output,
        sent.cache_write_5m,
        sent.cache_write_1h,
        sent.cache_read,
        _sorted(sent.tools).decode() if sent.tools else None,
        sent.lines_added,
        sent.lines_deleted,
        sent.files_created,
        sent.files_modified,
        sent.turns,
        sent.web_searches,
        sent.speed,
        sent.service_tier,
        sent.region,
        sent.cost_recorded,
        collector,
        0,
        int(sent.tokens_known),
    )


def _as_new(report: Report) -> Report:
    """A report as if nothing had been of its session before its records."""
    times = [each.at for each in report.records]
    return msgspec.structs.replace(report, started_at=min(times), ended_at=max(times), duration_seconds=None)


def _counting(by_tool: dict[int, RoadSums], tool: int, road: int | None) -> Totals:
    return by_tool.get(tool, {}).get((road or 0, 0), Totals())


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _main_model(records: list[Record]) -> str | None:
    if len(records) == 1:
        return records[0].model
    outputs: Counter[str] = Counter()
    for each in records:
        outputs[each.model] += each.output
    return max(outputs, key=lambda model: (outputs[model], model), default=None)


def add_deeds(session: StoredSession, work: Work) -> bool:
    """Add turns, tool calls and lines to a session; return whether there were any."""
    has_lines = work.lines_added or work.lines_deleted or work.modified or work.created
    session.turn_count += work.turns
    if work.tools:
        session.tool_usage = _sum(session.tool_usage, work.tools)
    if has_lines:
        lines = {
            "linesAdded": work.lines_added,
            "linesDeleted": work.lines_deleted,
            "filesModified": work.modified,
            "filesCreated": work.created,
        }
        session.code_metrics = _sum(session.code_metrics, lines)
    return bool(work.turns or work.tools or has_lines)


def _sum(counts: str, change: Mapping[str, int]) -> str:
    if counts == "{}":
        return _json(change)
    total = _counts(counts)
    for name, count in change.items():
        total[name] = total.get(name, 0) + count
    return _json(total)


def _was_used(sent: Record) -> bool:
    tokens = sent.input or sent.output or sent.cache_write_5m or sent.cache_write_1h or sent.cache_read
    return bool(tokens) or not sent.tokens_known


def _duration(report: Report, session: StoredSession) -> int:
    return report.duration_seconds or (session.ended_at - session.started_at) // 1000


def _json(counts: Mapping[str, int]) -> str:
    return _sorted({name: count for name, count in counts.items() if count}).decode()
