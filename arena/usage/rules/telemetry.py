"""What telemetry means: which events are responses, which counters are usage, and what they are known by.

An event whose request id a transcript carries is that transcript's record, so it is named after the request alone.
Sources: the monitoring page of Claude Code, the configuration page of Codex, the telemetry page of Gemini CLI.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct, structs

from arena.usage.models import TOOL_BY_ID, Attributes, Event, Point, Report, Road, Tool
from arena.usage.rules.bodies import FUTURE
from arena.usage.rules.otlp import CUMULATIVE, DELTA
from arena.wire import Record, model_name, record_key, session_hash, short_hash

COLLECTOR = "otlp/1"
PAST = 90 * 86_400_000
"""Milliseconds; exporters try again for hours, so what is older than a season is a clock that is wrong."""
MOST = 1_000_000_000
MOST_DOLLARS = 100_000
SPEEDS = {"fast": "fast", "standard": "standard", "normal": "standard"}
FIGURES = ("input", "output", "cache_write_5m", "cache_read", "lines_added", "lines_deleted")
"""What a counter can tell, one of them in each of its records."""
QUARTER = 900_000
YEAR = 366 * 86_400_000


class Usage(Struct):
    """What a request told: sessions with their records, how many items were usage and refused, and why the first."""

    reports: list[Report]
    refused: int = 0
    told: int = 0
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What became of what was refused, in one sentence; empty if nothing was."""
        return f"{self.refused} of {self.told} were not taken; the first {self.reason}." if self.refused else ""


class _Strange(Exception):
    """An item that is usage and cannot be taken; the reason."""


# -- what it is known by


def event_key(request: bytes) -> bytes:
    """Name the record of an event after its request, so that whoever knows the request finds it."""
    return sha256(b"telemetry:" + request).digest()[:8] + request


def point_groups(session: str, started_at: int, ended_at: int) -> Iterator[bytes]:
    """The first halves of the keys of all that counters can have told of a session."""
    for quarter in range(max(started_at, ended_at - YEAR) // QUARTER, ended_at // QUARTER + 1):
        yield _point_group(session, quarter)


def is_told_by(road: int, has_tokens: bool) -> bool:
    """Whether a road of a session tells what a counter tells: transcripts everything, events the tokens."""
    return road == Road.TRANSCRIPTS or (road == Road.TELEMETRY and has_tokens)


def has_tokens(sent: Record) -> bool:
    """Whether a record has any."""
    return bool(sent.input or sent.output or sent.cache_write_5m or sent.cache_write_1h or sent.cache_read)


def figure_of(sent: Record) -> tuple[str, int]:
    """What a counter's record tells, and how many."""
    return next((name, value) for name in FIGURES if (value := getattr(sent, name)))


def _point_group(session: str, quarter: int) -> bytes:
    return sha256(f"metrics:{session}:{quarter}".encode()).digest()[:8]


# -- events


def usage_of_events(events: list[Event], now: int) -> Usage:
    """Make sessions of those events that are responses of a model; pass over all others."""
    sessions = _Sessions(now)
    for event in events:
        kind = _kind(event)
        if kind is not None:
            sessions.take(kind, event.attributes, _time(event))
    return sessions.usage()


class _Kind(Struct, frozen=True):
    """A kind of event that tells of a response: of which tool, where its session stands, how its record is made."""

    tool: Tool
    session: str
    record: Callable[[Attributes, int, str], tuple[Record, bytes | None]]
    """Of its attributes, its time and its session; beside it, the prompt that it may be the first to answer."""
    of: tuple[str, str] | None = None
    """An attribute and its value, without which it tells of something else."""


def _kind(event: Event) -> _Kind | None:
    found = next((EVENTS[name] for name in event.names if name in EVENTS), None)
    if found is None and "api_request" in event.names and event.attributes.get("service.name") == "claude-code":
        found = EVENTS["claude_code.api_request"]
    if found is not None and found.of is not None and event.attributes.get(found.of[0]) != found.of[1]:
        return None
    return found


def _time(event: Event) -> int:
    """When it happened, epoch milliseconds; 0 if it does not say."""
    written = event.attributes.get("event.timestamp")
    if isinstance(written, str):
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            return event.at
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    return event.at


def _claude_code(told: Attributes, at: int, session: str) -> tuple[Record, bytes | None]:
    request = _text(told, "request_id")
    if request:
        hashed = short_hash(request)
        key = event_key(bytes.fromhex(hashed)).hex()
    else:  # other providers give none; the sequence begins anew with each process
        hashed = None
        key = record_key(f"telemetry:claude-code:{session}:{_text(told, 'event.sequence')}:{at}", "")
    record = Record(
        key=key,
        at=at,
        model=model_name(_text(told, "model")),
        input=_count(told, "input_tokens"),
        output=_count(told, "output_tokens"),
        cache_write_5m=_count(told, "cache_creation_tokens"),
        cache_read=_count(told, "cache_read_tokens"),
        request=hashed,
        speed=SPEEDS.get(_text(told, "speed")),
        cost_recorded=_dollars(told, "cost_usd"),
    )
    # A transcript holds no other requests than these, and the prompt goes with the request that it takes over.
    is_main = _text(told, "query_source") in ("", "main")
    prompt = _text(told, "prompt.id")
    return record, sha256(prompt.encode()).digest()[:16] if prompt and is_main else None


def _codex(told: Attributes, at: int, session: str) -> tuple[Record, None]:
    whole, read, output = (
        _count(told, name) for name in ("input_token_count", "cached_token_count", "output_token_count")
    )
    return Record(
        key=record_key(f"telemetry:codex:{session}:{at}:{whole}:{read}:{output}", ""),
        at=at,
        model=model_name(_text(told, "model")),
        input=max(0, whole - read),
        output=output,
        cache_read=read,
    ), None


def _gemini(told: Attributes, at: int, session: str) -> tuple[Record, None]:
    whole, read, asked = (
        _count(told, name) for name in ("input_token_count", "cached_content_token_count", "tool_token_count")
    )
    said, thought = _count(told, "output_token_count"), _count(told, "thoughts_token_count")
    counts = f"{whole}:{read}:{asked}:{said}:{thought}"
    return Record(
        key=record_key(f"telemetry:gemini:{session}:{_text(told, 'prompt_id')}:{at}:{counts}", ""),
        at=at,
        model=model_name(_text(told, "model")),
        input=max(0, whole - read) + asked,
        output=said + thought,
        cache_read=read,
    ), None


COMPLETED = ("event.kind", "response.completed")
EVENTS = {
    "claude_code.api_request": _Kind(TOOL_BY_ID["claude-code"], "session.id", _claude_code),
    "codex.sse_event": _Kind(TOOL_BY_ID["codex"], "conversation.id", _codex, COMPLETED),
    "codex.websocket_event": _Kind(TOOL_BY_ID["codex"], "conversation.id", _codex, COMPLETED),
    "gemini_cli.api_response": _Kind(TOOL_BY_ID["gemini"], "session.id", _gemini),
}


# -- metrics


class _Counter(Struct, frozen=True):
    """A counter that tells of usage: of which tool, and what its types are."""

    tool: Tool
    types: dict[str, str]


LINES = {"added": "lines_added", "removed": "lines_deleted"}
COUNTERS = {
    "claude_code.token.usage": _Counter(
        TOOL_BY_ID["claude-code"],
        {"input": "input", "output": "output", "cacheRead": "cache_read", "cacheCreation": "cache_write_5m"},
    ),
    "claude_code.lines_of_code.count": _Counter(TOOL_BY_ID["claude-code"], LINES),
    "gemini_cli.lines.changed": _Counter(TOOL_BY_ID["gemini"], LINES),
}
"""Gemini CLI sends events beside its counters, always; Codex's counters do not say of which session they are."""


def usage_of_points(points: list[Point], now: int) -> Usage:
    """Make sessions of those counters that tell of tokens or lines; pass over all others, and over zeros."""
    sessions = _Sessions(now)
    for point in points:
        counter = COUNTERS.get(point.name)
        figure = counter.types.get(_text(point.attributes, "type")) if counter else None
        if counter is not None and figure is not None and point.value:
            sessions.take_point(counter.tool, point, figure)
    return sessions.usage()


# -- sessions


class _Sessions:
    """Gathers records by session, and what was refused."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.reports: dict[str, Report] = {}
        self.found = Usage([])

    def take(self, kind: _Kind, told: Attributes, at: int) -> None:
        """Take an event in; it is no usage if it holds no tokens."""
        try:
            session = self._session(told, kind.session)
            record, prompt = kind.record(told, self._at(at), session)
        except _Strange as problem:
            self._refuse(problem)
            return
        if has_tokens(record):
            self.found.told += 1
            report = self._report(kind.tool, session)
            report.records.append(record)
            if prompt is not None:
                report.prompts[record.key] = prompt

    def take_point(self, tool: Tool, point: Point, figure: str) -> None:
        """Take a counter's number in."""
        try:
            if point.temporality not in (DELTA, CUMULATIVE):
                raise _Strange("is neither delta nor cumulative")
            session, at = self._session(point.attributes, "session.id"), self._at(point.time // 1_000_000)
            count = _whole(point.value, figure)
        except _Strange as problem:
            self._refuse(problem)
            return
        if count:
            self.found.told += 1
            report = self._report(tool, session)
            this = sha256(f"{point.stream.hex()}:{point.start}:{point.time}".encode()).digest()[:8]
            key = (_point_group(report.session_hash, at // QUARTER) + this).hex()
            speed = SPEEDS.get(_text(point.attributes, "speed"))
            model = model_name(_text(point.attributes, "model"))
            record = Record(key=key, at=at, model=model, speed=speed)
            report.records.append(structs.replace(record, **{figure: count}))
            if point.temporality == CUMULATIVE:
                report.streams[key] = point.stream

    def usage(self) -> Usage:
        """All that was gathered; a session lasts from its first record to its last."""
        self.found.reports = [
            Report(
                tool=each.tool,
                session_hash=each.session_hash,
                started_at=min(record.at for record in each.records),
                ended_at=max(record.at for record in each.records),
                records=each.records,
                collector=COLLECTOR,
                prompts=each.prompts,
                streams=each.streams,
            )
            for each in self.reports.values()
            if each.records
        ]
        return self.found

    def _report(self, tool: Tool, session: str) -> Report:
        name = session_hash(tool.id, session)
        if name not in self.reports:
            self.reports[name] = Report(tool, name, 0, 0, [], prompts={}, streams={})
        return self.reports[name]

    def _session(self, told: Attributes, name: str) -> str:
        session = _text(told, name)
        if not session:
            raise _Strange(f"has no {name}, without which nobody can tell whether it was told before")
        return session

    def _at(self, at: int) -> int:
        if not at:
            raise _Strange("has no time")
        if at > self.now + FUTURE:
            raise _Strange("lies in the future; check the clock of the machine that sent it")
        if at < self.now - PAST:
            raise _Strange("is older than 90 days")
        return at

    def _refuse(self, problem: _Strange) -> None:
        self.found.told += 1
        self.found.refused += 1
        self.found.reason = self.found.reason or str(problem)


def _text(told: Attributes, name: str) -> str:
    value = told.get(name, "")
    return value if isinstance(value, str) else f"{value}"


def _count(told: Attributes, name: str) -> int:
    """A count, which older senders write as text."""
    value = told.get(name, 0)
    if isinstance(value, str):
        try:
            value = float(value or "0")
        except ValueError:
            raise _Strange(f"has no number in {name}") from None
    return _whole(value, name)


def _whole(value: float, name: str) -> int:
    if not 0 <= value <= MOST:
        raise _Strange(f"has {name} that cannot be true")
    return round(value)


def _dollars(told: Attributes, name: str) -> float | None:
    value = told.get(name)
    try:
        dollars = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return dollars if 0 <= dollars <= MOST_DOLLARS else None
