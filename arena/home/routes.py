"""The doors of the install page, with the client it hands out, and of the dashboard."""

from functools import partial
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from arena.accounts import store as accounts_store
from arena.accounts.actions import keys, links
from arena.accounts.actions.people import note_export
from arena.accounts.guards import caller_of, me, write
from arena.budgets.actions import mine as budgets_of
from arena.budgets.pages import row as budget_row
from arena.core import clock
from arena.core.errors import ArenaError, Invalid, NotFound
from arena.home import pages
from arena.home.actions import everything_of, wheel
from arena.leaderboard.actions.boards import boards_in
from arena.leaderboard.actions.history import SHOWN, history
from arena.leaderboard.pages.history import rank_line
from arena.leaderboard.rules import ENDING, PERIODS
from arena.usage import store as usage
from arena.usage.models import TOOL_BY_ID
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]
LEFT_OUT = 20
"""Sessions left out of ranking that the dashboard shows."""


@get("/install")
async def install(request: AnyRequest) -> Response[bytes]:
    """Show how a laptop joins: one command with this box's address in it."""
    name, _ = wheel()
    box = box_of(request)
    page = pages.InstallPage(
        address=box.address,
        wheel_url=_wheel_url(request),
        wheel_name=name,
        version=name.split("-")[1],
        fleet=pages.fleet(box.address),
    )
    return render(request, "home/install.html", page, nav="install")


@get("/install/{name:str}")
async def download(name: FromPath[str]) -> Response[bytes]:
    """Hand out the client's wheel."""
    file, content = wheel()
    if name != file:
        raise NotFound("There is no such file here; the install page names the one there is.")
    return Response(content, media_type="application/zip", headers={"cache-control": "no-cache"})


@get("/dashboard")
async def dashboard(request: AnyRequest, ranks: FromQuery[str] = "weekly") -> Response[bytes]:
    """Show the visitor their own figures and keys, and how their place moved by day, week or month (``ranks``)."""
    if ranks not in ENDING:
        raise Invalid(f"ranks: must be one of {', '.join(ENDING)}.")
    return await _dashboard(request, ranks=ranks)


@post("/dashboard/keys", status_code=200)
async def make_key(request: AnyRequest) -> Response[bytes]:
    """Make a key and show it, this once."""
    label = str((await request.form()).get("label", ""))
    visitor, now = me(request), clock.now()
    make = partial(keys.make_key, user_id=visitor.id, label=label, caller=caller_of(request), now=now)
    try:
        key = await write(request, make)
    except ArenaError as problem:
        return await _dashboard(request, label=label, problem=problem)
    return await _dashboard(request, fresh_key=key)


@post("/dashboard/keys/{prefix:str}/revoke", status_code=303)
async def revoke_key(request: AnyRequest, prefix: FromPath[str]) -> Response[bytes]:
    """Revoke one of the visitor's own keys."""
    visitor, now = me(request), clock.now()
    revoke = partial(keys.revoke_key, user_id=visitor.id, prefix=prefix, caller=caller_of(request), now=now)
    await write(request, revoke)
    return Response(b"", status_code=303, headers={"location": "/dashboard"})


@post("/dashboard/invitations", status_code=200)
async def invite(request: AnyRequest) -> Response[bytes]:
    """Make an invitation link and show it, this once."""
    box, visitor, now = box_of(request), me(request), clock.now()
    make = partial(
        links.invite,
        name=None,
        days=box.config.accounts.link_days,
        caller=caller_of(request),
        now=now,
        by=visitor.id,
    )
    token = await write(request, make)
    return await _dashboard(request, invitation_link=f"{box.address}/join/{token}")


@get("/settings/export")
async def export(request: AnyRequest) -> Stream:
    """Hand the visitor all that the box keeps of them. (Here, because it is from rooms above their settings.)"""
    visitor = me(request)
    await write(request, partial(note_export, user_id=visitor.id, caller=caller_of(request), now=clock.now()))
    return Stream(
        everything_of(box_of(request).db, user_id=visitor.id, name=visitor.name),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="arena-{visitor.name}.json"', **PRIVATE},
    )


async def _dashboard(
    request: AnyRequest,
    *,
    ranks: str = "weekly",
    fresh_key: str | None = None,
    label: str = "",
    problem: ArenaError | None = None,
    invitation_link: str | None = None,
) -> Response[bytes]:
    box, visitor, now = box_of(request), me(request), clock.now()
    boards = boards_in(box.memory, box.db, box.config)
    today = box.days.of(now)
    mine, excluded, budgets, places = await box.db.read(
        lambda conn: (
            accounts_store.keys_of(conn, visitor.id),
            usage.excluded_sessions(conn, visitor.id, LEFT_OUT),
            budgets_of(conn, visitor.id, today),
            history(conn, visitor.id, ranks),
        )
    )
    shown = {period: await boards.get(period, "score", today) for period in PERIODS}
    page = pages.dashboard(
        list(shown.values()),
        visitor_id=visitor.id,
        display=visitor.display,
        keys=[
            pages.Key(key.label, key.prefix, key.created_at, key.last_used_at) for key in mine if key.revoked_at is None
        ],
        left_out=[
            pages.LeftOut(each.day, TOOL_BY_ID[each.tool].display_name, each.input_tokens + each.output_tokens)
            for each in excluded
        ],
        budgets=[budget_row(state) for state in budgets if state.subject.amount],
        ranks=rank_line(places, shown[ranks], user_id=visitor.id, shown=SHOWN[ranks], address="/dashboard"),
        address=box.address,
        wheel_url=_wheel_url(request),
        now=now,
        fresh_key=fresh_key,
        label=label,
        errors={"label": problem.sentence} if problem else {},
        may_invite=visitor.is_admin,
        link_days=box.config.accounts.link_days,
        invitation_link=invitation_link,
    )
    status = problem.status if problem else 200
    return render(
        request, "home/dashboard.html", page, nav="dashboard", status=status, headers={"cache-control": "no-store"}
    )


def _wheel_url(request: AnyRequest) -> str:
    return f"{box_of(request).address}/install/{wheel()[0]}"


router = Router(path="/", route_handlers=[install, download, dashboard, make_key, revoke_key, invite, export])
