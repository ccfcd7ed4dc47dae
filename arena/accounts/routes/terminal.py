"""Signing a terminal in through the browser of its own machine: the program listens there, and is sent the key."""

from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Request, Response, get, post
from msgspec.structs import replace

from arena.accounts import rules
from arena.accounts.actions import keys
from arena.accounts.guards import SignInFirst, caller_of, me, write
from arena.accounts.pages import TerminalPage
from arena.core import clock
from arena.core.errors import ArenaError, Conflict, Invalid
from arena.web.box import visitor_of
from arena.web.forms import content_security_policy, field, form_page, see_other

PATIENCE = 5 * clock.MINUTE
"""How long a program listens, and so how long its question may be answered: later somebody else may listen there."""

AnyRequest = Request[Any, Any, Any]


@get(["/api/auth/cli", "/api/auth/cli/callback"], page=True)
async def ask(request: AnyRequest) -> Response[bytes]:
    """Ask whoever is signed in whether a program of theirs may have a key; sign in first, and come back here."""
    asked = request.query_params
    redirect_uri, state = asked.get("redirect_uri", ""), asked.get("state", "")
    label = rules.label_of(asked.get("label", ""))
    _check(redirect_uri, state)
    if visitor_of(request) is None:
        raise SignInFirst("Sign in to see this.")
    page = TerminalPage(redirect_uri, state, urlsplit(redirect_uri).netloc, label, clock.now() + PATIENCE)
    return _form(request, page, 200)


@post("/api/auth/cli", page=True, status_code=303)
async def answer(request: AnyRequest) -> Response[bytes]:
    """Make the key and lead the browser, with it, to the program; or tell the program that the answer is no."""
    form = await request.form()
    redirect_uri, state, label = field(form, "redirect_uri"), field(form, "state"), field(form, "label")
    _check(redirect_uri, state)
    if field(form, "answer") != "yes":
        said = {"error": "access_denied", "error_description": "The answer in the browser was no.", "state": state}
        return _lead_to(redirect_uri, said)
    visitor, now = me(request), clock.now()
    until = _number(field(form, "until"))
    page = TerminalPage(redirect_uri, state, urlsplit(redirect_uri).netloc, label, until)
    if not now < page.until <= now + PATIENCE:
        raise Conflict("The terminal waits five minutes for an answer, and they are over. Ask again from the terminal.")
    make = partial(keys.make_key, user_id=visitor.id, label=label, way="browser", caller=caller_of(request), now=now)
    try:
        key = await write(request, make)
    except ArenaError as no:
        return _form(request, replace(page, error=no.sentence), no.status)
    said = {
        "api_key": key,
        "api_key_prefix": key[: rules.PREFIX_LENGTH],
        "username": visitor.name,
        "user_id": visitor.id,
        "created_at": clock.iso(now),
        "state": state,
    }
    return _lead_to(redirect_uri, said)


def _check(redirect_uri: str, state: str) -> None:
    for name, problem in (
        ("redirect_uri", rules.loopback_problem(redirect_uri)),
        ("state", rules.state_problem(state)),
    ):
        if problem:
            raise Invalid(problem, {"errors": {name: [problem]}})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _form(request: AnyRequest, page: TerminalPage, status: int) -> Response[bytes]:
    # A browser obeys no policy that names [::1]: the grammar of policies knows no IPv6 address.
    program = "http:" if page.place.startswith("[") else f"http://{page.place}"
    shown = form_page(request, "accounts/terminal.html", page, status)
    shown.set_header("content-security-policy", content_security_policy(program))
    return shown


def _lead_to(program: str, said: dict[str, str]) -> Response[bytes]:
    return see_other(f"{program}{'&' if '?' in program else '?'}{urlencode(said)}")
