"""Privacy mode: the form of the settings page, and the same for programs."""

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.types import ASGIApp

from arena.accounts import store
from arena.accounts.actions import people
from arena.accounts.guards import caller_of, me, write
from arena.accounts.models import Settings
from arena.core import clock
from arena.core.errors import Invalid
from arena.web.api import answer
from arena.web.box import box_of
from arena.web.forms import field, see_other

AnyRequest = Request[Any, Any, Any]


@post("/settings/privacy", status_code=303)
async def set_privacy(request: AnyRequest) -> Response[bytes]:
    """Hide the visitor from public boards if the box is ticked, show them if it is not."""
    await _set(request, private=field(await request.form(), "privacy_mode") != "")
    return see_other("/settings?done=privacy#privacy")


@get("/api/me/settings", data=Settings)
async def settings(request: AnyRequest) -> ASGIApp:
    """Tell the visitor what they have chosen."""
    id = me(request).id
    person = box_of(request).db.glance(partial(store.user, id=id))
    return answer(Settings(person is not None and person.private))


@patch("/api/me/settings", csrf="json", body=Settings, data=Settings)
async def change_settings(request: AnyRequest) -> ASGIApp:
    """Change what the visitor has chosen, at once, and tell what stands now."""
    try:
        sent = msgspec.json.decode(await request.body(), type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"body: {problem}", {"errors": {"privacyMode": ["must be true or false"]}}) from problem
    await _set(request, private=sent.privacy_mode)
    return answer(sent)


async def _set(request: AnyRequest, *, private: bool) -> None:
    box = box_of(request)
    deed = partial(people.set_privacy, private=private, caller=caller_of(request), now=clock.now())
    if await write(request, partial(deed, user_id=me(request).id)):
        box.live.tell()
