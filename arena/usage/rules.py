"""Which copy of a record is the record, which is only a replay, which road counts; and what bodies mean."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from arena.prices.models import Used
from arena.usage.models import (
    TOOL_BY_ID,
    TOOL_BY_NUMBER,
    Reason,
    Refused,
    Report,
    Road,
    SessionBody,
    StoredRecord,
    StoredSession,
    Totals,
)
from arena.wire import Record, RecordProblem, SessionReport, UsageReport, record_key, session_hash


def tokens_of(record: StoredRecord) -> int:
    """All tokens of a record, cache included."""
    return (
        record.input_tokens
        + record.output_tokens
        + record.cache_write_5m
        + record.cache_write_1h
        + record.cache_read_tokens
    )


def totals_of(record: StoredRecord) -> Totals:
    """A record as a sum of one."""
    return Totals(
        0,
        1,
        record.input_tokens,
        record.output_tokens,
        record.cache_write_5m + record.cache_write_1h,
        record.cache_read_tokens,
        record.cost or 0,
        int(record.cost is None and (tokens_of(record) > 0 or not record.tokens_known)),
    )


def used_by(record: StoredRecord) -> Used:
    """What of a record decides its cost. Only transcripts and telemetry tell single requests."""
    return Used(
        input=record.input_tokens,
        output=record.output_tokens,
        cache_write_5m=record.cache_write_5m,
        cache_write_1h=record.cache_write_1h,
        cache_read=record.cache_read_tokens,
        web_searches=record.web_searches,
        speed=record.speed,
        service_tier=record.service_tier,
        region=record.region,
        whole=record.road in (Road.TRANSCRIPTS, Road.TELEMETRY) and TOOL_BY_NUMBER[record.tool].keeps_requests,
    )


def merge(old: StoredRecord, new: StoredRecord) -> StoredRecord:
    """Make one record of two copies, the same whichever came first.

    The figures are those of the larger copy: not a sidechain's, else more output, else more in all. The day is that
    of the earliest timestamp. What only grows while a transcript is written (tool calls, lines, turns, recorded cost)
    is the larger of both. It stays in the session that brought it first.
    """
    kept = new if _size(new) > _size(old) else old
    at, day = min((old.at, old.day), (new.at, new.day))
    return msgspec.structs.replace(
        kept,
        session=old.session,
        tool=old.tool,
        road=min(old.road, new.road),
        request=kept.request or old.request or new.request,
        at=at,
        day=day,
        tools=_most(old.tools, new.tools),
        lines_added=max(old.lines_added, new.lines_added),
        lines_deleted=max(old.lines_deleted, new.lines_deleted),
        files_created=max(old.files_created, new.files_created),
        files_modified=max(old.files_modified, new.files_modified),
        turns=max(old.turns, new.turns),
        web_searches=max(old.web_searches, new.web_searches),
        cost_recorded=max((cost for cost in (old.cost_recorded, new.cost_recorded) if cost is not None), default=None),
        counted=old.counted,
    )


def genuine(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    """Leave out replays: a sidechain's record of a message that the main chain holds too, under whatever request."""
    known = list(records)
    if len(known) > 1 and any(not record.sidechain for record in known):
        return [record for record in known if not record.sidechain]
    return known


def counting_road(roads: dict[tuple[int, int], Totals]) -> int | None:
    """Of the roads that brought something for a person, tool and day, the one that counts: the lowest.

    ``roads`` has the sums by road and, apart (1), those of excluded sessions. They count for nothing and hold their
    road all the same: else what was excluded would come back by another road.
    """
    return min((road for (road, _), totals in roads.items() if totals.records > 0 or totals.sessions > 0), default=None)


def _size(record: StoredRecord) -> tuple[bool, int, int, str, int, int, int]:
    # The fields after the sum only make the choice between equal sizes the same in any order of arrival.
    return (
        not record.sidechain,
        record.output_tokens,
        tokens_of(record),
        record.model,
        record.input_tokens,
        record.cache_write_1h,
        record.cache_read_tokens,
    )


def _most(old: str | None, new: str | None) -> str | None:
    if old is None or new is None or old == new:
        return old if new is None else new
    calls = msgspec.json.decode(old, type=dict[str, int])
    for name, count in msgspec.json.decode(new, type=dict[str, int]).items():
        calls[name] = max(count, calls.get(name, 0))
    return msgspec.json.encode(dict(sorted(calls.items()))).decode()


# -- what is doubted

RECENT = 30
"""Sessions that the rolling mean is of."""
RECENT_AT_LEAST = 10
"""Sessions without which there is no mean: whoever just began would be flagged for getting into it."""
TIMES_USUAL = 10
"""Source: product description, section Ranking, Anomaly."""
GROWN_SINCE = 2
"""A session that was found fine is doubted again when it holds more than so many times what it held then."""
OUTPUT_OF_RESPONSE, INPUT_OF_RESPONSE = 1_000_000, 20_000_000
"""Tokens that one response of a model may hold: ten times the largest that are sold."""
RUNS = frozenset(TOOL_BY_ID[id].number for id in ("copilot", "droid", "goose"))
"""Tools that note sums only: a record of theirs is a whole run or session."""
OUTPUT_AT_ONCE, OUTPUT_PER_SECOND = 100_000, 5_000
"""Tokens that a session may write: about fifty streams at the speed of a fast model, and what was ready before."""
OUTPUT_PER_DAY = 100_000_000
"""Tokens that a person may write in a day: ten fast streams that never stop."""


class Usual:
    """What a person's sessions usually hold: the rolling mean over the last 30 that count.

    The last are those that the box heard of last. ``recent`` has their input and output tokens by number, in order.
    """

    def __init__(self, recent: dict[int, int]) -> None:
        self.recent = dict(recent)
        self.is_short = False
        """Whether one fell out, and one from before the others belongs there instead."""
        self._sum = sum(recent.values())

    def mean(self, without: int) -> float | None:
        """The mean of their tokens, one session left out; None if fewer than 10 are left."""
        count = len(self.recent) - (without in self.recent)
        return (self._sum - self.recent.get(without, 0)) / count if count >= RECENT_AT_LEAST else None

    def put(self, number: int, tokens: int) -> None:
        """Put a session among them as it is now. Without tokens it does not count, and falls out."""
        before = self.recent.get(number)
        self._sum += tokens - (before or 0)
        if tokens == 0:
            self.is_short |= before is not None and len(self.recent) == RECENT
            self.recent.pop(number, None)
            return
        is_last = before is not None or not self.recent or number > next(reversed(self.recent))
        self.recent[number] = tokens
        if not is_last:
            self.recent = dict(sorted(self.recent.items()))
        if len(self.recent) > RECENT:
            self._sum -= self.recent.pop(next(iter(self.recent)))


def doubts(
    session: StoredSession, totals: Totals, usual: float | None, *, is_beyond: bool, fills_day: bool
) -> list[Reason]:
    """Say why a session should be looked at: far above what is usual, or more than can be done while it lasts.

    ``is_beyond``: it has a response that no model can give; ``fills_day``: it took its day beyond what can be written.
    """
    found: list[Reason] = []
    if usual and totals.input + totals.output > TIMES_USUAL * usual:
        found.append("size")
    if is_beyond:
        found.append("response")
    seconds = max(session.duration_seconds, (session.ended_at - session.started_at) // 1000)
    if seconds and totals.output > OUTPUT_AT_ONCE + OUTPUT_PER_SECOND * seconds:
        found.append("rate")
    if fills_day:
        found.append("day")
    return found


def is_beyond_response(record: StoredRecord) -> bool:
    """Whether a record that is one response holds more than any model takes in or writes in one."""
    if record.road not in (Road.TRANSCRIPTS, Road.TELEMETRY) or record.tool in RUNS:
        return False
    taken = record.input_tokens + record.cache_write_5m + record.cache_write_1h + record.cache_read_tokens
    return record.output_tokens > OUTPUT_OF_RESPONSE or taken > INPUT_OF_RESPONSE


# -- what the session API sends

FUTURE = 300_000
"""Milliseconds that a laptop's clock may be ahead."""
EARLIEST = 946_684_800_000
"""2000-01-01, in epoch milliseconds."""
NO_MODEL = ("", "unknown")
MCP = "mcp__"


def session_body(item: object) -> SessionBody | Refused:
    """Understand one session of the session API, with empty optional fields as absent and any RFC 3339 offset."""
    if not isinstance(item, dict):
        return Refused("", "a session must be an object")
    fields = {name: value for name, value in item.items() if value is not None and value != ""}
    if isinstance(metrics := fields.get("codeMetrics"), dict):
        fields["codeMetrics"] = {name: value for name, value in metrics.items() if value is not None}
    for name in ("endedAt", "startedAt"):
        if isinstance(text := fields.get(name), str):
            try:
                fields[name] = datetime.fromisoformat(text)
            except ValueError:
                return Refused(name, "is not a date and time such as 2026-11-20T06:35:59Z")
    try:
        return msgspec.convert(fields, SessionBody)
    except msgspec.ValidationError as problem:
        return refused(problem)


def refused(problem: msgspec.ValidationError) -> Refused:
    """Turn a decoding error into a field and a reason."""
    reason, _, path = str(problem).partition(" - at `$")
    missing = re.search(r"missing required field `(\w+)`", reason)
    if missing:
        return Refused(missing[1], "is missing")
    return Refused(path.strip("`.").replace("[...]", ""), reason.replace("`", "").lower())


def report_of(body: SessionBody, now: int) -> Report | Refused:
    """Make a session of the session API into a report with one record.

    Its identity is the session id it carries; else where, when and on what it began; else what it holds. So the same
    session with larger figures replaces itself.
    """
    tool = TOOL_BY_ID.get(body.tool_type)
    if tool is None:
        return Refused("toolType", f"{body.tool_type[:50]!r} is not a tool this box knows ({', '.join(TOOL_BY_ID)})")
    for name, when in (("endedAt", body.ended_at), ("startedAt", body.started_at)):
        if when is not None and when.tzinfo is None:
            return Refused(name, "has no time zone; end it with Z or an offset")
    ended = milliseconds(body.ended_at)
    if ended > now + FUTURE:
        return Refused("endedAt", "lies in the future; check the clock of the machine that sent it")
    started = milliseconds(body.started_at) if body.started_at is not None else None
    if started is not None and started > ended:
        return Refused("startedAt", "is after endedAt")
    if started is not None and started < EARLIEST:
        return Refused("startedAt", "lies before the year 2000")
    if started is not None and body.duration_seconds and abs(now - ended) <= FUTURE:
        # Some clients put the time of sending into endedAt; the session itself ended when it had lasted that long.
        ended = min(ended, started + body.duration_seconds * 1000)
    if ended < EARLIEST:
        return Refused("endedAt", "lies before the year 2000")
    model = "unknown" if body.model_name.strip().lower() in NO_MODEL else body.model_name.strip()
    identity = _identity(body, model, started)
    record = Record(
        key=record_key(f"session-api:{identity}", ""),
        at=ended,
        model=model,
        input=body.input_tokens,
        output=body.output_tokens,
        cache_write_5m=body.cache_creation_tokens,
        cache_read=body.cache_read_tokens,
        tools=tool_calls(body.tool_usage),
        lines_added=body.code_metrics.lines_added,
        lines_deleted=body.code_metrics.lines_deleted,
        files_created=body.code_metrics.files_created,
        files_modified=body.code_metrics.files_modified,
        turns=body.turn_count,
    )
    return Report(
        tool=tool,
        session_hash=identity,
        started_at=started if started is not None else ended - 1000 * (body.duration_seconds or 0),
        ended_at=ended,
        records=[record],
        project=body.anonymous_project_id or None,
        device=body.device_id or None,
        collector="session-api/1",
        duration_seconds=body.duration_seconds,
    )


def tool_calls(calls: dict[str, int]) -> dict[str, int]:
    """Count calls by the name of a built-in tool; names of MCP tools tell secrets, so they count as `mcp`."""
    counts: Counter[str] = Counter()
    for name, count in calls.items():
        counts["mcp" if name.startswith(MCP) else name[:64]] += count
    return {name: count for name, count in counts.items() if name and count}


def milliseconds(when: datetime) -> int:
    """Epoch milliseconds of an aware date and time."""
    return int(when.timestamp() * 1000)


def _identity(body: SessionBody, model: str, started: int | None) -> str:
    if body.session_id:
        return session_hash(body.tool_type, body.session_id)
    if started is not None:
        return session_hash(body.tool_type, f"began:{body.device_id}:{started}:{body.anonymous_project_id}:{model}")
    tokens = f"{body.input_tokens}:{body.output_tokens}:{body.cache_creation_tokens}:{body.cache_read_tokens}"
    return session_hash(body.tool_type, f"held:{tokens}:{model}:{milliseconds(body.ended_at)}")


# -- what a sync sends


def usage_reports(body: bytes, now: int) -> tuple[list[Report], list[RecordProblem]]:
    """Understand a sync. One bad record or session never costs its neighbours: it is named among the problems.

    Raises ``msgspec.DecodeError`` when the body as a whole is not a sync, and RecursionError when it is nested too
    deep.
    """
    reports: list[Report] = []
    problems: list[RecordProblem] = []
    for at, session, records in _sessions(body, problems):
        tool = TOOL_BY_ID.get(session.tool)
        if tool is None:
            problems.append(RecordProblem(at, -1, f"tool: this box does not know {session.tool!r}"))
            continue
        good = []
        for number, record in records:
            if record.at > now + FUTURE:
                problems.append(RecordProblem(at, number, "at: lies in the future; check the clock of the laptop"))
            else:
                good.append(record)
        if good:
            reports.append(
                Report(
                    tool=tool,
                    session_hash=session.session,
                    started_at=min(session.started_at, now + FUTURE),
                    ended_at=min(max(session.started_at, session.ended_at), now + FUTURE),
                    records=good,
                    project=session.project,
                    collector=session.collector,
                )
            )
    return reports, problems


_strict = msgspec.json.Decoder(UsageReport)
_Session = tuple[int, SessionReport, Iterable[tuple[int, Record]]]


def _sessions(body: bytes, problems: list[RecordProblem]) -> Iterator[_Session]:
    try:
        report = _strict.decode(body)
    except msgspec.ValidationError:
        yield from _one_by_one(body, problems)
        return
    for at, session in enumerate(report.sessions):
        yield at, session, enumerate(session.records)


def _one_by_one(body: bytes, problems: list[RecordProblem]) -> Iterator[_Session]:
    """The slow road, taken when something in a sync is wrong: every record for itself."""
    loose = msgspec.json.decode(body, type=_Loose)
    for at, fields in enumerate(loose.sessions):
        records: list[tuple[int, Record]] = []
        try:
            session = msgspec.convert({**fields, "records": []}, SessionReport)
            items = msgspec.convert(fields.get("records"), list[dict[str, Any]])
        except msgspec.ValidationError as problem:
            problems.append(RecordProblem(at, -1, refused(problem).sentence))
            continue
        for number, item in enumerate(items):
            try:
                records.append((number, msgspec.convert(item, Record)))
            except msgspec.ValidationError as problem:
                problems.append(RecordProblem(at, number, refused(problem).sentence))
        yield at, session, records


class _Loose(Struct):
    sessions: list[dict[str, Any]]
