"""Signing in and out, joining by a one-time link, and the choice of a theme."""

from functools import partial
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery

from arena.accounts import actions, store
from arena.accounts.guards import caller_of
from arena.accounts.models import Link, SignedIn
from arena.accounts.pages import JoinPage, SignInPage
from arena.core import clock
from arena.core.errors import Forbidden, Invalid, NotSignedIn
from arena.web.box import box_of, visitor_of
from arena.web.render import render
from arena.web.session import form_cookie, safe_next, session_cookie, token_of

PRIVATE = {"cache-control": "no-store"}
YEAR = 365 * 86_400

AnyRequest = Request[Any, Any, Any]


@get("/sign-in")
async def sign_in_page(request: AnyRequest, next: FromQuery[str] = "/") -> Response[bytes]:
    """Show the form; whoever is signed in goes straight on."""
    if visitor_of(request) is not None:
        return _to(safe_next(next))
    return _form(request, "accounts/sign_in.html", SignInPage(safe_next(next), "", ""), 200)


@post("/sign-in", status_code=303)
async def sign_in(request: AnyRequest) -> Response[bytes]:
    """Sign in and go where the visitor wanted to go."""
    form = await request.form()
    name, next = _text(form, "name"), safe_next(_text(form, "next") or "/")
    box = box_of(request)
    try:
        opened = await actions.sign_in(
            box.db,
            name=name,
            password=_text(form, "password"),
            session_days=box.config.accounts.session_days,
            caller=caller_of(request),
            now=clock.now(),
            previous=token_of(request),
        )
    except (NotSignedIn, Forbidden) as no:
        return _form(request, "accounts/sign_in.html", SignInPage(next, name, no.sentence), no.status)
    return _welcome(request, opened, next)


@post("/sign-out", status_code=303)
async def sign_out(request: AnyRequest) -> Response[bytes]:
    """End the web session and take its cookie back."""
    token = token_of(request)
    if token:
        await box_of(request).db.write(
            partial(actions.sign_out, token=token, caller=caller_of(request), now=clock.now())
        )
    return _to("/", session_cookie(request, "", 0))


@get("/join/{token:str}")
async def join_page(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Show what a one-time link opens, without using it up."""
    link = box_of(request).db.glance(partial(actions.look_at_link, token=token, now=clock.now()))
    return _join_form(request, link, link.name or "", "", {}, 200)


@post("/join/{token:str}", status_code=303)
async def join(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
    """Use a one-time link up and be signed in."""
    form = await request.form()
    name, display = _text(form, "name"), _text(form, "display")
    box, now = box_of(request), clock.now()
    try:
        opened = await actions.join(
            box.db,
            token=token,
            name=name,
            display=display,
            password=_text(form, "password"),
            session_days=box.config.accounts.session_days,
            caller=caller_of(request),
            now=now,
            previous=token_of(request),
        )
    except Invalid as no:
        link = box.db.glance(partial(actions.look_at_link, token=token, now=now))
        errors = (no.details or {}).get("errors", {})
        return _join_form(request, link, link.name or name, display, errors, no.status)
    return _welcome(request, opened, "/")


@get("/theme")
async def theme(request: AnyRequest, to: FromQuery[str] = "", next: FromQuery[str] = "/") -> Response[bytes]:
    """Remember light or dark; anything else follows the visitor's system again."""
    chosen = to if to in ("light", "dark") else ""
    cookie = Cookie(
        key="theme",
        value=chosen,
        max_age=YEAR if chosen else 0,
        path="/",
        samesite="lax",
        secure=box_of(request).is_tls,
    )
    return _to(safe_next(next), cookie)


router = Router(path="/", route_handlers=[sign_in_page, sign_in, sign_out, join_page, join, theme])


def _join_form(
    request: AnyRequest, link: Link, name: str, display: str, errors: dict[str, str], status: int
) -> Response[bytes]:
    person = box_of(request).db.glance(partial(store.user, id=link.user_id)) if link.user_id else None
    shown = person.display if person else display
    page = JoinPage(link.kind, name, shown, link.name is not None, errors)
    return _form(request, "accounts/join.html", page, status)


def _form(request: AnyRequest, template: str, page: Any, status: int) -> Response[bytes]:
    csrf, cookie = form_cookie(request)
    cookies = [cookie] if cookie else []
    return render(request, template, page, status=status, csrf=csrf, cookies=cookies, headers=PRIVATE)


def _welcome(request: AnyRequest, opened: SignedIn, next: str) -> Response[bytes]:
    seconds = box_of(request).config.accounts.session_days * 86_400
    return _to(next, session_cookie(request, opened.token, seconds))


def _to(address: str, *cookies: Cookie) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"location": address, **PRIVATE}, cookies=list(cookies))


def _text(form: Any, field: str) -> str:
    """A field of a form as text: missing, repeated or a file, it is empty."""
    value = form.get(field, "")
    return value if isinstance(value, str) else ""
