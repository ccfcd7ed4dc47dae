"""What the session API sends."""

from datetime import datetime

import msgspec

from arena.usage.models import TOOL_BY_ID, Refused, Report, SessionBody
from arena.usage.rules.bodies import EARLIEST, FUTURE, refused
from arena.wire import Record, record_key, session_hash

NO_MODEL = ("", "unknown")
MCP = "mcp__"


def session_body(item: object) -> SessionBody | Refused:
    """Understand one session of the session API, with empty optional fields as absent and any RFC 3339 offset."""
    if not isinstance(item, dict):
        return Refused("", "a session must be an object")
    empty = None in item.values() or "" in item.values()
    fields = {name: value for name, value in item.items() if value not in (None, "")} if empty else item.copy()
    if isinstance(metrics := fields.get("codeMetrics"), dict) and None in metrics.values():
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
    counts: dict[str, int] = {}
    for name, count in calls.items():
        if name and count:
            tool = "mcp" if name.startswith(MCP) else name[:64]
            counts[tool] = counts.get(tool, 0) + count
    return counts


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
