"""Signing in, with a password here and by way of `providers`, and signing out."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery

from arena.accounts.actions import providers, sessions
from arena.accounts.guards import caller_of, device_of, tally_of, welcome
from arena.accounts.pages import SignInPage, ways_in
from arena.core import clock
from arena.core.errors import ArenaError, Forbidden, NotSignedIn, TooMany, Unavailable
from arena.web.box import box_of, visitor_of
from arena.web.forms import field, form_page, see_other
from arena.web.session import safe_next, session_cookie, token_of

AnyRequest = Request[Any, Any, Any]


@get("/sign-in")
async def sign_in_page(request: AnyRequest, next: FromQuery[str] = "/", again: FromQuery[str] = "") -> Response[bytes]:
    """Show the form; whoever is signed in goes straight on, unless they must sign in again."""
    visitor = visitor_of(request)
    if visitor is None:
        return sign_in_form(request, next=safe_next(next))
    if again != "yes":
        return see_other(safe_next(next))
    return sign_in_form(request, next=safe_next(next), name=visitor.name, again=True)


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
            session_days=box.config.accounts.unseen_days,
            secret=box.secret,
            tally=tally_of(request),
            caller=caller_of(request),
            now=clock.now(),
            device=device_of(request),
            previous=token_of(request),
        )
    except (NotSignedIn, Forbidden, TooMany, Unavailable) as no:
        return sign_in_form(request, next=next, name=name, error=no)
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


def sign_in_form(
    request: AnyRequest, *, next: str = "/", name: str = "", error: ArenaError | None = None, again: bool = False
) -> Response[bytes]:
    """Show the form, with every provider that one may come by, and what went wrong."""
    config = box_of(request).config
    ways = ways_in(providers.offers(config.oauth), next)
    page = SignInPage(next, name, error.sentence if error else "", ways, config.accounts.sign_up, again)
    status, pause = (error.status, error.retry_after) if error else (200, None)
    return form_page(request, "accounts/sign_in.html", page, status, pause)
