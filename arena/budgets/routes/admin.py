"""Budgets, for administrators: what each team and person may cost in a month, and where it leads to."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post

from arena.accounts.guards import caller_of, me, write
from arena.budgets import actions, rules
from arena.budgets.pages import budgets_page
from arena.core import clock
from arena.core.errors import ArenaError
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/admin/budgets")
async def budgets(request: AnyRequest) -> Response[bytes]:
    """Show how all teams stand, and people with a budget of their own."""
    return await _page(request)


@post("/admin/budgets/team", status_code=200)
async def set_team(request: AnyRequest) -> Response[bytes]:
    """Set the budget of a team."""
    form = await request.form()
    slug, amount = field(form, "team"), field(form, "amount")
    try:
        team = await write(request, partial(actions.set_team_budget, slug=slug, amount=amount, **_by(request)))
    except ArenaError as no:
        return await _page(request, no.status, typed={slug: amount}, errors={slug: no.sentence})
    return await _page(request, said=_said(team.name, team.amount))


@post("/admin/budgets/person", status_code=200)
async def set_person(request: AnyRequest) -> Response[bytes]:
    """Set the budget of a person."""
    form = await request.form()
    name, amount = field(form, "name"), field(form, "amount")
    try:
        person = await write(request, partial(actions.set_person_budget, name=name, amount=amount, **_by(request)))
    except ArenaError as no:
        return await _page(request, no.status, name=name, amount=amount, errors={"": no.sentence})
    return await _page(request, said=_said(person.name, person.amount))


def _by(request: AnyRequest) -> dict[str, Any]:
    """What every deed says of itself in the security log."""
    return {"caller": caller_of(request), "now": clock.now(), "by": me(request).id}


def _said(name: str, amount: int | None) -> str:
    return f"{name} may cost ${rules.written(amount)} a month." if amount else f"{name} has no budget."


async def _page(request: AnyRequest, status: int = 200, **more: Any) -> Response[bytes]:
    box = box_of(request)
    today = box.days.of(clock.now())
    teams, people = await box.db.read(partial(actions.everybody, today=today))
    page = budgets_page(
        teams,
        people,
        today=today,
        month_end=rules.month_end(today),
        zone=box.config.arena.time_zone,
        **more,
    )
    return render(request, "budgets/admin.html", page, status=status, headers=PRIVATE)
