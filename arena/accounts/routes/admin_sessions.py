"""Everybody's web sessions, for administrators."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts import rules, store
from arena.accounts.actions import sessions
from arena.accounts.guards import caller_of, me, write
from arena.accounts.pages import PAGE, Outcome, sessions_page
from arena.core import clock, ids
from arena.web import session
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render
from arena.web.words import plural

AnyRequest = Request[Any, Any, Any]


@get("/admin/sessions")
async def list_sessions(request: AnyRequest) -> Response[bytes]:
    """Show the web sessions that are open, newest first, as far as they were asked for."""
    return await _page(request, Outcome())


@post("/admin/sessions/{id:str}/end", status_code=200)
async def end(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """End a web session, whosever it is, and show the others again."""
    deed = partial(sessions.end_any_session, id=id, caller=caller_of(request), now=clock.now(), by=me(request).id)
    person = await write(request, deed)
    if person is None:
        return await _page(request, Outcome("That web session was over already."))
    return await _page(request, Outcome(f"{person.name} is signed out of that browser."))


@post("/admin/people/{name:str}/sessions/end", status_code=200)
async def end_all(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """End every web session of a person, and show theirs: none."""
    deed = partial(sessions.end_sessions_of, name=name, caller=caller_of(request), now=clock.now(), by=me(request).id)
    person, ended = await write(request, deed)
    return await _page(request, Outcome(f"{person.name} is signed out of {plural(ended, 'browser', 'browsers')}."))


async def _page(request: AnyRequest, outcome: Outcome) -> Response[bytes]:
    box, now, typed = box_of(request), clock.now(), request.query_params
    person, before = rules.name_of(typed.get("person", "")), typed.get("before", "")
    find = partial(store.open_sessions, username=person, now=now, before=before, limit=PAGE + 1)
    found = await box.db.read(find)
    own = box.db.glance(partial(store.user_by_session_hash, token_hash=ids.digest(session.token_of(request) or "")))
    page = sessions_page(
        found,
        person=person,
        before=before,
        mine=own.session_id if own else "",
        outcome=outcome,
        now=now,
        zone=box.config.arena.time_zone,
    )
    return render(request, "accounts/admin_sessions.html", page, headers=PRIVATE)
