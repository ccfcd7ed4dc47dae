"""Somebody, for administrators: their team, their ways in, their role and state, and their end."""

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts import rules as names
from arena.accounts import store as accounts
from arena.accounts.actions import links
from arena.accounts.actions import people as deeds
from arena.accounts.guards import caller_of, me, write
from arena.accounts.pages import Outcome
from arena.core import clock
from arena.core.errors import ArenaError, Invalid, NotFound
from arena.deliveries.rules import masked
from arena.teams import actions, store
from arena.teams.pages import PersonPage
from arena.teams.routes.people import show
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]
CHANGES = {
    "disable": (deeds.disable_user, "is disabled: web sessions have ended, keys are refused, nothing is lost."),
    "enable": (deeds.enable_user, "is enabled: password and keys work again."),
    "promote": (deeds.promote_user, "is an administrator."),
    "demote": (deeds.demote_user, "is a member."),
}


@get("/admin/people/{name:str}")
async def person(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Show somebody, and what can be done."""
    return await _page(request, name)


@get("/admin/people/{name:str}/export")
async def export(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Hand out what is kept of a person, without any secret."""
    found = await write(request, partial(deeds.hand_out, name=name, **_by(request)))
    headers = {**PRIVATE, "content-disposition": f'attachment; filename="{found.account.username}.json"'}
    content = msgspec.json.format(msgspec.json.encode(found))
    return Response(content, media_type="application/json", headers=headers)


@post("/admin/people/{name:str}/link", status_code=200)
async def make_link(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Make a link that signs somebody in, and show it this once."""
    box = box_of(request)
    deed = partial(links.sign_in_link, name=name, days=box.config.accounts.link_days, **_by(request))
    try:
        token = await write(request, deed)
    except ArenaError as no:
        return await _page(request, name, no)
    return await _page(request, name, link=f"{box.address}/join/{token}")


@post("/admin/people/{name:str}/team", status_code=200)
async def put_into_team(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Put somebody into a team, or into none."""
    slug = field(await request.form(), "team")
    try:
        who, team = await write(request, partial(actions.assign, name=name, slug=slug or None, **_by(request)))
    except ArenaError as no:
        return await _page(request, name, no)
    return await _page(request, name, said=f"{who.name} is in {team.name}." if team else f"{who.name} is in no team.")


@post("/admin/people/{name:str}/delete", status_code=200)
async def delete(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Delete somebody whose name was typed to confirm it, and show the others."""
    typed = field(await request.form(), "confirm")
    if names.name_of(typed) != names.name_of(name):
        problem = f"Nothing was deleted: type {names.name_of(name)} to confirm."
        return await _page(request, name, Invalid(problem), typed=typed)
    try:
        gone = await write(request, partial(deeds.delete_user, name=name, **_by(request)))
    except ArenaError as no:
        return await _page(request, name, no, typed=typed)
    return await show(request, said=f"{gone.name} is deleted, with everything of theirs.")


@post("/admin/people/{name:str}/{deed:str}", status_code=200)
async def change(request: AnyRequest, name: FromPath[str], deed: FromPath[str]) -> Response[bytes]:
    """Disable, enable, promote or demote somebody."""
    if deed not in CHANGES:
        raise NotFound("There is nothing at this address.")
    action, what = CHANGES[deed]
    try:
        changed = await write(request, partial(action, name=name, **_by(request)))
    except ArenaError as no:
        return await _page(request, name, no)
    return await _page(request, name, said=f"{changed.name} {what}")


def _by(request: AnyRequest) -> dict[str, Any]:
    """What every deed says of itself in the security log."""
    return {"caller": caller_of(request), "now": clock.now(), "by": me(request).id}


async def _page(
    request: AnyRequest,
    name: str,
    problem: ArenaError | None = None,
    *,
    said: str = "",
    typed: str = "",
    link: str = "",
) -> Response[bytes]:
    """The page of somebody after a deed. Raises `NotFound`."""
    box, now = box_of(request), clock.now()

    def read(conn: Any) -> PersonPage:
        who = deeds.someone(conn, name)
        shown, team = store.listed(conn, who.name), store.team_of(conn, who.id)
        if shown is None:
            raise NotFound("There is nobody with this name.")
        password = accounts.password_by_name(conn, who.name)
        return PersonPage(
            person=shown,
            team=team.slug if team else "",
            teams=tuple(store.teams(conn)),
            providers=tuple(accounts.identities_of(conn, who.id)),
            has_password=password is not None and password.hash is not None,
            mail_to=masked(accounts.mail_of(conn, who.id).email or ""),
            sessions=sum(each.expires_at > now for each in accounts.sessions_of(conn, who.id)),
            is_me=who.id == me(request).id,
            is_last_admin=who.is_admin and not who.is_disabled and accounts.enabled_admins(conn) == 1,
            typed=typed,
            link=link,
            link_days=box.config.accounts.link_days,
            outcome=Outcome(said, problem.sentence if problem else ""),
            now=now,
            zone=box.config.arena.time_zone,
        )

    page = await box.db.read(read)
    return render(request, "teams/admin_person.html", page, status=problem.status if problem else 200, headers=PRIVATE)
