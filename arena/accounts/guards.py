"""Who is asking, and whether they may: by web session (`identify`), by API key (`by_key`), by signature (`signed`)."""

import asyncio
import hmac
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler

from arena.accounts import rules, store
from arena.accounts.actions import keys, sessions
from arena.accounts.models import Device, KeyOwner, Person, SignedIn
from arena.audit.actions import seldom
from arena.audit.models import Caller
from arena.audit.rules import Tally
from arena.core import clock, ids
from arena.core.addresses import network_of
from arena.core.config import Rate
from arena.core.db import Database
from arena.core.errors import ArenaError, ClientTooOld, Forbidden, NotFound, NotSignedIn, TooMany
from arena.core.log import log
from arena.web import session
from arena.web.box import Connection, Visitor, address_of, box_of, header, visitor_of
from arena.web.errors import PROGRAMS, on_error
from arena.web.forms import see_other
from arena.web.limits import Quota

T = TypeVar("T")
LOOK_AGAIN = 1_000
"""Milliseconds for which a key that was found is not looked up again before a write."""
KEYS_KEPT = 10_000

_notes: set[asyncio.Task[None]] = set()
"""Writes under way that no request waits for; the event loop itself would forget them."""


class SignInFirst(NotSignedIn):
    """A page that only somebody signed in may see; `ask_to_sign_in` leads to the sign-in page and back."""


class SignInAgain(NotSignedIn):
    """Something that whoever found an open browser must not do; `ask_again` leads to the sign-in page and back."""


class ShutOut(Exception):
    """A visitor who lost the right to do something while they did it; no page of what they may not see answers it."""

    def __init__(self, no: ArenaError) -> None:
        super().__init__(no.sentence)
        self.no = no


def caller_of(connection: Connection) -> Caller:
    """Where a request came from, for the security log."""
    return Caller(address_of(connection.scope), header(connection, b"user-agent") or None)


# -- the security log, for what may happen again and again


def note_known(connection: Connection, event: str, user_id: str, who: str, **details: Any) -> None:
    """Note what a person or key (``who``, the id that is counted by) does, the 1st, 10th, 100th ... time in an hour.

    Nobody waits for it. A row after the first says which time it was.
    """
    _note_seldom(connection, event, user_id, who, details)


def note_stranger(connection: Connection, event: str, **details: Any) -> None:
    """Note in the same way what somebody does of whom only the address is known; a crowd of addresses shares rows."""
    _note_seldom(connection, event, None, None, details)


def note_unauthorized(connection: Connection, reason: str) -> None:
    """Note that somebody was refused at a door, whether it is known who they are or not."""
    # The template, not the path: the path of a one-time link is its secret.
    door = f"{connection.scope.get('method')} {connection.scope.get('path_template', '')}"
    visitor = visitor_of(connection)
    if visitor is None:
        note_stranger(connection, "unauthorized_access", door=door, reason=reason)
    else:
        note_known(connection, "unauthorized_access", visitor.id, f"{visitor.id} {door}", door=door, reason=reason)


def tally_of(connection: Connection) -> Tally:
    """What counts, for the security log, what may happen again and again."""
    tally: Tally = box_of(connection).memory.setdefault("tally", Tally())
    return tally


def _note_seldom(connection: Connection, event: str, user_id: str | None, who: str | None, details: Any) -> None:
    deed = seldom(tally_of(connection), event, user_id, caller_of(connection), clock.now(), who=who, **details)
    if deed is not None:
        _soon(box_of(connection).db, deed)


# -- limits


def meter(connection: Connection, limit: str) -> None:
    """Count a call against a limit of the configuration, and leave its quota in the scope for whoever answers.

    Raises `TooMany` with when to try again.
    """
    who = caller_id(connection, limit)
    limits = box_of(connection).limits
    counted = (limits.strangers if who is None else limits.known).get(limit)
    if counted is None:
        return
    quota = counted.take(who or network_of(address_of(connection.scope)), clock.ticks())
    connection.scope["quota"] = quota  # type: ignore[typeddict-unknown-key]
    if quota.wait:
        raise too_many(connection, limit, counted.rate, quota)


def caller_id(connection: Connection, limit: str) -> str | None:
    """Say who is counted: the person of a good key or web session (of `otlp` the key), or None for a stranger.

    Whoever signs in is known by a browser that somebody signed in with before, so that strangers who share its address
    do not use up its attempts.
    """
    if sent_key(connection):
        owner = _recent_owner(connection)
        if owner is not None and owner.is_good:
            return owner.key_id if limit == "otlp" else owner.person.id
    visitor = visitor_of(connection)
    if visitor is not None:
        return visitor.id
    device = device_of(connection) if limit == "authentication" else None
    return device.id if device is not None else None


def too_many(connection: Connection, limit: str, rate: Rate, quota: Quota) -> TooMany:
    """What somebody hears whose call was one too many; it is noted."""
    box_of(connection).counts.refused[limit] += 1
    owner, visitor = _recent_owner(connection), visitor_of(connection)
    person = owner.person.id if owner is not None and owner.is_good else visitor.id if visitor is not None else None
    if person is None:
        note_stranger(connection, "rate_limit_exceeded", limit=limit)
    else:
        note_known(connection, "rate_limit_exceeded", person, f"{person} {limit}", limit=limit)
    sentence = f"Too many requests (at most {rate.number:,} a {rate.unit}). Try again in {rules.in_words(quota.wait)}."
    return TooMany(sentence, retry_after=-(-quota.wait // 1000))


# -- web sessions and pages (guards are async: Litestar runs others in a thread, where looking up is not free)


def identify(connection: Connection) -> Person | None:
    """Say who is signed in by the session cookie; nobody when the session is over or the person disabled."""
    token = session.token_of(connection)
    if not token:
        return None
    db, now = box_of(connection).db, clock.now()
    found = db.glance(partial(sessions.identify, token=token, now=now))
    if found is None:
        return None
    if rules.is_due(found.last_seen_at, now):
        lasts = box_of(connection).config.accounts
        seen = partial(store.set_session_seen, id=found.session_id, before=now - rules.NOTE_EVERY, now=now)
        _soon(db, partial(seen, lifetime=lasts.session_days * clock.DAY, idle=lasts.unseen_days * clock.DAY))
    return found.person


def me(connection: Connection) -> Visitor:
    """Who is signed in. Raises `NotSignedIn` (`SignInFirst` for a page that can be returned to)."""
    visitor = visitor_of(connection)
    if visitor is None:
        is_page = connection.scope.get("method") in ("GET", "HEAD") and not connection.url.path.startswith(PROGRAMS)
        if is_page:  # an invitation, not a refusal
            raise SignInFirst("Sign in to see this.")
        note_unauthorized(connection, "nobody is signed in")
        raise NotSignedIn("Sign in to see this.")
    return visitor


def just_signed_in(connection: Connection) -> None:
    """Refuse a visitor who signed in some time ago. Raises `NotSignedIn` and `SignInAgain`."""
    me(connection)
    now = clock.now()
    mine = box_of(connection).db.glance(partial(sessions.identify, token=session.token_of(connection) or "", now=now))
    if mine is None or now - mine.opened_at > rules.RECENT:
        raise SignInAgain("Sign in again to do this.")


async def anybody(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of what everybody may call."""


async def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard: somebody is signed in."""
    me(connection)


async def admin(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard: an administrator is signed in."""
    if not me(connection).is_admin:
        note_unauthorized(connection, "not an administrator")
        raise Forbidden("Only an administrator of this arena may do this.")


async def may_look(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of public boards: anybody, or with ``[boards] visible = "signed-in"`` whoever has a session or a key."""
    _look(connection)


def still_may_look(connection: Connection) -> bool:
    """Say whether whoever opened a stream of boards may still look: who they are is looked up anew."""
    _forget(connection)
    try:
        _look(connection)
    except ArenaError:
        return False
    return True


def reader_of(connection: Connection) -> str | None:
    """The id of whoever asks, by web session or else by API key; None for nobody known. Raises `NotSignedIn`."""
    visitor = visitor_of(connection)
    if visitor is not None:
        return visitor.id
    return by_key(connection).id if sent_key(connection) else None


def somebody(connection: Connection, name: str) -> Person:
    """Find a person by name, as far as whoever asks may know of them.

    Raises the same `NotFound`, after the same look-ups, whether nobody has the name or its bearer is disabled or
    private; to themselves nobody is private.
    """
    reader = reader_of(connection)
    person = box_of(connection).db.glance(partial(store.user_by_name, username=name.lower()))
    if person is None or person.is_disabled or (person.private and person.id != reader):
        raise NotFound("User not found")
    return person


def public_name(db: Database, user_id: str) -> str:
    """The name by which everybody may know a person now; empty for somebody private, disabled or gone."""
    person = db.glance(partial(store.user, id=user_id))
    return person.name if person is not None and not person.private and not person.is_disabled else ""


async def own_form(request: Request[Any, Any, Any]) -> None:
    """Refuse, and note, an unsafe request that did not come from a form of ours (before every request).

    A form may take its time to arrive: whether its sender may come in is asked again once it is here.
    """
    try:
        await session.check_form(request)
    except Forbidden:
        note_unauthorized(request, "not a form of this site, or an old one")
        raise
    let_in = request.scope["state"].get("let_in")
    if let_in is not None and request.method in session.UNSAFE and request.route_handler.opt.get("csrf") is not False:
        _forget(request)
        await let_in(request, request.route_handler)


def still(connection: Connection) -> Callable[[sqlite3.Connection], None]:
    """Make ready the question, to be asked in the write itself, whether a visitor may still do what they came for.

    It raises `ShutOut` once their web session is over, or they are no administrator any more.
    """
    visitor, token, now = me(connection), session.token_of(connection) or "", clock.now()

    def ask(conn: sqlite3.Connection) -> None:
        found = sessions.identify(conn, token=token, now=now)
        if found is None or found.person.id != visitor.id:
            said = "You were signed out meanwhile, so nothing was changed. Sign in and send it again."
            raise ShutOut(NotSignedIn(said))
        if visitor.is_admin and not found.person.is_admin:
            raise ShutOut(Forbidden("You are no administrator any more, so nothing was changed."))

    return ask


async def write(connection: Connection, deed: Callable[[sqlite3.Connection], T]) -> T:
    """Store what a visitor does, if they still may at the moment it is stored. Raises as `still` and ``deed``."""
    ask = still(connection)

    def ask_and_do(conn: sqlite3.Connection) -> T:
        ask(conn)
        return deed(conn)

    return await box_of(connection).db.write(ask_and_do)


def welcome(request: Request[Any, Any, Any], opened: SignedIn, next: str) -> Response[bytes]:
    """Lead on with the cookie of a web session that was just opened, and let the browser remember its person."""
    return see_other(next, *cookies_of(request, opened))


def cookies_of(request: Request[Any, Any, Any], opened: SignedIn) -> list[Cookie]:
    """The cookies of a web session that was just opened: the session, and whom this browser remembers."""
    box, person = box_of(request), opened.person
    cookies = [session.session_cookie(request, opened.token, box.config.accounts.session_days * 86_400)]
    password = box.db.glance(partial(store.password_by_name, username=person.name))
    if password is not None and password.hash is not None:
        device = rules.remembered(device_of(request) or Device(ids.token(), {}), person.id, password.hash)
        cookies.append(session.device_cookie(request, msgspec.to_builtins(device)))
    return cookies


def device_of(connection: Connection) -> Device | None:
    """What this browser remembers of those who signed in with it, if it is ours."""
    try:
        return msgspec.convert(session.device_of(connection), Device)
    except msgspec.ValidationError:
        return None


def say_why(request: Request[Any, Any, Any], problem: ShutOut) -> Response[bytes]:
    """Answer whoever was shut out as those who are (exception handler of `ShutOut`)."""
    _forget(request)
    return on_error(request, problem.no)


def ask_to_sign_in(request: Request[Any, Any, Any], _: SignInFirst) -> Response[bytes]:
    """Lead to the sign-in page and, after it, back to where the visitor was (exception handler of `SignInFirst`)."""
    if request.headers.get("hx-request") == "true":
        # htmx follows a redirect inside the fragment; with this header it moves the whole page.
        here = _to_sign_in(request.headers.get("hx-current-url", "/"))
        return Response(b"", status_code=SignInFirst.status, headers={"hx-redirect": here, "cache-control": "no-store"})
    here = _to_sign_in(str(request.url))
    return Response(b"", status_code=303, headers={"location": here, "cache-control": "no-store"})


def ask_again(request: Request[Any, Any, Any], _: SignInAgain) -> Response[bytes]:
    """Lead to the sign-in page and back to the settings (exception handler of `SignInAgain`)."""
    return see_other("/sign-in?" + urlencode({"again": "yes", "next": "/settings"}))


# -- API keys and programs


async def has_key(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard: the request carries somebody's API key."""
    by_key(connection)


async def has_signature(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of what must be signed: `signed` decides, in the handler, because only it has the body."""


async def is_slack(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of what Slack must have signed: the handler decides, because only it has the body."""


async def is_somebody(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard of what both programs and browsers call: a key, whose signature the handler asks for, or a web session."""
    if sent_key(connection):
        by_key(connection)
    else:
        await signed_in(connection, handler)


async def may_measure(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of the figures of the box: whoever sends the token for them, or `arena admin metrics` its pass.

    Without a token of the configuration also this machine itself, as long as nothing hints at a proxy, behind which
    everybody comes from this machine.
    """
    box, sent = box_of(connection), sent_key(connection)
    if sent and rules.is_pass(sent, box.keyring.valid, clock.now()):
        return
    if token := box.config.metrics.bearer_token:
        if hmac.compare_digest(sent.encode(), token.value.encode()):
            return
        note_unauthorized(connection, "not the token for metrics")
        raise NotSignedIn("The figures of this box are told to whoever sends its [metrics] bearer_token.")
    server = box.config.server
    passed_on = any(name in rules.PASSED_ON for name, _ in connection.scope["headers"])
    host = header(connection, b"host")
    if passed_on or server.url or server.trusted_proxies or not rules.is_here(address_of(connection.scope), host):
        note_unauthorized(connection, "not from this machine")
        raise Forbidden(
            "The figures of this box are told to this machine alone; to read them from elsewhere or behind a proxy, "
            "set [metrics] bearer_token."
        )


def new_enough(connection: Connection) -> None:
    """Refuse a laptop whose `arena` names a version older than this box accepts. Raises `ClientTooOld`."""
    version = header(connection, b"x-arena-client")
    oldest = box_of(connection).config.client.oldest
    if version and rules.is_older(version, oldest):
        raise ClientTooOld(f"This arena client is older than {oldest}, the oldest that the server accepts: update it.")


def by_key(connection: Connection) -> Person:
    """Say whose API key the request carries. Raises as `key_of`."""
    return key_of(connection).person


def key_of(connection: Connection) -> KeyOwner:
    """Say which key the request carries and whose it is, looked up once a request.

    Raises `NotSignedIn` with one sentence, and `ClientTooOld`.
    """
    return _accepted(connection, _owner(connection))


def sent_key(connection: Connection) -> str:
    """The key that a request carries, as ``X-API-Key`` or as a bearer token (RFC 6750); empty if it has none."""
    state = connection.scope["state"]
    if "key" not in state:
        key = header(connection, b"x-api-key")
        if not key:
            scheme, _, token = header(connection, b"authorization").partition(" ")
            key = token.strip() if scheme.lower() == "bearer" else ""
        state["key"] = key
    sent: str = state["key"]
    return sent


def prefix_of(connection: Connection) -> str:
    """The part of a request's key that may be shown."""
    return sent_key(connection)[: rules.PREFIX_LENGTH]


def signed(connection: Connection, body: bytes) -> KeyOwner:
    """Say whose signed request it is: key, time within 300 s, signature over time and raw body.

    The key may have been looked up a second ago: whoever writes asks `keys.still_good` in the same transaction.
    Raises `NotSignedIn` with one sentence for each problem and the server's time (epoch seconds) in its details.
    """
    owner, now = _accepted(connection, _recent_owner(connection)), clock.now()
    key, timestamp = sent_key(connection), header(connection, b"x-timestamp")
    problem = rules.signature_problem(key, timestamp, header(connection, b"x-signature"), body, now)
    if problem is not None:
        _note_refusal(connection, owner, problem.event, problem.reason)
        raise NotSignedIn(problem.sentence, {"serverTime": now // 1000})
    return owner


def refuse_key() -> NotSignedIn:
    """What somebody hears whose key is not, or no longer, good."""
    return NotSignedIn("This API key is not known here, or it was revoked. Sign in again with `arena login`.")


Who = Literal["anybody", "reader", "member", "admin", "key", "signature", "person", "monitor", "slack"]
GUARDS: dict[Who, Callable[[Connection, BaseRouteHandler], Awaitable[None]]] = {
    "anybody": anybody,
    "reader": may_look,
    "member": signed_in,
    "admin": admin,
    "key": has_key,
    "signature": has_signature,
    "person": is_somebody,
    "monitor": may_measure,
    "slack": is_slack,
}
"""What it takes to be let in, by the word that `arena.doors` uses for it."""


async def let_in(connection: Connection, handler: BaseRouteHandler, who: Who) -> None:
    """Let somebody in, or raise why not; `own_form` asks the same again."""
    connection.scope["state"]["let_in"] = GUARDS[who]
    await GUARDS[who](connection, handler)


def _look(connection: Connection) -> None:
    if box_of(connection).config.boards.visible == "everyone":
        return
    if sent_key(connection):
        by_key(connection)
    else:
        me(connection)


def _forget(connection: Connection) -> None:
    """Forget who asks, to look it up anew."""
    for known in ("visitor", "owner", "recent_owner"):
        connection.scope["state"].pop(known, None)


def _owner(connection: Connection) -> KeyOwner | None:
    """Whose key the request carries, whatever the key's state, looked up once a request."""
    state = connection.scope["state"]
    if "owner" not in state:
        key, db, now = sent_key(connection), box_of(connection).db, clock.now()
        found = None
        if rules.KEY.fullmatch(key):
            found = db.glance(partial(store.user_by_key_hash, key_hash=ids.digest(key)))
        if found is not None and found.is_good:
            if rules.is_due(found.last_used_at, now):
                _soon(db, partial(store.set_key_used, id=found.key_id, before=now - rules.NOTE_EVERY, now=now))
            kept = _owners(connection)
            if len(kept) > KEYS_KEPT:
                kept.clear()
            kept[key] = now + LOOK_AGAIN, found
        state["owner"] = found
    owner: KeyOwner | None = state["owner"]
    return owner


def _recent_owner(connection: Connection) -> KeyOwner | None:
    """The same as it was up to a second ago: for counting, and for whoever asks again in the same write."""
    state = connection.scope["state"]
    if "recent_owner" not in state:
        until, found = _owners(connection).get(sent_key(connection), (0, None))
        state["recent_owner"] = found if until >= clock.now() else _owner(connection)
    owner: KeyOwner | None = state["recent_owner"]
    return owner


def _owners(connection: Connection) -> dict[str, tuple[int, KeyOwner]]:
    owners: dict[str, tuple[int, KeyOwner]] = box_of(connection).memory.setdefault("keys", {})
    return owners


def _accepted(connection: Connection, found: KeyOwner | None) -> KeyOwner:
    new_enough(connection)
    if found is None:
        if not sent_key(connection):
            raise NotSignedIn("This needs an API key in the header X-API-Key, or as a bearer token.")
        note_stranger(connection, "api_key_invalid", reason="unknown")
        raise refuse_key()
    if found.revoked_at is not None:
        _note_refusal(connection, found, "api_key_invalid", "revoked")
        raise refuse_key()
    if found.person.is_disabled:
        _note_refusal(connection, found, "api_key_invalid", "disabled")
        raise NotSignedIn("This account is disabled. Ask an administrator of this arena.")
    return found


def _note_refusal(connection: Connection, found: KeyOwner, event: str, reason: str) -> None:
    now = clock.now()
    times = tally_of(connection).known(event, found.key_id, now)
    if times is not None:
        deed = partial(keys.note_refusal, event=event, key_id=found.key_id, user_id=found.person.id, reason=reason)
        details = {"prefix": prefix_of(connection), "times": times if times > 1 else None}
        _soon(box_of(connection).db, partial(deed, caller=caller_of(connection), now=now, **details))


def _to_sign_in(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:  # "http://[", say
        return "/sign-in"
    return "/sign-in?" + urlencode({"next": session.safe_next(parts.path + (f"?{parts.query}" if parts.query else ""))})


def _soon(db: Database, fn: Callable[[sqlite3.Connection], Any]) -> None:
    """Write something that nobody waits for and whose loss is harmless: when somebody was last here."""

    async def write() -> None:
        try:
            await db.write(fn)
        except Exception as problem:
            log().warning("note", reason=str(problem))

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a handler that runs in a thread: leave it to the next request
        return
    task = loop.create_task(write())
    _notes.add(task)
    task.add_done_callback(_notes.discard)
