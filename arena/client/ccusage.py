"""Runs ccusage, and reads what ``ccusage ... --json`` prints in every shape of its versions 15 to 20."""

import os
import re
import shutil
import subprocess
from typing import Any

import msgspec

from arena.client.home import Refused
from arena.client.terminal import clean
from arena.wire import DayModel, DayRow

PATIENCE = 600.0
"""Seconds; versions before 19 take minutes for a long history."""

HOW = "send its days: `ccusage daily --json | arena sync --stdin`."
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}\Z")
KINDS = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")
OTHER_REPORTS = ("monthly", "weekly", "session", "sessions", "blocks")


def found() -> str:
    """Name the ccusage of this machine by its whole path."""
    path = shutil.which("ccusage")
    if path is None:
        raise Refused(
            "ccusage is not installed on this machine (there is none on PATH); install it with `npm install -g "
            "ccusage`, or pipe what it prints elsewhere into `arena sync --stdin`."
        )
    return os.path.abspath(path)


def days(path: str, zone: str) -> bytes:
    """Let it sum up the days of a zone, or of this machine's where none is given, each tool for itself."""
    asked = ["daily", "--json", "--offline", "--by-agent"]
    return _run([path, *asked, *(["--timezone", zone] if ZONE.match(zone) else [])])


def version(path: str) -> str:
    """Ask which version it is."""
    words = _run([path, "--version"]).decode("utf-8", "replace").split()
    return clean(words[-1])[:40] if words else "unknown"


def rows(text: bytes, tool: str = "") -> list[DayRow]:
    """Read a report of days. ``tool`` is whose the rows are that do not tell it themselves."""
    if not text.strip():
        raise Refused(f"nothing came from ccusage; {HOW}")
    try:
        report = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(f"this is not JSON as ccusage prints it; {HOW}") from None
    made: list[DayRow] = []
    for number, row in enumerate(_daily(report)):
        try:
            made += _read(row, tool)
        except (msgspec.ValidationError, AttributeError) as problem:
            raise Refused(f"row {number + 1} is none of ccusage's ({clean(str(problem))}); {HOW}") from None
    return _summed(made) if isinstance(report, dict) and "projects" in report else made


def _run(command: list[str]) -> bytes:
    try:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Refused(
            f"{command[0]} did not finish in {PATIENCE / 60:.0f} minutes; run it by hand to see why."
        ) from None
    except OSError as error:
        raise Refused(
            f"{command[0]} cannot be run ({error.strerror or error}); see to it and run this again."
        ) from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "rror" in line]
        why = clean(lines[0].strip()) if lines else f"exit code {done.returncode}"
        raise Refused(f"{command[0]} failed ({why}); run it by hand to see why.")
    return done.stdout


def _daily(report: Any) -> list[Any]:
    """The rows of days in a report, of whatever kind it is."""
    if isinstance(report, list):
        return report
    if isinstance(report, dict):
        if isinstance(report.get("daily"), list):
            return list(report["daily"])
        if isinstance(report.get("projects"), dict):
            return [row for project in report["projects"].values() if isinstance(project, list) for row in project]
        for kind in OTHER_REPORTS:
            if kind in report:
                raise Refused(f"this is ccusage's report by {kind.removesuffix('ly').rstrip('s')}; {HOW}")
    raise Refused(f"this is no report of ccusage; {HOW}")


def _read(row: Any, tool: str, day: str = "") -> list[DayRow]:
    """One row as it travels, or the rows of its tools where it tells them apart. Nothing else of it is kept."""
    day = day or row.get("date") or row.get("period")
    if parts := row.get("agents"):
        return [each for part in parts for each in _read(part, tool, day)]
    agent = row.get("agent")
    mixed = (row.get("metadata") or {}).get("agents") or []
    told: dict[str, Any] = {name: row[name] for name in KINDS if row.get(name) is not None}
    told["date"] = day
    told["totalTokens"] = row.get("totalTokens") or 0
    told["totalCost"] = row.get("totalCost", row.get("costUSD"))
    told["modelBreakdowns"] = [_model(each) for each in row.get("modelBreakdowns") or []]
    if isinstance(models := row.get("models"), dict):  # only its report of Codex alone is so
        told["modelBreakdowns"] = [_model({"modelName": name, **each}) for name, each in models.items()]
        told["tool"] = tool or "codex"
    elif agent not in (None, "all"):
        told["tool"] = agent
    elif mixed:
        told["agents"] = mixed
    else:
        told["tool"] = tool
    return [msgspec.convert(told, DayRow)]


def _model(each: Any) -> dict[str, Any]:
    told = {name: each[name] for name in ("modelName", *KINDS) if each.get(name) is not None}
    return told if each.get("missingPricing") else {**told, "cost": each.get("cost")}


def _summed(made: list[DayRow]) -> list[DayRow]:
    """Add up the rows of one day that are of different projects."""
    sums: dict[tuple[str, str], DayRow] = {}
    for row in made:
        known = sums.get((row.date, row.tool))
        sums[row.date, row.tool] = row if known is None else _added(known, row)
    return list(sums.values())


def _added(a: DayRow, b: DayRow) -> DayRow:
    models: dict[str, DayModel] = {}
    for each in (*a.model_breakdowns, *b.model_breakdowns):
        known = models.setdefault(each.model_name, each)
        if known is not each:
            both = msgspec.structs.replace(known, cost=_cost(known.cost, each.cost), **_figures(known, each))
            models[each.model_name] = both
    return msgspec.structs.replace(
        a,
        total_tokens=a.total_tokens + b.total_tokens,
        total_cost=_cost(a.total_cost, b.total_cost),
        model_breakdowns=list(models.values()),
        **_figures(a, b),
    )


FIELDS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")


def _figures(a: DayRow | DayModel, b: DayRow | DayModel) -> dict[str, Any]:
    return {name: getattr(a, name) + getattr(b, name) for name in FIELDS}


def _cost(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
