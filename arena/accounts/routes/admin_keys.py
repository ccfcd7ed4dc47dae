"""Everybody's API keys, for administrators."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts import rules, store
from arena.accounts.actions import keys
from arena.accounts.guards import caller_of, me, write
from arena.accounts.pages import PAGE, Outcome, keys_page
from arena.core import clock
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/admin/keys")
async def list_keys(request: AnyRequest) -> Response[bytes]:
    """Show keys, newest first, as far as they were asked for."""
    return await _page(request, Outcome())


@post("/admin/keys/{id:str}/revoke", status_code=200)
async def revoke(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Revoke a key, whosever it is, and show the same keys again."""
    deed = partial(keys.revoke_any_key, id=id, caller=caller_of(request), now=clock.now(), by=me(request).id)
    key = await write(request, deed)
    if key.revoked_at is not None:
        return await _page(request, Outcome(f"{key.prefix} of {key.username} was revoked before."))
    return await _page(request, Outcome(f"{key.prefix} of {key.username} is revoked: it opens nothing any more."))


async def _page(request: AnyRequest, outcome: Outcome) -> Response[bytes]:
    box, now, typed = box_of(request), clock.now(), request.query_params
    person, before = rules.name_of(typed.get("person", "")), typed.get("before", "")
    state = typed.get("state", "") if typed.get("state", "") in rules.KEY_STATES else ""
    find = partial(store.some_keys, username=person, state=state, long_ago=now - rules.UNUSED, before=before)
    found = await box.db.read(partial(find, limit=PAGE + 1))
    zone = box.config.arena.time_zone
    page = keys_page(found, person=person, state=state, before=before, outcome=outcome, now=now, zone=zone)
    return render(request, "accounts/admin_keys.html", page, headers=PRIVATE)
