"""Joining by a one-time link."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from arena.accounts import store
from arena.accounts.actions import links, providers
from arena.accounts.guards import caller_of, welcome
from arena.accounts.models import Link
from arena.accounts.pages import JoinPage, ways, ways_in
from arena.core import clock
from arena.core.errors import Invalid, Unavailable
from arena.web.box import box_of
from arena.web.forms import field, form_page
from arena.web.session import token_of

AnyRequest = Request[Any, Any, Any]


@get("/join/{token:str}")
async def join_page(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Show what a one-time link opens, without using it up."""
    link = box_of(request).db.glance(partial(links.look_at_link, token=token, now=clock.now()))
    return join_form(request, link, link.name or "", "", {}, 200, token=token)


@post("/join/{token:str}", status_code=303)
async def join(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Use a one-time link up and be signed in."""
    form = await request.form()
    name, display = field(form, "name"), field(form, "display")
    box, now = box_of(request), clock.now()
    try:
        opened = await links.join(
            box.db,
            token=token,
            name=name,
            display=display,
            password=field(form, "password"),
            session_days=box.config.accounts.unseen_days,
            caller=caller_of(request),
            now=now,
            previous=token_of(request),
        )
    except (Invalid, Unavailable) as no:
        link = box.db.glance(partial(links.look_at_link, token=token, now=now))
        errors = (no.details or {}).get("errors", {"": no.sentence})
        return join_form(request, link, link.name or name, display, errors, no.status, token=token)
    return welcome(request, opened, "/")


def join_form(
    request: AnyRequest,
    link: Link,
    name: str,
    display: str,
    errors: dict[str, str],
    status: int,
    *,
    token: str | None = None,
    known_by: tuple[str, str] = ("", ""),
) -> Response[bytes]:
    """Show the form behind a link; ``known_by`` names the provider that sent somebody, and their login there."""
    box = box_of(request)
    person = box.db.glance(partial(store.user, id=link.user_id)) if link.user_id else None
    shown = person.display if person else display
    offers = () if known_by[0] else providers.offers(box.config.oauth)
    page = JoinPage(
        "open" if link is links.ANYONE else link.kind,
        name,
        shown,
        link.name is not None,
        errors,
        ways_in(offers, "/") if token is None else ways(offers, f"/join/{token}/"),
        *known_by,
    )
    return form_page(request, "accounts/join.html", page, status)
