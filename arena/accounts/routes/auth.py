"""Signing in, out and up for programs: bare answers, errors as one string, as existing programs read them."""

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import MediaType
from litestar.types import ASGIApp

from arena.accounts import rules, store
from arena.accounts.actions import keys, links, people, sessions
from arena.accounts.guards import caller_of, cookies_of, device_of, me, tally_of
from arena.accounts.models import CameIn, Done, LogIn, Member, Register, Whoami
from arena.core import clock
from arena.core.errors import ArenaError, Conflict, Forbidden, Invalid, NotFound
from arena.web.api import Answer, encode, json_of
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.session import session_cookie, token_of

PROGRAM = "terminal"
"""What a key is called that a program came by with a password; it names no machine."""

AnyRequest = Request[Any, Any, Any]


@post("/api/auth/login", csrf="json", status_code=200, bare=True, body=LogIn, data=CameIn)
async def login(request: AnyRequest) -> Response[bytes]:
    """Open a web session for whoever knows the password; ``source`` "cli" makes a key for a program too."""
    said, box, now = await json_of(request, LogIn), box_of(request), clock.now()
    opened = await sessions.sign_in(
        box.db,
        name=said.username or said.email,
        password=said.password,
        session_days=box.config.accounts.unseen_days,
        secret=box.secret,
        tally=tally_of(request),
        caller=caller_of(request),
        now=now,
        device=device_of(request),
        previous=token_of(request),
    )
    person, key = opened.person, ""
    if said.source == "cli":
        deed = partial(keys.make_key, user_id=person.id, label=PROGRAM, way="password")
        try:
            key = await box.db.write(partial(deed, caller=caller_of(request), now=now))
        except ArenaError:
            await box.db.write(partial(sessions.sign_out, token=opened.token, caller=caller_of(request), now=now))
            raise
    newest = box.db.glance(partial(store.newest_key, user_id=person.id))
    member = Member(person.id, person.name, person.display, newest.prefix if newest else None)
    return _bare(CameIn(member, key), 200, *cookies_of(request, opened))


@post("/api/auth/logout", csrf="json", status_code=200, bare=True, data=Done)
async def logout(request: AnyRequest) -> Response[bytes]:
    """End the web session, if there is one, and take its cookie back."""
    if token := token_of(request):
        deed = partial(sessions.sign_out, token=token, caller=caller_of(request), now=clock.now())
        await box_of(request).db.write(deed)
    return _bare(Done(), 200, session_cookie(request, "", 0))


@get("/api/auth/me", bare=True, data=Whoami)
async def whoami(request: AnyRequest) -> ASGIApp:
    """Tell who is signed in."""
    box, id = box_of(request), me(request).id
    return Answer(encode(Whoami(box.db.glance(partial(people.myself, user_id=id, passed=box.passed)))), 200)


@post("/api/auth/register", csrf="json", status_code=201, bare=True, body=Register, data=CameIn)
async def register(request: AnyRequest) -> Response[bytes]:
    """Make an account and a key, where anybody may join."""
    said, box, now = await json_of(request, Register), box_of(request), clock.now()
    if box.config.accounts.sign_up != "open":
        raise Forbidden(f"Nobody registers here. {_how_to_join(request)}")
    try:
        opened = await links.join(
            box.db,
            token=None,
            name=said.username,
            display=said.display_name,
            password=said.password,
            session_days=box.config.accounts.unseen_days,
            caller=caller_of(request),
            now=now,
            previous=token_of(request),
        )
    except Invalid as no:
        if box.db.glance(partial(store.user_by_name, username=rules.name_of(said.username))):
            raise Conflict(no.sentence) from no
        raise
    person = opened.person
    deed = partial(keys.make_key, user_id=person.id, label=PROGRAM, way="password")
    key = await box.db.write(partial(deed, caller=caller_of(request), now=now))
    member = Member(person.id, person.name, person.display, key[: rules.PREFIX_LENGTH], clock.iso(person.created_at))
    return _bare(CameIn(member, key), 201, *cookies_of(request, opened))


@post(["/api/auth/send-code", "/api/auth/verify-code"], csrf="json", status_code=200, bare=True, data=Done)
async def by_mail(request: AnyRequest) -> ASGIApp:
    """Refuse what would let anybody join who has an address of mail, and say how one does."""
    raise NotFound(f"Nobody joins by a mailed code here. {_how_to_join(request)}")


def _how_to_join(request: AnyRequest) -> str:
    box = box_of(request)
    return rules.how_to_join(box.config.accounts.sign_up, box.address)


def _bare(content: Any, status: int, *cookies: Cookie) -> Response[bytes]:
    return Response(
        encode(content), status_code=status, media_type=MediaType.JSON, headers=PRIVATE, cookies=list(cookies)
    )
