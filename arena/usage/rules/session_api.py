"""What the session API sends."""

from datetime import datetime

import msgspec

from arena.usage.models import TOOL_BY_ID, BatchBody, Refused, Report, SessionBody
from arena.usage.rules.bodies import EARLIEST, FUTURE, refused
from arena.wire import Record, record_key, session_hash

NO_MODEL = ("", "unknown")
MCP = "mcp__"


_strict_session, _strict_batch = msgspec.json.Decoder(SessionBody), msgspec.json.Decoder(BatchBody)
Understood = SessionBody | Refused


def session(body: bytes) -> Understood:
    """Understand one session. Raises ``msgspec.DecodeError`` and others when the body is not JSON."""
    try:
        sent = _strict_session.decode(body)
    except msgspec.ValidationError:
        return session_body(msgspec.json.decode(body))
    return sent if sent.tool_type else session_body(msgspec.json.decode(body))


def batch(body: bytes, most: int) -> list[Understood] | Refused:
    """Understand each of so many sessions at the most. Raises ``msgspec.DecodeError`` and others for no JSON."""
    try:
        sessions = _strict_batch.decode(body).sessions
    except msgspec.ValidationError:
        sessions = []
    if sessions and len(sessions) <= most and all(each.tool_type for each in sessions):
        return list(sessions)
    sent = msgspec.json.decode(body)
    items = sent.get("sessions") if isinstance(sent, dict) else None
    if not isinstance(items, list) or not items:
        return Refused("sessions", "at least one session required")
    if len(items) > most:
        return Refused("sessions", f"maximum {most} sessions per batch")
    return [session_body(item) for item in items]


def session_body(item: object) -> Understood:
    """Understand one session with empty optional fields as absent: the slow road, for bodies that have such."""
    if not isinstance(item, dict):
        return Refused("", "a session must be an object")
    fields = {name: value for name, value in item.items() if value is not None and value != ""}
    if isinstance(metrics := fields.get("codeMetrics"), dict):
        fields["codeMetrics"] = {name: value for name, value in metrics.items() if value is not None}
    try:
        return msgspec.convert(fields, SessionBody)
    except msgspec.ValidationError as problem:
        return refused(problem)


def report_of(body: Understood, now: int) -> Report | Refused:
    """Make a session of the session API into a report with one record. Its times may have any offset.

    Its identity is the session id it carries; else where, when and on what it began; else what it holds. So the same
    session with larger figures replaces itself.
    """
    if isinstance(body, Refused):
        return body
    tool = TOOL_BY_ID.get(body.tool_type)
    if tool is None:
        return Refused("toolType", f"{body.tool_type[:50]!r} is not a tool this box knows ({', '.join(TOOL_BY_ID)})")
    ended = _instant("endedAt", body.ended_at)
    if isinstance(ended, Refused):
        return ended
    if ended > now + FUTURE:
        return Refused("endedAt", "lies in the future; check the clock of the machine that sent it")
    started = _instant("startedAt", body.started_at) if body.started_at is not None else None
    if isinstance(started, Refused):
        return started
    if started is not None and started > ended:
        return Refused("startedAt", "is after endedAt")
    if started is not None and started < EARLIEST:
        return Refused("startedAt", "lies before the year 2000")
    as_sent = ended
    if started is not None and body.duration_seconds and abs(now - ended) <= FUTURE:
        # Some clients put the time of sending into endedAt; the session itself ended when it had lasted that long.
        ended = min(ended, started + body.duration_seconds * 1000)
    if ended < EARLIEST:
        return Refused("endedAt", "lies before the year 2000")
    model = "unknown" if body.model_name.strip().lower() in NO_MODEL else body.model_name.strip()
    identity = _identity(body, model, started, as_sent)
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
    counts: dict[str, int] = {}
    for name, count in calls.items():
        if name and count:
            tool = "mcp" if name.startswith(MCP) else name[:64]
            counts[tool] = counts.get(tool, 0) + count
    return counts


def _instant(field: str, text: str) -> int | Refused:
    """Epoch milliseconds of a date and time with an offset (RFC 3339)."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return Refused(field, "is not a date and time such as 2026-11-20T06:35:59Z")
    if when.tzinfo is None:
        return Refused(field, "has no time zone; end it with Z or an offset")
    return milliseconds(when)


def milliseconds(when: datetime) -> int:
    """Epoch milliseconds of an aware date and time."""
    return int(when.timestamp() * 1000)


def _identity(body: SessionBody, model: str, started: int | None, ended: int) -> str:
    if body.session_id:
        return session_hash(body.tool_type, body.session_id)
    if started is not None:
        return session_hash(body.tool_type, f"began:{body.device_id}:{started}:{body.anonymous_project_id}:{model}")
    tokens = f"{body.input_tokens}:{body.output_tokens}:{body.cache_creation_tokens}:{body.cache_read_tokens}"
    return session_hash(body.tool_type, f"held:{tokens}:{model}:{ended}")
