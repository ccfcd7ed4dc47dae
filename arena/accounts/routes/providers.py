"""Signing in with a provider: leaving for it, coming back, and choosing a name when one is new here.

A visitor leaves by following a link, not by sending a form: browsers hold the address that a form leads on to against
`form-action`, and a provider may lead on to others that nobody knows beforehand. Nobody can be made to leave from
another site (`Sec-Fetch-Site`), and only what this browser left for is taken when it comes back.
"""

import hmac
from functools import partial
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from arena.accounts.actions import identities, links, providers
from arena.accounts.guards import caller_of, just_signed_in, me, tally_of, welcome, write
from arena.accounts.models import Asked, Errand, Newcomer
from arena.accounts.routes import settings
from arena.accounts.routes.join import join_form
from arena.accounts.routes.sign_in import sign_in_form
from arena.core import clock, ids
from arena.core.errors import ArenaError, Conflict, Invalid, NotFound, Unavailable
from arena.web.box import box_of, visitor_of
from arena.web.forms import field, see_other
from arena.web.session import forget, keep, kept, safe_next, token_of

MINUTES = 10
"""How long a visitor may take at their provider, and then for choosing a name."""
ERRAND, NEWCOMER = "errand", "newcomer"
LONGEST = 1_000
"""Characters of an address to come back to: browsers drop a cookie that is larger than 4 KB."""
NO_WAY = "Nobody joins here without a link. If you came from a sign-in provider, ten minutes have passed: begin again."

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


@get("/sign-in/{provider:str}")
async def leave(request: AnyRequest, provider: FromPath[str], next: FromQuery[str] = "/") -> Response[bytes]:
    """Lead to a provider, to come back signed in."""
    next = safe_next(next) if len(next) <= LONGEST else "/"
    if _from_elsewhere(request):
        return sign_in_form(request, next=next)
    return await _leave(request, provider, next)


@get("/join/{token:str}/{provider:str}")
async def leave_to_join(request: AnyRequest, token: FromPath[str], provider: FromPath[str]) -> Response[bytes]:
    """Lead to a provider, to come back and use a one-time link up."""
    box_of(request).db.glance(partial(links.look_at_link, token=token, now=clock.now()))
    if _from_elsewhere(request):
        return see_other(f"/join/{token}")
    return await _leave(request, provider, "/", token=token)


@get("/settings/link/{provider:str}")
async def leave_to_link(request: AnyRequest, provider: FromPath[str], proof: FromQuery[str] = "") -> Response[bytes]:
    """Lead somebody who is signed in to a provider, to come back and link what it says of them.

    ``proof`` shows that they come from their own settings page; without it they are shown that first.
    """
    if _from_elsewhere(request) or not settings.is_proof(request, proof):
        return see_other("/settings#identities")
    just_signed_in(request)
    return await _leave(request, provider, "/settings", user_id=me(request).id)


@get("/sign-in/{provider:str}/callback")
async def come_back(request: AnyRequest, provider: FromPath[str]) -> Response[bytes]:
    """Take what a provider says of a visitor who left from here: sign them in, let them join, or link it."""
    now, memory = clock.now(), box_of(request).memory
    errand = _errand(request, now)
    answer = dict(request.query_params)
    state = answer.get("state", "")
    if (
        errand is None
        or errand.provider != provider
        or not hmac.compare_digest(errand.asked.state.encode(), state.encode())
        or not providers.is_first(memory, state)
    ):
        said = Invalid("This sign-in was begun in another browser or tab, took too long, or is over. Begin again.")
        return sign_in_form(request, error=said)
    try:
        done = await _finish(request, errand, answer, now)
    except ArenaError as no:
        done = await _say(request, errand, no)
    done.cookies.append(forget(request, ERRAND))
    return done


@get("/join")
async def newcomer_page(request: AnyRequest) -> Response[bytes]:
    """Let somebody new choose a name: whom a provider named, or on an open box anyone."""
    newcomer = _newcomer(request, clock.now())
    box = box_of(request)
    if newcomer is not None:
        name = box.db.glance(partial(identities.free_name, identity=newcomer.identity))
        return _newcomer_form(request, newcomer, name, newcomer.identity.display, {}, 200)
    if box.config.accounts.sign_up != "open":
        return sign_in_form(request, error=NotFound(NO_WAY))
    return join_form(request, links.ANYONE, "", "", {}, 200)


@post("/join", status_code=303)
async def join(request: AnyRequest) -> Response[bytes]:
    """Make the account of somebody new and be signed in."""
    form = await request.form()
    box, now = box_of(request), clock.now()
    newcomer = _newcomer(request, now)
    name, display = field(form, "name"), field(form, "display")
    common: dict[str, Any] = {
        "name": name,
        "display": display,
        "caller": caller_of(request),
        "now": now,
        "previous": token_of(request),
    }
    if newcomer is None and (box.config.accounts.sign_up != "open" or "password" not in form):
        raise NotFound(NO_WAY)
    try:
        if newcomer is not None:
            deed = partial(identities.join, identity=newcomer.identity, token=newcomer.token, config=box.config)
            opened = await box.db.write(partial(deed, **common))
        else:
            days = box.config.accounts.unseen_days
            opened = await links.join(box.db, token=None, password=field(form, "password"), session_days=days, **common)
    except (Invalid, Unavailable) as no:
        errors = (no.details or {}).get("errors", {"": no.sentence})
        if newcomer is not None:
            return _newcomer_form(request, newcomer, name, display, errors, no.status)
        return join_form(request, links.ANYONE, name, display, errors, no.status)
    done = welcome(request, opened, newcomer.next if newcomer is not None else "/")
    done.cookies.append(forget(request, NEWCOMER))
    return done


async def _leave(
    request: AnyRequest, name: str, next: str, *, token: str | None = None, user_id: str | None = None
) -> Response[bytes]:
    box, now = box_of(request), clock.now()
    provider = await providers.opened(box.memory, box.config.oauth, name)
    address = f"{box.address}/sign-in/{name}/callback"
    asked = Asked(state=ids.token(), nonce=ids.token(), verifier=ids.token(), redirect_uri=address)
    errand = Errand(name, asked, next, token, user_id)
    try:
        there = await provider.begin(asked, now)
    except ArenaError as no:
        return await _say(request, errand, no)
    return see_other(there, keep(request, ERRAND, msgspec.to_builtins(errand), now, MINUTES * 60))


async def _finish(request: AnyRequest, errand: Errand, answer: dict[str, str], now: int) -> Response[bytes]:
    box, caller = box_of(request), caller_of(request)
    provider = await providers.opened(box.memory, box.config.oauth, errand.provider)
    identity = await provider.finish(errand.asked, answer, now)
    if errand.user_id is not None:
        visitor = visitor_of(request)
        if visitor is None or visitor.id != errand.user_id:
            raise Conflict("You signed out meanwhile, so nothing was linked. Sign in and begin again.")
        deed = partial(identities.link, identity=identity, config=box.config, caller=caller, now=now)
        await write(request, partial(deed, user_id=visitor.id))
        return see_other("/settings?done=linked#identities")
    opened = await identities.come_in(
        box.db,
        identity=identity,
        token=errand.token,
        config=box.config,
        tally=tally_of(request),
        caller=caller,
        now=now,
        previous=token_of(request),
    )
    if opened is not None:
        return welcome(request, opened, errand.next)
    newcomer = msgspec.to_builtins(Newcomer(identities.in_short(identity, box.config), errand.next, errand.token))
    return see_other("/join", keep(request, NEWCOMER, newcomer, now, MINUTES * 60))


async def _say(request: AnyRequest, errand: Errand, no: ArenaError) -> Response[bytes]:
    """Show what went wrong where the visitor left from."""
    if errand.user_id is not None and visitor_of(request) is not None:
        return await settings.settings_form(request, no, "identities")
    return sign_in_form(request, next=errand.next, error=no)


def _newcomer_form(
    request: AnyRequest, newcomer: Newcomer, name: str, display: str, errors: dict[str, str], status: int
) -> Response[bytes]:
    box, identity = box_of(request), newcomer.identity
    link = links.ANYONE
    if newcomer.token is not None:
        link = box.db.glance(partial(links.look_at_link, token=newcomer.token, now=clock.now()))
    names = {offer.provider: offer.name for offer in providers.offers(box.config.oauth)}
    known_by = names.get(identity.provider, identity.provider), identity.login
    return join_form(request, link, link.name or name, display, errors, status, known_by=known_by)


def _errand(request: AnyRequest, now: int) -> Errand | None:
    return _kept(request, ERRAND, Errand, now)


def _newcomer(request: AnyRequest, now: int) -> Newcomer | None:
    return _kept(request, NEWCOMER, Newcomer, now)


def _kept(request: AnyRequest, name: str, type: type[T], now: int) -> T | None:
    try:
        return msgspec.convert(kept(request, name, now), type)
    except msgspec.ValidationError:  # nothing, or what an earlier release kept
        return None


def _from_elsewhere(request: AnyRequest) -> bool:
    """Whether another site sent the visitor here; browsers that do not say so are believed."""
    return request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
