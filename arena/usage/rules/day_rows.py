"""What ccusage sums up by day."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from arena.usage.models import MIXED, TOOL_BY_ID, UNKNOWN, Refused, Report, Tool
from arena.usage.rules.bodies import refused
from arena.wire import ROWS_PER_REQUEST, DayModel, DayRow, Record, RowProblem, record_key, session_hash

CLAUDE = "claude"
"""What ccusage calls Claude Code; it and the box call the other tools the same."""
MODELS_OF = {
    "claude-code": re.compile(r"claude-"),
    "codex": re.compile(r"gpt-|o\d|codex-"),
    "gemini": re.compile(r"gemini-"),
    "qwen": re.compile(r"qwen"),
    "kimi": re.compile(r"kimi"),
    "grok": re.compile(r"grok"),
}
"""The tools that hardly use any but their maker's models, and how these begin. All others use anybody's."""
FAST = "-fast"
"""How ccusage, since 18, ends the name of a model in fast mode; before, it did not tell the two apart."""
WHOLE, REST = "whole", "rest"
"""Beside what models tell: all that a row holds, where it tells no model, or what its models leave over."""


class _Share(Struct):
    """What of a row is one tool's and one model's."""

    tool: str
    model: str
    place: str
    """Tells the shares of a tool and day apart: that of a model, `WHOLE` or `REST`."""
    figures: list[int]
    """Tokens: input, output, written to and read from the cache."""
    cost: float | None
    speed: str | None = None


def day_reports(body: bytes, now: int) -> tuple[list[Report], list[RowProblem]]:
    """Understand what ccusage sums up by day. One bad row never costs its neighbours: it is named among the problems.

    Raises ``msgspec.DecodeError`` when the body as a whole is no such report, and RecursionError when it is nested too
    deep.
    """
    sent = msgspec.json.decode(body)
    loose = msgspec.convert({"entries": sent} if isinstance(sent, list) else sent, _LooseDays)
    latest = latest_day(now)
    rows: list[DayRow] = []
    problems: list[RowProblem] = []
    for number, item in enumerate(loose.entries):
        row = day_row(item, latest)
        if isinstance(row, Refused):
            problems.append(RowProblem(number, row.sentence))
        else:
            rows.append(row)
    return reports_of_days(rows, loose.machine, loose.collector or "ccusage"), problems


def reports_of_days(rows: Iterable[DayRow], machine: str, collector: str) -> list[Report]:
    """Make rows of one machine into reports: of each tool and day one, with a record for each model.

    A record is named after the machine, the day, the tool and the model, so it replaces itself by its larger copy.
    """
    by_tool: dict[tuple[str, str], list[Record]] = {}
    for row in rows:
        for share in _shares(row):
            by_tool.setdefault((row.date, share.tool), []).append(_day_record(share, machine, row.date))
    return [
        Report(
            tool=_tool(name),
            session_hash=session_hash("ccusage", f"{machine}:{day}:{name}"),
            started_at=_noon(day),
            ended_at=_noon(day),
            records=records,
            device=machine or None,
            collector=collector,
            day=day,
        )
        for (day, name), records in by_tool.items()
    ]


def latest_day(now: int) -> str:
    """The last day that may have begun anywhere: tomorrow in UTC."""
    return (datetime.fromtimestamp(now / 1000, UTC).date() + timedelta(days=1)).isoformat()


class _LooseDays(Struct):
    entries: Annotated[list[Any], Meta(max_length=ROWS_PER_REQUEST)]
    machine: Annotated[str, Meta(max_length=64)] = ""
    collector: Annotated[str, Meta(max_length=50)] = ""


def day_row(item: object, latest: str) -> DayRow | Refused:
    """A row as it was meant, its models in one place, or what is wrong with it."""
    if not isinstance(item, dict):
        return Refused("", "a row must be an object")
    try:
        row = msgspec.convert({name: value for name, value in item.items() if value is not None}, DayRow)
        date.fromisoformat(row.date)
    except msgspec.ValidationError as problem:
        return refused(problem)
    except ValueError:
        return Refused("date", f"{row.date} is in no calendar")
    if row.date < "2000-01-01":
        return Refused("date", "lies before the year 2000")
    if row.date > latest:
        return Refused("date", f"{row.date} lies in the future; check the clock of the machine that sent it")
    told = [*row.model_breakdowns, *(each for each in row.models if isinstance(each, DayModel))]
    names = [each for each in row.models if isinstance(each, str)]
    if not told and len(names) == 1:
        taken, written, stored, read = _figures(row)
        told = [DayModel(names[0], taken, written, stored, read)]
    if min(_left(row, told)) < 0:
        return Refused("modelBreakdowns", "add up to more than the row itself")
    return msgspec.structs.replace(row, model_breakdowns=told)


def _figures(row: DayRow | DayModel) -> list[int]:
    return [row.input_tokens, row.output_tokens, row.cache_creation_tokens, row.cache_read_tokens]


def _left(row: DayRow, told: list[DayModel]) -> list[int]:
    return [whole - sum(parts) for whole, *parts in zip(_figures(row), *map(_figures, told), strict=True)]


def _shares(row: DayRow) -> list[_Share]:
    """Split a row by tool and model; what its models leave over is a share of its own."""
    named = [row.tool] if row.tool else row.agents
    owners = list(dict.fromkeys(map(_tool_name, named))) or [_guessed(row)]
    told = row.model_breakdowns
    shares: dict[tuple[str, str], _Share] = {}
    for each in told:
        cost = row.total_cost if each.cost is None and len(told) == 1 else each.cost
        model = each.model_name.removesuffix(FAST)
        speed = "fast" if model != each.model_name else None
        share = _Share(_owner(owners, model), model or "unknown", f"model:{model}", _figures(each), cost or None, speed)
        known = shares.setdefault((share.tool, model), share)
        if known is not share:
            known.figures = [ours + theirs for ours, theirs in zip(known.figures, share.figures, strict=True)]
            known.cost = known.cost + share.cost if known.cost and share.cost else None
            known.speed = known.speed if known.speed == share.speed else MIXED
    left = _left(row, told)
    left[1] += max(0, row.total_tokens - sum(_figures(row)))
    tool = owners[0] if len(owners) == 1 else UNKNOWN.id
    if told:
        largest = max(told, key=lambda each: (each.output_tokens, each.model_name)).model_name.removesuffix(FAST)
        rest = _Share(tool, largest if tool != UNKNOWN.id else "unknown", REST, left, None)
    else:
        rest = _Share(tool, "unknown", WHOLE, left, row.total_cost or None)
    return [share for share in (*shares.values(), rest) if any(share.figures)]


def _tool_name(name: str) -> str:
    return "claude-code" if name == CLAUDE else name


def _tool(name: str) -> Tool:
    return TOOL_BY_ID.get(name, UNKNOWN)


def _guessed(row: DayRow) -> str:
    """Whose a row is that names no tool: of the tool whose maker made all its models, else Claude Code's."""
    names = [each.model_name for each in row.model_breakdowns]
    fitting = [tool for tool, made in MODELS_OF.items() if names and all(map(made.match, names))]
    return fitting[0] if fitting else "claude-code"


def _owner(owners: list[str], model: str) -> str:
    """Which of a row's tools used a model; `unknown` if several could have, or none would."""
    if len(owners) == 1:
        return owners[0]
    able = [name for name in owners if name not in MODELS_OF or MODELS_OF[name].match(model)]
    return able[0] if len(able) == 1 else UNKNOWN.id


def _noon(day: str) -> int:
    """Noon UTC of a day: a row needs some instant, and its day is what it says, whatever the zone."""
    return int(datetime.fromisoformat(f"{day}T12:00Z").timestamp() * 1000)


def _day_record(share: _Share, machine: str, day: str) -> Record:
    """One share of a row as a record. What another row may tell more exactly is a copy: see `copies.genuine`."""
    key = record_key(f"ccusage:{machine}:{day}", f"{share.tool}:{share.place}")
    sidechain = share.place == WHOLE or _tool(share.tool) == UNKNOWN
    taken, written, stored, read = share.figures
    return Record(
        key=key,
        at=_noon(day),
        model=share.model,
        input=taken,
        output=written,
        cache_write_5m=stored,
        cache_read=read,
        sidechain=sidechain,
        speed=share.speed,
        cost_recorded=share.cost,
    )
