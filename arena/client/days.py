"""The part of ``arena sync`` that sends what ccusage sums up by day."""

import json
import sys
from argparse import Namespace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from arena.client import ccusage, credentials, settings, terminal
from arena.client.api import Api
from arena.client.dry_run import table
from arena.client.home import Refused, keyed_hash
from arena.wire import DayAnswer, DayReport, DayRow

ROWS = 1_000
"""Of one request: those of a machine fill some tenth of what a box takes."""

SHOWN_PROBLEMS = 10


def sync(asked: Namespace) -> int:
    """Send the days that ccusage sums up, all of them: the box counts each once."""
    who = credentials.current() if asked.dry_run else credentials.required()
    if settings.current().excluded:
        raise Refused(
            "projects are excluded on this machine, and ccusage sums up days over all projects, so its days cannot be "
            "sent without them; `arena sync` leaves them out, `arena list-excluded` shows them."
        )
    rows, collector = _read(asked, who)
    first = datetime.fromtimestamp(asked.since / 1000, UTC).date().isoformat() if asked.since else ""
    rows = [row for row in rows if row.date >= first]
    machine = keyed_hash("machine")
    reports = [DayReport(rows[at : at + ROWS], machine, collector) for at in range(0, len(rows), ROWS)]
    if asked.dry_run:
        _show(reports, rows, as_json=asked.json)
        return 0
    if who is None:
        who = credentials.required()
    with Api(who) as api:
        answers = [api.send_days(report) for report in reports]
    _tell(asked, rows, answers)
    return 0


def _read(asked: Namespace, who: credentials.Credentials | None) -> tuple[list[DayRow], str]:
    tool = asked.tool[0] if asked.tool else ""
    if asked.stdin:
        if sys.stdin.buffer.isatty():
            raise Refused(f"nothing is piped into this; {ccusage.HOW}")
        return ccusage.rows(sys.stdin.buffer.read(), tool), "ccusage"
    path = ccusage.found()
    zone = ""
    if who is not None:  # the box counts days of its own zone
        with Api(who) as api:
            zone = api.zone()
    rows = ccusage.rows(ccusage.days(path, zone), "claude-code")  # before 19 it read nothing else
    return rows, f"ccusage/{ccusage.version(path)}"


def _show(reports: list[DayReport], rows: list[DayRow], *, as_json: bool) -> None:
    if as_json:
        print(f'{{"requests":{msgspec.json.encode(reports).decode()},"rows":{len(rows)}}}')
        return
    heads = ("day", "tool", "input", "output", "cache write", "cache read", "ccusage says")
    table(heads, [_cells(row) for row in rows])
    print(f"would send {terminal.human(len(rows))} rows of ccusage's. Nothing was sent.")


def _cells(row: DayRow) -> tuple[str, ...]:
    figures = (row.input_tokens, row.output_tokens, row.cache_creation_tokens, row.cache_read_tokens)
    tool = row.tool or "+".join(row.agents) or "not told"
    return row.date, terminal.clean(tool), *map(terminal.human, figures), _dollars(row.total_cost)


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "unknown"
    return f"${cost:,.2f}" if cost >= 0.01 or not cost else "under $0.01"


def _tell(asked: Namespace, rows: list[DayRow], answers: list[DayAnswer]) -> None:
    problems = [
        f"{rows[number * ROWS + each.entry].date}: {terminal.clean(each.reason)}"
        for number, answer in enumerate(answers)
        for each in answer.problems
        if 0 <= each.entry < ROWS and number * ROWS + each.entry < len(rows)
    ]
    told = {
        "submitted": sum(each.stored for each in answers),
        "grown": sum(each.grown for each in answers),
        "skipped": sum(each.known for each in answers),
        "failed": sum(each.failed for each in answers),
    }
    if asked.json:
        print(json.dumps({**told, "problems": problems, "rows": len(rows)}))
        return
    if asked.quiet:
        return
    parts = [f"{terminal.human(told['submitted'])} submitted"]
    parts += [f"{terminal.human(told['grown'])} grown"] if told["grown"] else []
    parts += [f"{terminal.human(told['skipped'])} skipped (duplicate)"]
    parts += [f"{terminal.human(told['failed'])} failed"] if told["failed"] else []
    print(f"{terminal.bold('sync')}: {', '.join(parts)}; {terminal.human(len(rows))} rows of ccusage's.")
    for reason in problems[:SHOWN_PROBLEMS]:
        print(f"  refused: {reason}")
    zone = answers[-1].time_zone if answers else ""
    if asked.stdin and not _is_here(zone):
        print(f"  this box counts days of {zone}; if ccusage summed up others, add `--timezone {zone}` to it.")


def _is_here(zone: str) -> bool:
    """Say whether this machine's days are those of a zone, as far as can be known."""
    try:
        there = datetime.now(ZoneInfo(zone)).utcoffset() if zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        there = None
    return there is None or there == datetime.now().astimezone().utcoffset()
