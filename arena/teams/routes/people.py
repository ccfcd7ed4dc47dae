"""Everybody, for administrators; and invitations."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts import store as accounts
from arena.accounts.actions import links, mailing
from arena.accounts.guards import caller_of, me, write
from arena.accounts.pages import PAGE
from arena.core import clock
from arena.core.errors import ArenaError
from arena.deliveries.actions import SEND
from arena.teams import rules, store
from arena.teams.models import Asked
from arena.teams.pages import people_page
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/admin")
async def people(request: AnyRequest) -> Response[bytes]:
    """Show people by name, as far as they were asked for."""
    return await show(request)


@post("/admin/invitations", status_code=200)
async def invite(request: AnyRequest) -> Response[bytes]:
    """Make a one-time link that lets somebody in, and mail it, or show it this once."""
    form = await request.form()
    box, name, role = box_of(request), field(form, "name").strip(), field(form, "role")
    to = field(form, "email").strip() if box.config.mail.is_on else ""
    invitation = partial(
        links.invite,
        name=name or None,
        role="admin" if role == "admin" else "member",
        days=box.config.accounts.link_days,
        caller=caller_of(request),
        now=clock.now(),
        by=me(request).id,
    )
    try:
        if to:
            by_mail = partial(mailing.invite_by_mail, to=to, head=box.letterhead, by_name=me(request).display)
            address = await write(request, partial(by_mail, **invitation.keywords))
            await box.wake(SEND)
            return await show(request, noted=f"An invitation is on its way to {address}.")
        token = await write(request, invitation)
    except ArenaError as no:
        errors = (no.details or {}).get("errors", {"name": no.sentence})
        return await show(request, no.status, name=name, role=role, email=to, errors=errors)
    return await show(request, link=f"{box.address}/join/{token}")


@post("/admin/links/{mark:str}/withdraw", status_code=200)
async def withdraw(request: AnyRequest, mark: FromPath[str]) -> Response[bytes]:
    """Let a one-time link that nobody used open nothing."""
    deed = partial(links.withdraw_link, mark=mark, caller=caller_of(request), now=clock.now(), by=me(request).id)
    done = await write(request, deed)
    said = "That link opens nothing any more." if done else "That link was used or over already."
    return await show(request, noted=said)


async def show(request: AnyRequest, status: int = 200, **more: Any) -> Response[bytes]:
    """Answer with the page; ``more`` is what it says beside the people (see `people_page`)."""
    box, typed = box_of(request), request.query_params
    asked = rules.understood(Asked(*(typed.get(name, "") for name in ("q", "state", "role", "team"))))
    after = typed.get("after", "")
    find = partial(
        store.some_people,
        pattern=rules.pattern(asked.words),
        state=asked.state,
        role=asked.role,
        team=asked.team,
        after=after,
        limit=PAGE + 1,
    )
    now = clock.now()
    found, counts, teams, open_links = await box.db.read(
        lambda conn: (find(conn), store.counts(conn), store.teams(conn), accounts.open_links(conn, now))
    )
    page = people_page(
        found,
        asked=asked,
        after=after,
        counts=counts,
        teams=teams,
        links=open_links,
        now=now,
        zone=box.config.arena.time_zone,
        link_days=box.config.accounts.link_days,
        has_mail=box.config.mail.is_on,
        **more,
    )
    return render(request, "teams/admin_people.html", page, status=status, headers=PRIVATE)
