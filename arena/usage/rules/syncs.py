"""What a sync sends: sessions with their records."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from arena.usage.models import TOOL_BY_ID, Report
from arena.usage.rules.bodies import FUTURE, refused
from arena.wire import Record, RecordProblem, SessionReport, UsageReport


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
