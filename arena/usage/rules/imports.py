"""What another system exported, row by row: Modu-Arena's tables, and plain columns."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from arena.accounts.rules import display_of, name_of, name_problem
from arena.usage.models import Refused, Report, Road
from arena.usage.rules.day_rows import day_row, latest_day, reports_of_days
from arena.usage.rules.session_api import milliseconds, report_of, session_body

Row = Mapping[str, Any]
"""A row by column, as text (CSV) or as JSON has it."""
TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
TRUE = ("t", "true", "1", "yes")


class Newcomer(Struct, frozen=True):
    """Somebody who was elsewhere before. Times are epoch milliseconds."""

    name: str
    display: str = ""
    private: bool = False
    joined_at: int | None = None


class Arrival(Struct, frozen=True):
    """What one row brought, whose it is, and by which road it counts."""

    name: str
    road: int
    reports: list[Report]


# -- Modu-Arena


def newcomer(row: Row) -> Newcomer | Refused:
    """A row of `users`: by user name, else by name at GitHub. Hashes of keys and passwords are left where they are."""
    names = [str(row[column]) for column in ("username", "github_username") if row.get(column)]
    name = next((name_of(each) for each in names if name_problem(name_of(each)) is None), None)
    if name is None:
        told = f"{names[0][:50]!r} cannot be one here" if names else "there is none"
        return Refused("username", f"{told}; {name_problem('')}")
    joined = _moment(row.get("created_at"))
    return Newcomer(
        name=name,
        display=display_of(str(row.get("display_name") or row.get("username") or name))[:50],
        private=str(row.get("privacy_mode")).lower() in TRUE,
        joined_at=milliseconds(joined) if joined else None,
    )


def tokens(row: Row) -> tuple[str, list[int]] | Refused:
    """A row of `token_usage`: the session it is of, and its tokens by kind."""
    session = row.get("session_id")
    if not session:
        return Refused("session_id", "is missing")
    try:
        return str(session), [int(row.get(column) or 0) for column in TOKENS]
    except (TypeError, ValueError):
        return Refused("token_usage", "holds something else than whole numbers")


def modu_session(row: Row, used: list[int] | None, now: int) -> Report | Refused:
    """A row of `sessions` with its tokens, as the session API would have understood it when it was sent."""
    if used is None:
        return Refused("", "has no row in token_usage, so nothing to count")
    ended, started = _moment(row.get("ended_at")), _moment(row.get("started_at"))
    if ended is None:
        return Refused("ended_at", "is no date and time")
    if started is not None and started > ended:  # where a client told no beginning, the time of arrival stands there
        started = None
    try:
        deeds = {name: _json(row.get(column)) for name, column in DEEDS.items()}
    except (msgspec.DecodeError, RecursionError):
        return Refused("tool_usage", "or code_metrics is no JSON")
    body = {
        "toolType": row.get("tool_type_id") or "claude-code",
        "startedAt": started.isoformat() if started else None,
        "endedAt": ended.isoformat(),
        "modelName": row.get("model_name"),
        "anonymousProjectId": row.get("anonymous_project_id"),
        "durationSeconds": _number(row.get("duration_seconds")),
        "turnCount": _number(row.get("turn_count")),
        **dict(zip(FIGURES, used, strict=True)),
        **deeds,
    }
    arrived = _moment(row.get("created_at"))
    return _understood(body, now if arrived is None else min(now, milliseconds(arrived)), "modu-arena", MODU)


DEEDS = {"toolUsage": "tool_usage", "codeMetrics": "code_metrics"}
FIGURES = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")
MODU = {
    **DEEDS,
    **dict(zip(FIGURES, TOKENS, strict=True)),
    "toolType": "tool_type_id",
    "startedAt": "started_at",
    "endedAt": "ended_at",
    "modelName": "model_name",
    "anonymousProjectId": "anonymous_project_id",
    "durationSeconds": "duration_seconds",
    "turnCount": "turn_count",
}
"""The columns of what the session API knows by other names."""


# -- plain columns

COLUMNS = {
    "person": "user name; somebody new is added",
    "tool": "which tool it was (default: claude-code)",
    "model": "which model",
    "input": "tokens sent, without what the cache served or stored",
    "output": "tokens written",
    "cache_write": "tokens stored in the cache",
    "cache_read": "tokens served from the cache",
    "ended_at": "of a session: when it ended, RFC 3339 (without an offset: UTC)",
    "started_at": "of a session: when it began",
    "session": "of a session: its id; the same one again replaces itself",
    "project": "of a session: any name, kept as it is",
    "turns": "of a session: prompts",
    "date": "of a whole day instead: YYYY-MM-DD; one row a person, day, tool, model and machine",
    "machine": "of a day: tells machines apart, which add up",
    "cost": "of a day: US dollars, kept beside ours",
}
"""What each column means."""
NEEDED = ("person", "input", "output")


def plain(row: Row, now: int) -> Arrival | Refused:
    """A row of plain columns: a session, or with a ``date`` a whole day."""
    name = name_of(row.get("person") or "")
    if problem := name_problem(name):
        return Refused("person", problem)
    if row.get("date"):
        return _plain_day(name, row, now)
    ended, started = _moment(row.get("ended_at")), _moment(row.get("started_at"))
    if ended is None:
        return Refused("ended_at", "is no date and time, and there is no date either")
    if row.get("started_at") and started is None:
        return Refused("started_at", "is no date and time")
    body = {
        "toolType": row.get("tool") or "claude-code",
        "startedAt": started.isoformat() if started else None,
        "endedAt": ended.isoformat(),
        "modelName": row.get("model"),
        "sessionId": row.get("session"),
        "anonymousProjectId": row.get("project"),
        "turnCount": _number(row.get("turns")),
        **{figure: _number(row.get(column)) for figure, column in zip(FIGURES, KINDS, strict=True)},
    }
    report = _understood(body, now, "csv", PLAIN)
    return report if isinstance(report, Refused) else Arrival(name, Road.SESSION_API, [report])


KINDS = ("input", "output", "cache_write", "cache_read")
PLAIN = {
    **dict(zip(FIGURES, KINDS, strict=True)),
    "toolType": "tool",
    "startedAt": "started_at",
    "endedAt": "ended_at",
    "modelName": "model",
    "sessionId": "session",
    "anonymousProjectId": "project",
    "turnCount": "turns",
    "totalCost": "cost",
}


def _plain_day(name: str, row: Row, now: int) -> Arrival | Refused:
    item = {
        "date": row["date"],
        "tool": row.get("tool") or "claude-code",
        "models": [row["model"]] if row.get("model") else [],
        "totalCost": _number(row.get("cost"), float),
        **{figure: _number(row.get(column)) for figure, column in zip(FIGURES, KINDS, strict=True)},
    }
    found = day_row(item, latest_day(now))
    if isinstance(found, Refused):
        return _of_column(found, PLAIN)
    return Arrival(name, Road.DAY_ROWS, reports_of_days([found], (row.get("machine") or "")[:64], "csv"))


# -- both


def _understood(body: dict[str, Any], now: int, collector: str, columns: Mapping[str, str]) -> Report | Refused:
    report = report_of(session_body(body), now)
    if isinstance(report, Refused):
        return _of_column(report, columns)
    return msgspec.structs.replace(report, collector=collector)


def _of_column(refused: Refused, columns: Mapping[str, str]) -> Refused:
    """The same, by the name of the column that it stands in."""
    return Refused(columns.get(re.split(r"\W", refused.field)[0], refused.field), refused.reason)


def _moment(value: object) -> datetime | None:
    """A date and time as databases write them; without an offset it is UTC. None for anything else."""
    try:
        moment = datetime.fromisoformat(str(value or ""))
        milliseconds(moment)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(value: object, kind: type[int] | type[float] = int) -> object:
    """A number that stands there as text, None for nothing; what is no number is left, to be refused by name."""
    try:
        return kind(value) if isinstance(value, str) and value else value or None
    except ValueError:
        return value


def _json(value: object) -> object:
    return msgspec.json.decode(value) if isinstance(value, str) and value else value
