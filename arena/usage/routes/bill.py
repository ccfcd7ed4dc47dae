"""Who used what and what it cost, as a page and as a table to take away: for administrators, and each person's own."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from arena.accounts import rules as names
from arena.accounts import store as accounts
from arena.accounts.guards import caller_of, me, write
from arena.core import clock
from arena.core.errors import Invalid
from arena.core.spreadsheet import line_of_csv
from arena.teams import store as teams
from arena.usage import store
from arena.usage.actions import bill as actions
from arena.usage.models import Bill, BillRow
from arena.usage.pages import bill as pages
from arena.usage.rules import bill as rules
from arena.web.box import Box, box_of
from arena.web.forms import PRIVATE
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]
OWN = ("day", "project", "tool", "model")


@get("/admin/usage")
async def usage(request: AnyRequest) -> Response[bytes]:
    """Show what was used of the days that were asked for, what cost most first; of this month if none were."""
    box, found, people = box_of(request), pages.Found(), 0
    asked, errors = _question(request)
    if not errors:
        people = len(await box.db.read(partial(actions.payers, asked=asked)))
        async for rows in _rows(box, asked):
            found.take(rows)
    page = pages.bill_page(
        asked,
        errors,
        found,
        people=people,
        teams=await box.db.read(teams.teams),
        zone=box.config.arena.time_zone,
    )
    # 422, because htmx shows what comes with it in its place.
    return render(request, "usage/bill.html", page, status=422 if errors else 200, headers=PRIVATE)


@get("/admin/usage.csv")
async def export(request: AnyRequest) -> Stream:
    """Hand out the same as a table, all of its rows."""
    asked, errors = _question(request)
    if errors:
        raise Invalid(next(iter(errors.values())), {"errors": errors})
    return await _table(request, asked, f"usage-{asked.since}-{asked.until}.csv")


@get("/dashboard/usage.csv")
async def export_own(request: AnyRequest) -> Stream:
    """Hand the visitor all that they ever used, by day, project, tool and model."""
    box, visitor = box_of(request), me(request)
    today = box.days.of(clock.now())
    first = await box.db.read(partial(store.first_road_day, user_id=visitor.id, after=""))
    last = await box.db.read(partial(store.last_road_day, user_id=visitor.id, before="9999"))
    asked = Bill(first or today, last or today, person=visitor.name, by=OWN)
    return await _table(request, asked, f"usage-{visitor.name}.csv")


async def _table(request: AnyRequest, asked: Bill, name: str) -> Stream:
    box = box_of(request)
    told = partial(actions.note_bill, asked=asked, caller=caller_of(request), now=clock.now(), by=me(request).id)
    await write(request, told)
    headers = {**PRIVATE, "content-disposition": f'attachment; filename="{name}"'}
    return Stream(_lines(box, asked), media_type="text/csv", headers=headers)


async def _lines(box: Box, asked: Bill) -> AsyncIterator[str]:
    yield line_of_csv((*asked.by, *rules.FIGURES))
    async for rows in _rows(box, asked):
        if rows:
            yield "".join(line_of_csv(rules.cells_of(row)) for row in rows)


async def _rows(box: Box, asked: Bill) -> AsyncIterator[list[BillRow]]:
    """The rows, some at a time: each person is read by themselves, so that nobody waits for the whole table."""
    sheet = rules.Sheet(asked.by)
    for payer in await box.db.read(partial(actions.payers, asked=asked)):
        yield sheet.take(payer, await box.db.read(partial(actions.used, payer=payer, asked=asked)))
    yield sheet.rest()


def _question(request: AnyRequest) -> tuple[Bill, dict[str, str]]:
    """What was asked, and what of it is not understood. Without days it is this month so far."""
    box, typed = box_of(request), request.query_params
    today = box.days.of(clock.now())
    person = names.name_of(typed.get("person", "").strip()[:200])
    asked = Bill(
        since=typed.get("from", "").strip()[:20] or f"{today[:7]}-01",
        until=typed.get("to", "").strip()[:20] or today,
        person=person,
        team=typed.get("team", "")[:200],
        by=rules.chosen(typed.getall("by", [])) or ("person",),
    )
    errors = rules.problems(asked)
    if person and box.db.glance(partial(accounts.user_by_name, username=person)) is None:
        errors["person"] = "Nobody has this user name."
    return asked, errors
