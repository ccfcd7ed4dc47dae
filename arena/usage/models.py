"""What the usage room keeps, as rows, and what it answers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct, field, structs

from arena.accounts.models import KeyOwner
from arena.audit.models import Caller
from arena.core.clock import Days
from arena.wire import Record

K = TypeVar("K")


class Road:
    """The roads by which usage arrives; of several on one day the lowest counts.

    ``METRICS`` are OpenTelemetry's sums, which tell no single response; its events (``TELEMETRY``) do.
    """

    TRANSCRIPTS = 1
    TELEMETRY = 2
    METRICS = 3
    SESSION_API = 4
    DAY_ROWS = 5


OPENTELEMETRY = (Road.TELEMETRY, Road.METRICS)
ROADS = (Road.TRANSCRIPTS, Road.TELEMETRY, Road.METRICS, Road.SESSION_API, Road.DAY_ROWS)


ROAD_NAMES = {number: name.lower() for name, number in vars(Road).items() if name.isupper()}


class Tool(Struct, frozen=True):
    """A row of `tool_types`."""

    number: int
    id: str
    display_name: str
    color: str
    keeps_tokens: bool = True
    """Whether it keeps what a response used; of a tool that does not, nobody knows, which is not the same as 0."""
    keeps_requests: bool = True
    """Whether a record of it is one request; of a tool that keeps sums, nobody knows how long a prompt was."""


TOOLS = (
    Tool(1, "claude-code", "Claude Code", "#122F3F"),
    Tool(2, "claude-desktop", "Claude Desktop", "#B95635"),
    Tool(3, "opencode", "OpenCode", "#579C86"),
    Tool(4, "gemini", "Gemini CLI", "#9569A5"),
    Tool(5, "codex", "Codex", "#B38C00"),
    Tool(6, "crush", "Crush", "#525D63", keeps_tokens=False),
    Tool(7, "kilo", "Kilo CLI", "#525D63"),
    Tool(8, "qwen", "Qwen Code", "#525D63"),
    Tool(20, "copilot", "Copilot CLI", "#525D63"),
    Tool(21, "amp", "Amp", "#525D63"),
    Tool(22, "droid", "Droid", "#525D63", keeps_requests=False),
    Tool(23, "goose", "Goose", "#525D63", keeps_requests=False),
    Tool(24, "cline", "Cline", "#525D63"),
    Tool(25, "roo-code", "Roo Code", "#525D63"),
    Tool(26, "kilo-code", "Kilo Code", "#525D63"),
    # Those below are read by ccusage alone.
    Tool(40, "codebuff", "Codebuff", "#525D63"),
    Tool(41, "hermes", "Hermes", "#525D63"),
    Tool(42, "pi", "Pi", "#525D63"),
    Tool(43, "antigravity", "Antigravity", "#525D63"),
    Tool(44, "kimi", "Kimi", "#525D63"),
    Tool(45, "openclaw", "OpenClaw", "#525D63"),
    Tool(46, "grok", "Grok Build", "#525D63"),
    Tool(47, "zcode", "ZCode", "#525D63"),
    Tool(99, "unknown", "Tool not told", "#525D63"),
)
TOOL_BY_ID = {tool.id: tool for tool in TOOLS}
TOOL_BY_NUMBER = {tool.number: tool for tool in TOOLS}
UNKNOWN = TOOL_BY_ID["unknown"]
"""Some tool, but nobody can say which: see `arena.usage.rules.counting_road`."""


MIXED = "mixed"
"""The speed of a record of which nobody knows how much was fast."""


class Report(Struct, frozen=True):
    """A session as it arrived by some road, checked: its records may be new, known or larger copies."""

    tool: Tool
    session_hash: str
    started_at: int
    ended_at: int
    records: list[Record]
    project: str | None = None
    device: str | None = None
    collector: str = ""
    duration_seconds: int | None = None
    day: str | None = None
    """Of day rows: the day that they are of, whatever the zone."""
    prompts: dict[str, bytes] = {}
    """By record key, the prompt that a record is told to answer: the first of a prompt is a turn."""
    streams: dict[str, bytes] = {}
    """By record key, the stream of a cumulative metric: the record holds its sum so far."""


class Write(Struct, frozen=True):
    """What one request or command wants recorded: reports, the road they came by, and when."""

    reports: Sequence[Report]
    road: int
    now: int


class Delivery(Struct, frozen=True):
    """A request's write, and the key that it came under: on its way into a commit that others may share.

    ``prefix`` is of the key. Of a batch it is told how many of its sessions could not be read.
    """

    owner: KeyOwner
    write: Write
    days: Days
    prefix: str
    caller: Caller
    is_batch: bool = False
    failed: int = 0


class StoredRecord(Struct):
    """A row of `usage_records`, in the order of its columns."""

    user_id: str
    key: bytes
    session: int
    tool: int
    road: int
    request: bytes | None
    sidechain: int
    at: int
    day: str
    model: str
    input_tokens: int
    output_tokens: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read_tokens: int
    tools: str | None
    lines_added: int
    lines_deleted: int
    files_created: int
    files_modified: int
    turns: int
    web_searches: int
    speed: str | None
    service_tier: str | None
    region: str | None
    cost_recorded: float | None
    collector: int
    counted: int
    tokens_known: int
    cost: int | None = None
    """Billionths of a US dollar; None while nobody knows."""
    price_version: int | None = None


class StoredSession(Struct):
    """A row of `sessions`. ``first_at`` is its earliest record with tokens, known or not: only a session that has one
    counts, on that record's day."""

    number: int
    id: str
    user_id: str
    tool_type_id: str
    session_hash: str
    anonymous_project_id: str | None
    device: str | None
    road: int
    day: str
    first_at: int | None
    started_at: int
    ended_at: int
    duration_seconds: int
    model_name: str | None
    turn_count: int
    tool_usage: str
    code_metrics: str
    created_at: int
    updated_at: int
    closed: int = 0
    """Whether only its identity is left (1): who, with which tool and model, in which project, and when it began."""


class Totals(Struct):
    """Sums over records: tokens by kind, cache writes of both lives together; cost in billionths of a US dollar, and
    how many records it is without because nobody knows theirs."""

    sessions: int = 0
    records: int = 0
    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0
    cost: int = 0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        """All tokens, cache included."""
        return self.input + self.output + self.cache_write + self.cache_read

    def add(self, other: "Totals", sign: int = 1) -> None:
        """Add (or, with -1, take away) another sum."""
        self.sessions += sign * other.sessions
        self.records += sign * other.records
        self.input += sign * other.input
        self.output += sign * other.output
        self.cache_write += sign * other.cache_write
        self.cache_read += sign * other.cache_read
        self.cost += sign * other.cost
        self.unpriced += sign * other.unpriced

    def minus(self, other: "Totals") -> "Totals":
        """The difference to another sum."""
        difference = structs.replace(self)
        difference.add(other, -1)
        return difference


class Used(Struct, frozen=True):
    """What a person's records of one model, tool, project and day add up to, as far as they count."""

    day: str
    tool: int
    model: str
    project: str
    totals: Totals


class Begun(Struct, frozen=True):
    """How many of a person's sessions began on a day by a road, with a tool and mostly one model, in a project."""

    day: str
    tool: int
    road: int
    model: str
    project: str
    sessions: int


class Payer(Struct, frozen=True):
    """Somebody who used something, and the name of their team, or nothing."""

    id: str
    name: str
    team: str


class Bill(Struct, frozen=True):
    """What a table of usage is asked to tell: days from one to another, of whom, and what its rows are told apart by.

    ``person`` is a user name, ``team`` a slug; empty means everybody.
    """

    since: str
    until: str
    person: str = ""
    team: str = ""
    by: tuple[str, ...] = ("person",)


class BillRow(Struct, frozen=True):
    """A row of such a table: what tells it apart, in the order of ``Bill.by``, and what was used.

    None stands for a model or project that nobody knows: only the sums of its day tell of it.
    """

    cells: tuple[str | None, ...]
    totals: Totals


RoadSums = dict[tuple[int, int], Totals]
"""Sums by road, and whether (1) they are of sessions that are left out of ranking."""

AnomalyState = Literal["open", "fine", "excluded"]
"""Nobody looked yet; an administrator found nothing wrong; or they left the session out of ranking."""
Reason = Literal["size", "response", "rate", "day"]
"""Why a session was flagged, in the words of `arena.usage.rules.doubts`."""


Verdict = Literal["fine", "exclude", "restore"]
VERDICTS: dict[Verdict, str] = {
    "fine": "session_reviewed",
    "exclude": "session_excluded",
    "restore": "session_restored",
}
"""What an administrator may decide, and the event that tells of it."""


class Anomaly(Struct):
    """A row of `anomalies`: a session that was flagged, what it holds, and what became of it.

    ``usual`` is the rolling mean it was compared with, None if there was none.
    """

    session: int
    user_id: str
    state: AnomalyState
    reasons: str
    usual: int | None
    input_tokens: int
    output_tokens: int
    cache_tokens: int
    flagged_at: int
    decided_at: int | None
    decided_by: str | None

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


class FlaggedSession(Struct, frozen=True):
    """A flagged session with what is told of it: whose, with which tool, and when."""

    id: str
    user_id: str
    name: str
    display: str
    tool: str
    model: str | None
    road: int
    day: str
    started_at: int
    ended_at: int
    duration_seconds: int
    state: AnomalyState
    reasons: str
    usual: int | None
    input_tokens: int
    output_tokens: int
    cache_tokens: int
    flagged_at: int
    decided_at: int | None
    decider: str | None
    closed: int


class Outcome(Struct):
    """What became of a write: records new, grown and known, sessions touched, and the tokens that now count more."""

    stored: int = 0
    grown: int = 0
    known: int = 0
    tokens: int = 0
    sessions: list[tuple[str, str]] = field(default_factory=list)
    """For each report in order: the session's id, and "stored", "grown" or "known"."""


class UserTotals(Struct, frozen=True):
    """A row of `user_stats`."""

    total_input_tokens: int = 0
    total_output_tokens: int = 0
    total_cache_tokens: int = 0
    total_sessions: int = 0
    tokens_by_tool: str = "{}"
    sessions_by_tool: str = "{}"
    last_activity_at: int = 0
    total_cost: int = 0
    total_unpriced: int = 0

    @property
    def total_all_tokens(self) -> int:
        """All tokens, cache included."""
        return self.total_input_tokens + self.total_output_tokens + self.total_cache_tokens

    @property
    def tools(self) -> dict[str, int | None]:
        """All tokens by tool, most first; None where nobody knows because the tool does not keep them."""
        tokens = msgspec.json.decode(self.tokens_by_tool, type=dict[str, int])
        used = tokens.keys() | msgspec.json.decode(self.sessions_by_tool, type=dict[str, int]).keys()
        silent = {tool.id for tool in TOOLS if not tool.keeps_tokens}
        names = sorted(used, key=lambda name: (-tokens.get(name, 0), name))
        return {name: tokens.get(name, None if name in silent else 0) for name in names}


class BeforeWrite(Struct, frozen=True):
    """What is known of a person before a write. None where nothing was noted yet.

    ``recent`` are the last of their sessions that count: input and output tokens by number, in order.
    """

    totals: UserTotals | None
    recent: dict[int, int] | None
    sends_telemetry: bool
    is_flagged: bool
    """Whether any of their sessions ever was."""
    closed_person: int | None = None
    """Their number among those who have closed records."""
    first_day: str = ""
    """The first day whose daily rows are kept."""


class ClosedRecord(Struct, frozen=True):
    """A row of `closed_records`: what is left of a record is that it was counted, in which session and chain."""

    person: int
    key: bytes
    session: int
    sidechain: int


class ClosedPart(NamedTuple):
    """What closed records are summed up by. ``excluded`` is 1 in sessions that were left out of ranking then."""

    day: str
    tool: int
    road: int
    excluded: int
    project: str
    model: str


class Habits(Struct):
    """What closed records and sessions of a project add up to beside tokens.

    ``sessions`` are those with tokens, ``seconds`` how long they lasted, ``turns`` what they took. ``models`` has the
    sessions and tokens of each model; ``hours`` the tokens and ``ends`` the ends of sessions by the hour of the week,
    from Sunday's first, in the zone that the box had when they were closed.
    """

    sessions: int = 0
    seconds: int = 0
    turns: int = 0
    lines_added: int = 0
    lines_deleted: int = 0
    files_created: int = 0
    files_modified: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    models: dict[str, tuple[int, int]] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)

    def add(self, other: "Habits") -> None:
        """Add another sum."""
        for name in ("sessions", "seconds", "turns", "lines_added", "lines_deleted", "files_created", "files_modified"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        add_counts(self.tools, other.tools)
        add_counts(self.hours, other.hours)
        add_counts(self.ends, other.ends)
        for model, (sessions, tokens) in other.models.items():
            known = self.models.get(model, (0, 0))
            self.models[model] = known[0] + sessions, known[1] + tokens


def add_counts(counts: dict[K, int], more: Mapping[K, int]) -> None:
    """Add counts to others of the same kind."""
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


class Retained(Struct, frozen=True):
    """What retention took away: rows by table, in how many writes."""

    rows: dict[str, int]
    writes: int


class Day(Struct, frozen=True):
    """A row of `daily_user_stats`. ``streak`` is the run of active days that this day ends."""

    stat_date: str
    input_tokens: int
    output_tokens: int
    cache_tokens: int
    session_count: int
    by_tool: str
    streak: int
    cost: int = 0
    unpriced: int = 0

    @property
    def total_tokens(self) -> int:
        """All tokens, cache included."""
        return self.input_tokens + self.output_tokens + self.cache_tokens


class CodeMetrics(Struct, frozen=True, rename="camel"):
    """Lines and files, as the session API sends them."""

    lines_added: Annotated[int, Meta(ge=0, le=100_000_000)] = 0
    lines_deleted: Annotated[int, Meta(ge=0, le=100_000_000)] = 0
    files_modified: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    files_created: Annotated[int, Meta(ge=0, le=10_000_000)] = 0


Moment = Annotated[str, Meta(min_length=1, extra_json_schema={"format": "date-time"})]


class SessionBody(Struct, frozen=True, rename="camel"):
    """One session as the wire-compatible API takes it. Unknown fields are ignored, as older servers did."""

    ended_at: Moment
    input_tokens: Annotated[int, Meta(ge=0, le=500_000_000)]
    output_tokens: Annotated[int, Meta(ge=0, le=100_000_000)]
    tool_type: str = "claude-code"
    cache_creation_tokens: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    cache_read_tokens: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    model_name: Annotated[str, Meta(max_length=100)] = ""
    session_hash: Annotated[str, Meta(min_length=64, max_length=64)] | None = None
    session_id: Annotated[str, Meta(max_length=200)] = ""
    device_id: Annotated[str, Meta(max_length=200)] = ""
    anonymous_project_id: Annotated[str, Meta(max_length=100)] = ""
    started_at: Moment | None = None
    duration_seconds: Annotated[int, Meta(ge=0, le=604_800)] | None = None
    turn_count: Annotated[int, Meta(ge=0, le=10_000)] = 0
    tool_usage: Annotated[dict[str, Annotated[int, Meta(ge=0, le=1_000_000)]], Meta(max_length=200)] = {}
    code_metrics: CodeMetrics = CodeMetrics()


class BatchBody(Struct, frozen=True):
    """Up to 100 sessions at once; each is judged by itself."""

    sessions: Annotated[list[SessionBody], Meta(min_length=1, max_length=100)]


class ForgetBody(Struct, frozen=True):
    """A project, by the keyed hash that the laptop gave it."""

    project: Annotated[str, Meta(min_length=16, max_length=16)]


class Value(Struct, frozen=True, rename="camel"):
    """A value of an attribute, as far as it is looked at: one of these is set. Numbers may come as strings."""

    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None


class Attribute(Struct, frozen=True):
    """A key and its value, which is decoded only where the key is one of ours."""

    key: str | None = None
    value: msgspec.Raw = field(default_factory=msgspec.Raw)


class Resource(Struct, frozen=True):
    """Who sends telemetry."""

    attributes: list[Attribute] | None = None


Time = int | float | str | None
"""Nanoseconds since the epoch: in JSON as a string, or as a number."""


class LogRecord(Struct, frozen=True, rename="camel"):
    """An event of OpenTelemetry, as far as it is looked at."""

    time_unix_nano: Time = None
    observed_time_unix_nano: Time = None
    event_name: str | None = None
    body: msgspec.Raw = field(default_factory=msgspec.Raw)
    attributes: list[Attribute] | None = None


class ScopeLogs(Struct, frozen=True, rename="camel"):
    """The events of one logger."""

    log_records: list[LogRecord] | None = None


class ResourceLogs(Struct, frozen=True, rename="camel"):
    """The events of one process."""

    resource: Resource | None = None
    scope_logs: list[ScopeLogs] | None = None


class LogsBody(Struct, frozen=True, rename="camel"):
    """The body of ``POST /otlp/v1/logs``, as OpenTelemetry has it; other fields are ignored."""

    resource_logs: list[ResourceLogs] | None = None


class NumberPoint(Struct, frozen=True, rename="camel"):
    """A number of a metric at a time."""

    attributes: list[Attribute] | None = None
    start_time_unix_nano: Time = None
    time_unix_nano: Time = None
    as_int: int | str | None = None
    as_double: float | str | None = None


class Sum(Struct, frozen=True, rename="camel"):
    """A counter; its temporality is 1 for what came since the last time (delta), 2 for all so far (cumulative)."""

    data_points: list[NumberPoint] | None = None
    aggregation_temporality: int | str | None = None


class Metric(Struct, frozen=True):
    """A metric, which is looked at if it is a counter."""

    name: str | None = None
    sum: Sum | None = None


class ScopeMetrics(Struct, frozen=True):
    """The metrics of one meter."""

    metrics: list[Metric] | None = None


class ResourceMetrics(Struct, frozen=True, rename="camel"):
    """The metrics of one process."""

    resource: Resource | None = None
    scope_metrics: list[ScopeMetrics] | None = None


class MetricsBody(Struct, frozen=True, rename="camel"):
    """The body of ``POST /otlp/v1/metrics``, as OpenTelemetry has it; other fields are ignored."""

    resource_metrics: list[ResourceMetrics] | None = None


Attributes = dict[str, str | int | float]
"""Those attributes that are ours, by key."""


class Event(Struct, frozen=True):
    """A log record, whatever it was written in: the names it may go by, its attributes that are ours, its time (ms)."""

    names: tuple[str, ...]
    attributes: Attributes
    at: int


class Point(Struct, frozen=True):
    """A number of a counter, whatever it was written in. Times are nanoseconds since the epoch.

    ``stream`` names what it is a part of: all attributes of process and point, hashed, so that none of them is kept.
    """

    name: str
    attributes: Attributes
    start: int
    time: int
    value: float
    temporality: int
    stream: bytes


class Refused(Struct, frozen=True):
    """An item that was not understood: the field and the reason."""

    field: str
    reason: str

    @property
    def sentence(self) -> str:
        """Both in one."""
        return f"{self.field}: {self.reason}" if self.field else self.reason
