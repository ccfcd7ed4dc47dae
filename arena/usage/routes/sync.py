"""The road of day rows: what ccusage sums up, of one person and machine, by day."""

from typing import Any

import msgspec
from litestar import Request, post
from litestar.types import ASGIApp

from arena.accounts.guards import key_of
from arena.core import clock
from arena.core.errors import Invalid
from arena.usage.models import Road
from arena.usage.routes.intake import record, unpacked
from arena.usage.rules.day_rows import day_reports
from arena.web.api import answer
from arena.web.box import body_of, box_of
from arena.wire import BODY_LIMIT, DayAnswer, DayReport


@post("/v1/sync", csrf=False, body=DayReport, data=DayAnswer)
async def sync(request: Request[Any, Any, Any]) -> ASGIApp:
    """Take over what ccusage sums up by day; the same day again replaces itself if it has grown.

    One entry a day, or one a day and tool: `date` (YYYY-MM-DD, at the latest tomorrow in UTC), `inputTokens` and
    `outputTokens`, and what else ccusage tells of it. Each day, tool and model of a machine is one record that keeps
    its largest copy. An entry that names several `agents` is split by their models; what only one of them could have
    used is its own, the rest is of the tool `unknown`. A day counts by this road only where nothing else told of it,
    and never as sessions. No entries are fine; a bad one is named in `problems` and costs the others nothing, but if
    none is good the answer is 400.
    """
    body = await body_of(request, BODY_LIMIT)
    owner = key_of(request)
    box, now = box_of(request), clock.now()
    try:
        reports, problems = day_reports(unpacked(request, body), now)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"body: is not a report of days ({problem})") from problem
    if problems and not reports:
        first = problems[0]
        raise Invalid(
            f"entries: none could be taken; entry {first.entry}: {first.reason}",
            {"errors": {"entries": [f"entry {each.entry}: {each.reason}" for each in problems[:TOLD]]}},
        )
    outcome = await record(request, owner, reports, Road.DAY_ROWS, now, failed=len(problems))
    told = DayAnswer(
        success=True,
        stored=outcome.stored,
        grown=outcome.grown,
        known=outcome.known,
        failed=len(problems),
        problems=problems,
        time_zone=box.config.arena.time_zone,
    )
    return answer(told)


TOLD = 100
"""Entries that are named when none is good."""
