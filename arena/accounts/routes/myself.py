"""One's own account for programs that come with a web session."""

from functools import partial
from typing import Any

from litestar import Request, get, post
from litestar.types import ASGIApp

from arena.accounts import rules
from arena.accounts.actions import keys, people
from arena.accounts.guards import caller_of, me, write
from arena.accounts.models import Myself, Regenerated, Revoked, WhichKey
from arena.core import clock
from arena.core.errors import NotFound
from arena.web.api import answer, json_of
from arena.web.box import box_of

AnyRequest = Request[Any, Any, Any]


@get("/api/me", data=Myself)
async def myself(request: AnyRequest) -> ASGIApp:
    """Tell the visitor what is kept of them."""
    box, id = box_of(request), me(request).id
    return answer(box.db.glance(partial(people.myself, user_id=id, passed=box.passed)))


@get("/api/me/api-key")
async def api_key() -> ASGIApp:
    """Say that a key cannot be shown again: only its hash is kept."""
    raise NotFound(
        "A key is shown once, when it is made: only its hash is kept. "
        "Make another in its place with POST /api/me/regenerate-key, or sign in again with `arena login`."
    )


@post("/api/me/regenerate-key", csrf="json", status_code=201, body=WhichKey, data=Regenerated)
async def regenerate(request: AnyRequest) -> ASGIApp:
    """Make a key in place of the newest one, or of the one named; the old one opens nothing from now on."""
    said, id = await json_of(request, WhichKey), me(request).id
    deed = partial(keys.replace_key, user_id=id, prefix=said.prefix, caller=caller_of(request), now=clock.now())
    key = await write(request, deed)
    message = "The new key is shown only now. The old one opens nothing any more."
    return answer(Regenerated(key, key[: rules.PREFIX_LENGTH], message), 201)


@post("/api/me/revoke-key", csrf="json", status_code=200, body=WhichKey, data=Revoked)
async def revoke(request: AnyRequest) -> ASGIApp:
    """Revoke all keys of the visitor, or the one named."""
    said, id = await json_of(request, WhichKey), me(request).id
    if said.prefix:
        deed = partial(keys.revoke_key, user_id=id, prefix=said.prefix, caller=caller_of(request), now=clock.now())
        await write(request, deed)
        revoked = [said.prefix]
    else:
        all_of_them = partial(keys.revoke_all, user_id=id, caller=caller_of(request), now=clock.now())
        revoked = await write(request, all_of_them)
    return answer(Revoked(True, revoked, "These keys open nothing any more. Sign in again with `arena login`."))
