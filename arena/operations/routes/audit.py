"""The security log as a page and as a table to take away, for administrators."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from arena.accounts.guards import caller_of, me, write
from arena.audit.models import Query
from arena.core import clock
from arena.core.errors import Invalid
from arena.core.spreadsheet import line_of_csv
from arena.operations.actions import log as actions
from arena.operations.models import Asked
from arena.operations.pages import log as pages
from arena.operations.rules import log as rules
from arena.web.box import Box, box_of
from arena.web.forms import PRIVATE
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]
ROWS, LINES = 50, 1_000
"""Rows of a page, and of each read of an export."""
NOBODY = "-"
"""An id that nobody has."""


@get("/admin/audit")
async def log(request: AnyRequest) -> Response[bytes]:
    """Show the log, newest first, as far as it was asked for."""
    box, after = box_of(request), request.query_params.get("after", "")
    asked, errors, query = _question(request)
    read = partial(actions.log, asked=query, limit=ROWS, after=rules.place(after))
    page = pages.audit_page(
        asked,
        errors,
        await box.db.read(read),
        after=after,
        kept_days=box.config.retention.audit_days,
        days=box.days,
        now=clock.now(),
    )
    # 422, because htmx shows what comes with it in its place.
    return render(request, "operations/audit.html", page, status=422 if errors else 200, headers=PRIVATE)


@get("/admin/audit.csv")
async def export(request: AnyRequest) -> Stream:
    """Hand out all rows that were asked for, however many: no more than a thousand are in memory at once."""
    _, errors, query = _question(request)
    if errors:
        raise Invalid(next(iter(errors.values())), {"errors": errors})
    now = clock.now()
    told = partial(actions.note_export, event=query.event, caller=caller_of(request), now=now, by=me(request).id)
    await write(request, told)
    today = box_of(request).days.of(now)
    headers = {**PRIVATE, "content-disposition": f'attachment; filename="audit-{today}.csv"'}
    return Stream(_lines(box_of(request), query), media_type="text/csv", headers=headers)


async def _lines(box: Box, asked: Query) -> AsyncIterator[str]:
    yield line_of_csv(pages.CSV_HEAD)
    after: tuple[int, int] | None = None
    while True:
        found = await box.db.read(partial(actions.log, asked=asked, limit=LINES, after=after))
        if found.rows:
            yield "".join(line_of_csv(pages.csv_row(row, found.names)) for row in found.rows)
        if found.more is None:
            return
        after = found.more


def _question(request: AnyRequest) -> tuple[Asked, dict[str, str], Query]:
    """What was asked, what of it is not understood, and the question in ids and instants."""
    box, typed = box_of(request), request.query_params
    fields = ("event", "person", "address", "from", "to", "q")
    asked = Asked(*(typed.get(field, "").strip()[:200] for field in fields))
    errors = rules.problems(asked)
    person = box.db.glance(partial(actions.person_of, text=asked.person)) if asked.person else None
    if asked.person and person is None:
        errors["person"] = "Nobody has this user name."
        person = NOBODY
    return asked, errors, rules.query(Asked() if errors else asked, person, box.days.zone)
