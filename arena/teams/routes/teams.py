"""Teams, for administrators: make, rename and delete them, put people in and take them out."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts.actions import people
from arena.accounts.guards import caller_of, me, write
from arena.accounts.pages import PAGE, Outcome
from arena.core import clock
from arena.core.errors import ArenaError, Conflict
from arena.teams import actions, store
from arena.teams.models import Team
from arena.teams.pages import TeamsPage, team_page
from arena.web.box import box_of
from arena.web.forms import PRIVATE, field
from arena.web.render import render
from arena.web.words import plural

AnyRequest = Request[Any, Any, Any]


@get("/admin/teams")
async def teams(request: AnyRequest) -> Response[bytes]:
    """Show all teams."""
    return await _teams(request)


@post("/admin/teams", status_code=200)
async def create(request: AnyRequest) -> Response[bytes]:
    """Make a team."""
    name = field(await request.form(), "name")
    try:
        team = await write(request, partial(actions.create_team, name=name, **_by(request)))
    except ArenaError as no:
        return await _teams(request, no, name=name)
    return await _teams(request, said=f"There is a team {team.name} now. Open it to put people in.")


@get("/admin/teams/{slug:str}")
async def team(request: AnyRequest, slug: FromPath[str]) -> Response[bytes]:
    """Show a team and its people."""
    return await _team(request, slug)


@post("/admin/teams/{slug:str}/rename", status_code=200)
async def rename(request: AnyRequest, slug: FromPath[str]) -> Response[bytes]:
    """Give a team another name."""
    name = field(await request.form(), "name")
    try:
        renamed = await write(request, partial(actions.rename_team, slug=slug, name=name, **_by(request)))
    except ArenaError as no:
        return await _team(request, slug, no, name=name)
    return await _team(request, renamed.slug, said=f"The team is called {renamed.name} now.")


@post("/admin/teams/{slug:str}/delete", status_code=200)
async def delete(request: AnyRequest, slug: FromPath[str]) -> Response[bytes]:
    """Delete a team, and show the others."""
    gone, left = await write(request, partial(actions.delete_team, slug=slug, **_by(request)))
    who = plural(left, "person is", "people are")
    return await _teams(request, said=f"{gone.name} is deleted; {who} in no team now.")


@post("/admin/teams/{slug:str}/add", status_code=200)
async def add(request: AnyRequest, slug: FromPath[str]) -> Response[bytes]:
    """Put somebody into a team, out of any other."""
    who = field(await request.form(), "who")
    try:
        person, into = await write(request, partial(actions.assign, name=who, slug=slug, **_by(request)))
    except ArenaError as no:
        return await _team(request, slug, no, who=who)
    return await _team(request, slug, said=f"{person.name} is in {into.name if into else slug}.")


@post("/admin/teams/{slug:str}/remove", status_code=200)
async def remove(request: AnyRequest, slug: FromPath[str]) -> Response[bytes]:
    """Take somebody out of a team; whoever is in another one meanwhile stays there."""
    who = field(await request.form(), "who")

    def take_out(conn: Any) -> str:
        team, person = actions.some_team(conn, slug), people.someone(conn, who)
        if store.team_of(conn, person.id) != team:
            raise Conflict(f"{person.name} is not in {team.name} any more.")
        actions.assign(conn, name=who, slug=None, **_by(request))
        return person.name

    try:
        name = await write(request, take_out)
    except ArenaError as no:
        return await _team(request, slug, no)
    return await _team(request, slug, said=f"{name} is in no team.")


def _by(request: AnyRequest) -> dict[str, Any]:
    """What every deed says of itself in the security log."""
    return {"caller": caller_of(request), "now": clock.now(), "by": me(request).id}


async def _teams(
    request: AnyRequest, problem: ArenaError | None = None, *, said: str = "", name: str = ""
) -> Response[bytes]:
    box = box_of(request)
    page = TeamsPage(
        teams=tuple(await box.db.read(store.sizes)),
        name=name,
        errors={"name": problem.sentence} if problem else {},
        outcome=Outcome(said),
        now=clock.now(),
        zone=box.config.arena.time_zone,
    )
    return render(request, "teams/admin_teams.html", page, status=problem.status if problem else 200, headers=PRIVATE)


async def _team(
    request: AnyRequest,
    slug: str,
    problem: ArenaError | None = None,
    *,
    said: str = "",
    name: str | None = None,
    who: str = "",
) -> Response[bytes]:
    box = box_of(request)

    def read(conn: Any) -> tuple[Team, list[Any]]:
        found = actions.some_team(conn, slug)
        people = store.some_people(conn, pattern="", state="", role="", team=found.slug, after="", limit=PAGE + 1)
        return found, people

    found, people = await box.db.read(read)
    page = team_page(
        found,
        people,
        name=found.name if name is None else name,
        who=who,
        outcome=Outcome(said, problem.sentence if problem else ""),
        now=clock.now(),
        zone=box.config.arena.time_zone,
    )
    return render(request, "teams/admin_team.html", page, status=problem.status if problem else 200, headers=PRIVATE)
