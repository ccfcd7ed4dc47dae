"""Signing in with a password, and signing out."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from arena.accounts.actions import sessions
from arena.accounts.guards import caller_of, device_of, tally_of, welcome
from arena.accounts.pages import SignInPage
from arena.core import clock
from arena.core.errors import Forbidden, NotSignedIn, TooMany
from arena.web.box import box_of, visitor_of
from arena.web.forms import field, form_page, see_other
from arena.web.session import safe_next, session_cookie, token_of

AnyRequest = Request[Any, Any, Any]


@get("/sign-in")
async def sign_in_page(request: AnyRequest, next: FromQuery[str] = "/") -> Response[bytes]:
    """Show the form; whoever is signed in goes straight on."""
    if visitor_of(request) is not None:
        return see_other(safe_next(next))
    return form_page(request, "accounts/sign_in.html", SignInPage(safe_next(next), "", ""), 200)


@post("/sign-in", status_code=303)
async def sign_in(request: AnyRequest) -> Response[bytes]:
    """Sign in and go where the visitor wanted to go."""
    form = await request.form()
    name, next = field(form, "name"), safe_next(field(form, "next") or "/")
    box = box_of(request)
    try:
        opened = await sessions.sign_in(
            box.db,
            name=name,
            password=field(form, "password"),
            session_days=box.config.accounts.session_days,
            secret=box.secret,
            tally=tally_of(request),
            caller=caller_of(request),
            now=clock.now(),
            device=device_of(request),
            previous=token_of(request),
        )
    except (NotSignedIn, Forbidden, TooMany) as no:
        page = SignInPage(next, name, no.sentence)
        return form_page(request, "accounts/sign_in.html", page, no.status, no.retry_after)
    return welcome(request, opened, next)


@post("/sign-out", status_code=303)
async def sign_out(request: AnyRequest) -> Response[bytes]:
    """End the web session and take its cookie back."""
    token = token_of(request)
    if token:
        await box_of(request).db.write(
            partial(sessions.sign_out, token=token, caller=caller_of(request), now=clock.now())
        )
    return see_other("/", session_cookie(request, "", 0))
