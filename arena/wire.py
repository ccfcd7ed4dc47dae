"""The Structs that travel between a laptop and the box: numbers, names of models and built-in tools, times and hashes.

Identities are hashed without a key, so that every machine and every road gives one response the same name:

* a session is ``sha256("<tool>:<session id>")``, 64 hex digits (`session_hash`);
* a record is 16 bytes, 32 hex digits (`record_key`): the first 8 hash the message id, the last 8 hash what tells two
  messages of one id apart (the request id, else the time of the response's first line). Whoever holds the key
  therefore also holds the message's hash: it is the first half.
"""

from hashlib import sha256
from typing import Annotated

from msgspec import Meta, Struct, field

SESSIONS_PER_REQUEST = 1_000
RECORDS_PER_REQUEST = 5_000
ROWS_PER_REQUEST = 5_000
BODY_LIMIT = 10 * 1024 * 1024
"""Bytes of one request, after gunzipping."""

Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Instant = Annotated[int, Meta(ge=946_684_800_000, le=4_102_444_800_000)]
"""Epoch milliseconds UTC, from the year 2000 to 2100."""


def session_hash(tool: str, session_id: str) -> str:
    """Name a session by its tool and the id the tool gave it."""
    return sha256(f"{tool}:{session_id}".encode()).hexdigest()


def short_hash(text: str) -> str:
    """Hash an id into 16 hex digits (8 bytes)."""
    return sha256(text.encode()).hexdigest()[:16]


def record_key(message: str, distinguisher: str) -> str:
    """Name a record by its message id and by the request id, or else the first line's time, of its response."""
    return short_hash(message) + (short_hash(distinguisher) if distinguisher else NO_DISTINGUISHER)


NO_DISTINGUISHER = short_hash("")


def model_name(name: str | None) -> str:
    """Keep a model's name but not the account that an address of it tells."""
    name = (name or "").strip() or "unknown"
    if name.startswith("arn:") or "projects/" in name or "/models/" in name or "accounts/" in name:
        name = name.rsplit("/", 1)[-1]
    if name.startswith("arn:"):
        name = name.rsplit(":", 1)[-1]
    return name[:100] or "unknown"


class Record(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One model response, or the smallest unit that the tool records.

    ``at`` is the earliest timestamp of the response. ``input`` excludes what the cache served or stored. ``tools``
    counts calls by the name of a built-in tool; calls of MCP tools count as ``mcp``. ``turns`` counts the prompts
    that this response is the first to answer. ``cost_recorded`` is what the tool itself noted, in US dollars. Without
    ``tokens_known`` the tool does not keep what the response used, and zeros mean that nobody knows.
    """

    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    at: Instant
    model: Annotated[str, Meta(min_length=1, max_length=100)]
    input: Count = 0
    output: Count = 0
    cache_write_5m: Count = 0
    cache_write_1h: Count = 0
    cache_read: Count = 0
    request: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")] | None = None
    sidechain: bool = False
    tools: Annotated[dict[Annotated[str, Meta(max_length=64)], Count], Meta(max_length=64)] = field(
        default_factory=dict
    )
    lines_added: Count = 0
    lines_deleted: Count = 0
    files_created: Count = 0
    files_modified: Count = 0
    turns: Count = 0
    web_searches: Count = 0
    speed: Annotated[str, Meta(pattern=r"^(standard|fast)\Z")] | None = None
    service_tier: Annotated[str, Meta(pattern=r"^(standard|priority|batch|flex)\Z")] | None = None
    region: Annotated[str, Meta(pattern=r"^(us|eu|global)\Z")] | None = None
    cost_recorded: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    tokens_known: bool = True


class SessionReport(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A stretch of work in one tool, and the records of it that the box may not have yet.

    ``project`` is a keyed hash of the project's path whose key stays on the laptop. ``collector`` names the reader
    and its version, so that a counting mistake can be found later.
    """

    tool: Annotated[str, Meta(min_length=1, max_length=50)]
    session: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    started_at: Instant
    ended_at: Instant
    records: list[Record]
    project: Annotated[str, Meta(pattern=r"^([0-9a-f]{16})?\Z")] = ""
    collector: Annotated[str, Meta(max_length=50)] = ""


class UsageReport(Struct, frozen=True, omit_defaults=True):
    """The body of ``POST /api/v1/usage``, plain or gzip."""

    sessions: list[SessionReport]
    machine: Annotated[str, Meta(max_length=64)] = ""


Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]
Name = Annotated[str, Meta(max_length=100)]


class DayModel(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What one model used on a day, in ccusage's own words. ``cost`` is in US dollars."""

    model_name: Name
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cache_creation_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cost: Dollars | None = None


class DayRow(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What somebody used on a day, as ccusage sums it up; fields that are not here are ignored.

    ``tool`` names the tool; ``agents`` those that the row mixes; a row with neither is of the tool that its models
    tell, else of Claude Code. ``input_tokens`` excludes what the cache served or stored. What ``total_tokens`` has
    beyond the four kinds is output that the models do not show, their reasoning. ``models`` may stand for
    ``model_breakdowns``, or hold names alone.
    """

    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z")]
    input_tokens: Tokens
    output_tokens: Tokens
    cache_creation_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    total_tokens: Tokens = 0
    total_cost: Dollars | None = None
    tool: Name = ""
    agents: Annotated[list[Name], Meta(max_length=100)] = field(default_factory=list)
    models: Annotated[list[Name | DayModel], Meta(max_length=500)] = field(default_factory=list)
    model_breakdowns: Annotated[list[DayModel], Meta(max_length=500)] = field(default_factory=list)


class DayReport(Struct, frozen=True, omit_defaults=True):
    """The body of ``POST /v1/sync``, plain or gzip; the list of entries may also come alone."""

    entries: Annotated[list[DayRow], Meta(max_length=ROWS_PER_REQUEST)]
    machine: Annotated[str, Meta(max_length=64)] = ""
    """Tells the machines of one person apart: what they used adds up. A name or, better, a hash."""
    collector: Annotated[str, Meta(max_length=50)] = ""


class RowProblem(Struct, frozen=True):
    """A row that was not stored: where it stood in the request, and why, in one sentence."""

    entry: int
    reason: str


class DayAnswer(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What became of each day, tool and model, counted, and the rows that were refused.

    ``stored`` were new, ``grown`` replaced a smaller copy, ``known`` changed nothing, ``failed`` rows are in
    ``problems``. ``time_zone`` is the one whose days this box counts.
    """

    success: bool
    stored: int = 0
    grown: int = 0
    known: int = 0
    failed: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    time_zone: str = ""


class RecordProblem(Struct, frozen=True):
    """A record that was not stored: where it stood in the request, and why, in one sentence."""

    session: int
    record: int
    reason: str


class UsageAnswer(Struct, frozen=True, omit_defaults=True):
    """What became of each record, counted, and the ones that were refused.

    ``stored`` were new, ``grown`` replaced a smaller copy, ``known`` changed nothing, ``failed`` are in ``problems``.
    A ``problem`` whose ``record`` is -1 concerns its whole session.
    """

    success: bool
    stored: int = 0
    grown: int = 0
    known: int = 0
    failed: int = 0
    problems: list[RecordProblem] = field(default_factory=list)


class Submitted(Struct, frozen=True, omit_defaults=True):
    """The body of ``POST /api/v1/evaluate`` as `arena submit` sends it: what its person chose to send of a project."""

    projectName: str
    description: str
    projectPathHash: str
    fileStructure: dict[str, list[str]] = field(default_factory=dict)
    localScore: int = 0
    localEvaluationSummary: str = ""


class Judged(Struct, frozen=True):
    """An evaluation as programs read it. Scores are null until it is done.

    ``finalScore`` (0-10) is functionality and practicality, and decides alone: ``localScore`` is what the sender said
    of their own project, ``penaltyScore`` is always 0. ``backendScore`` (0-5) is functionality.
    """

    id: str
    url: str
    state: str
    projectName: str
    projectPathHash: str
    localScore: int
    backendScore: int | None
    penaltyScore: int | None
    functionalityScore: int | None
    practicalityScore: int | None
    finalScore: int | None
    passed: bool | None
    cumulativeScoreAfter: int | None
    feedback: str | None
    reason: str | None
    evaluatedAt: str | None
    readings: tuple[tuple[int, int], ...] = ()
    """Functionality and practicality as each of the two readings scored them; of each the lower one counts."""


class JudgedAnswer(Struct, frozen=True):
    """The answer of ``POST /api/v1/evaluate`` and ``GET /api/v1/evaluations/{id}``."""

    success: bool
    evaluation: Judged
