"""Build the Litestar application from the rooms, inside one outermost layer that every answer passes.

Litestar's own middleware does not run for an address that does not exist, nor for a wrong method, so security headers
and request ids are set out here.
"""

import asyncio
import gzip
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request, Router, get
from litestar.datastructures import CacheControlHeader, State
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from arena.accounts.guards import (
    ShutOut,
    SignInAgain,
    SignInFirst,
    ask_again,
    ask_to_sign_in,
    identify,
    meter,
    own_form,
    public_name,
    say_why,
    too_many,
)
from arena.core import clock
from arena.core.addresses import network_of
from arena.core.clock import Days
from arena.core.config import Config, Place
from arena.core.db import Database
from arena.core.errors import Unavailable
from arena.core.folders import folder
from arena.core.keyring import Keyring
from arena.core.log import Seldom, log
from arena.core.queue import Waker
from arena.doors import BY_ROUTE, check, doorkeeper
from arena.openapi import document
from arena.projects.store import passed
from arena.rooms import Handler, figures, hot_handlers, routers, sizes
from arena.schedule import JOBS
from arena.web.answers import Answers, Kept, Key, Question, packed, question
from arena.web.api import Answer
from arena.web.box import Box, address_of, box_of
from arena.web.errors import PROGRAMS, on_error
from arena.web.forms import content_security_policy
from arena.web.limits import Limits, Quota
from arena.web.live import Live

PACKABLE = (b"text/html", b"text/css", b"text/javascript", b"application/javascript", b"application/json", b"image/svg")
FORM_LIMIT = 256 * 1024
"""Bytes of a form. What programs send is read, and limited, by their own doors (`arena.web.box.body_of`)."""
SMALL = 1024
"""Bytes below which packing an answer is not worth it."""


def build(config: Config, place: Place, worker_runs: Callable[[], bool] = lambda: True) -> "Outside":
    """Open the box: database, live streams, rooms."""
    db = Database(place.database, config.arena.slow_ms)
    keyring = Keyring(place.secret, clock.now)
    box = Box(
        config=config,
        place=place,
        keyring=keyring,
        db=db,
        days=Days(config.arena.time_zone),
        live=Live(db.version, partial(public_name, db)),
        limits=Limits(config.limits),
        identify=identify,
        worker_runs=worker_runs,
        sizes=sizes,
        passed=passed,
        figures=figures,
        jobs=JOBS,
        wake=Waker(place.data, keyring),
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await box.db.open()
        try:
            yield
        finally:
            box.live.close()
            await box.db.close()

    app = Litestar(
        route_handlers=[*routers(), _static(), openapi],
        guards=[doorkeeper],
        exception_handlers={
            SignInFirst: ask_to_sign_in,
            SignInAgain: ask_again,
            ShutOut: say_why,
            Exception: on_error,
        },
        before_request=own_form,
        lifespan=[lifespan],
        state=State({"box": box}),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=FORM_LIMIT,
    )
    check(app)
    return Outside(app, box)


@get("/api/openapi.json", bare=True)
async def openapi(request: Request[Any, Any, Any]) -> ASGIApp:
    """Tell programs what they may call: this document."""
    return Answer(document(request.app, box_of(request).address), 200)


def _static() -> Router:
    """Static files. Their addresses carry a mark of their content, so a browser may keep them for ever."""
    return create_static_files_router(
        path="/static",
        directories=[folder("static")],
        cache_control=CacheControlHeader(public=True, max_age=31_536_000, immutable=True),
    )


class Outside:
    """The outermost layer: kept answers first, then the rooms; the same headers on everything that brings none."""

    def __init__(self, app: ASGIApp, box: Box) -> None:
        self.app = app
        self.box = box
        self.hot = {
            path: self._hot(handler, path, BY_ROUTE["POST", path].limit) for path, handler in hot_handlers().items()
        }
        self.slow = box.config.arena.slow_ms / 1000
        self.tells_all = box.config.arena.log_level == "debug"
        self.seldom = Seldom()
        self.answers = Answers()
        self.making: dict[Key, asyncio.Event] = {}
        self.headers = [
            (b"content-security-policy", content_security_policy().encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
        ]
        if box.is_tls:
            self.headers.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
        self.is_behind = bool(box.config.server.trusted_proxies)
        """Whether a request's address is known only once uvicorn has asked the proxies."""
        self._stem = os.urandom(4).hex()
        self._count = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["began"], scope["request_id"] = time.perf_counter(), self._request_id()
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if (len(hosts) != 1 and (hosts or scope["http_version"] != "1.0")) or not _HOST.fullmatch(b"".join(hosts)):
            await Answer(b'{"error":"The Host header is not one."}', 400)(scope, receive, self._dressed(scope, send))
            return
        if scope["method"] == "HEAD":
            await self({**scope, "method": "GET"}, receive, _without_body(send))
            return
        if scope["method"] == "OPTIONS" and scope["path"].startswith(PROGRAMS):
            await Answer(b"", 204)(scope, receive, self._dressed(scope, send))
            return
        if scope["method"] != "GET":
            hot = self.hot.get(scope["path"]) if scope["method"] == "POST" else None
            await (hot or self.app)(scope, receive, self._dressed(scope, send))
            return
        asked = question(scope["raw_path"], scope["query_string"], scope["headers"])
        if asked is None or not self._can_look():
            await self.app(scope, receive, self._dressed(scope, send))
            return
        version, minute = self.box.db.version(), clock.now() // clock.MINUTE
        kept = self.answers.find(asked.key, version, minute)
        if kept is None and (being_made := self.making.get(asked.key)) is not None:
            # Whoever asks meanwhile waits for the one answer, and takes it if nothing was stored since.
            await being_made.wait()
            version = self.box.db.version()
            kept = self.answers.find(asked.key, version, minute)
        if kept is not None:
            if kept.limit is not None and (refuse := self._metered(scope, kept.limit)) is not None:
                await self._hot(refuse, kept.door)(scope, receive, self._dressed(scope, send))
                return
            self.box.counts.kept["found"] += 1
            await self._send_kept(scope, send, asked, kept)
            return
        made = self.making[asked.key] = asyncio.Event()
        try:
            await self.app(scope, receive, self._keeping(scope, send, asked, version, minute, made))
        finally:
            made.set()
            if self.making.get(asked.key) is made:
                del self.making[asked.key]

    def ready(self, scope: Any) -> tuple[bytes, bytes] | None:
        """Head (without its empty line) and body of the kept answer to a GET; None if it must take the long way.

        This is that way's beginning, written once more for those who need nothing else of it.
        """
        began = time.perf_counter()
        asked = question(scope["raw_path"], scope["query_string"], scope["headers"])
        if asked is None or not asked.host or not self.answers.has(asked.key):
            return None
        kept = self.answers.find(asked.key, self.box.db.version(), clock.now() // clock.MINUTE)
        if kept is None or not self._can_look():
            return None
        if kept.limit is not None and (self.is_behind or self._metered(scope, kept.limit) is not None):
            return None
        self.box.counts.kept["found"] += 1
        scope["began"], scope["request_id"] = began, self._request_id()
        is_known = bool(asked.etag) and kept.etag in asked.etag
        self._answered(scope, kept.door, 304 if is_known else 200)
        is_packed = asked.gzip and len(kept.plain) > SMALL
        head = kept.heads[2] if is_known else kept.heads[1] if is_packed else kept.heads[0]
        for name, value in (*_quota(scope), _request_id_header(scope)):
            head += b"%b: %b\r\n" % (name, value)
        return head, b"" if is_known else kept.packed if is_packed else kept.plain

    async def crowded(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request that came over one connection too many, and have that closed."""
        scope.update(began=time.perf_counter(), request_id=self._request_id(), path_template="")
        scope.update(litestar_app=self.app, state={"visitor": None})
        request: Request[Any, Any, Any] = Request(scope, receive)
        problem = Unavailable("More connections are open than this box takes. Try again in a moment.", retry_after=2)
        dressed = self._dressed(scope, send)

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await dressed(message)

        await on_error(request, problem).to_asgi_response(None, request)(scope, receive, closing)

    def _can_look(self) -> bool:
        """Whether answers may be kept; of a damaged database each handler tells by itself."""
        try:
            self.box.db.refuse_if_damaged()
        except Unavailable:
            return False
        return True

    def _hot(self, handler: Handler, door: str, limit: str | None = None) -> ASGIApp:
        """A handler as it stands, without the router: it asks for nothing but the request, and has its own guard."""

        async def answer(scope: Any, receive: Receive, send: Send) -> None:
            scope.update(litestar_app=self.app, state={}, path_template=door)
            request: Request[Any, Any, Any] = Request(scope, receive)
            try:
                if limit is not None:
                    meter(request, limit)
                made = await handler(request)
            except Exception as problem:
                made = on_error(request, problem).to_asgi_response(None, request)
            await made(scope, receive, send)

        return answer

    def _metered(self, scope: Any, limit: str) -> Handler | None:
        """Count the reading of a kept answer (its reader has neither key nor session); return what refuses it."""
        counted = self.box.limits.strangers.get(limit)
        if counted is None:
            return None
        quota = scope["quota"] = counted.take(network_of(address_of(scope)), clock.ticks())
        if not quota.wait:
            return None

        async def refuse(request: Request[Any, Any, Any]) -> ASGIApp:
            raise too_many(request, limit, counted.rate, quota)

        return refuse

    def _request_id(self) -> str:
        self._count += 1
        return f"{self._stem}-{self._count:x}"

    def _answered(self, scope: Any, door: str, status: int) -> None:
        """Count an answer that begins now; write down one that failed, or took long."""
        seconds = time.perf_counter() - scope["began"]
        self.box.counts.answered(scope["method"], door, status, seconds)
        if self.tells_all:
            log().debug("request", **_told(scope, door, status, seconds))
        if (status < 500 and seconds < self.slow) or "is_logged" in scope:
            return
        # A full disk refuses everybody: that is told once in a while, with how often.
        count = self.seldom.count(door) if status == 503 else 1
        if count:
            event = "failed" if status >= 500 else "slow"
            log().warning(event, **_told(scope, door, status, seconds), count=count)

    def _dressed(self, scope: Scope, send: Send) -> Send:
        """Add our headers to whatever the rooms answer, and pack it if it is worth it."""
        start: Any = None

        async def dress(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None and message["type"] == "http.response.body":
                body = message.get("body", b"")
                headers = [*start["headers"], *_quota(scope), _request_id_header(scope)]
                own = {name for name, _ in headers}
                headers += [pair for pair in self.headers if pair[0] not in own]
                if len(body) > SMALL and not message.get("more_body") and _accepts_gzip(scope) and _packable(headers):
                    body = gzip.compress(body, 4, mtime=0)
                    headers = packed(headers, len(body))
                    message = {"type": "http.response.body", "body": body, "more_body": False}
                start["headers"] = headers
                self._answered(scope, scope.get("path_template", ""), start["status"])
                await send(start)
                start = None
            await send(message)

        return dress

    def _keeping(self, scope: Any, send: Send, asked: Question, version: int, minute: int, made: asyncio.Event) -> Send:
        """Keep the answer if its handler says that everybody may have it (`scope["shared"]`)."""
        dressed = self._dressed(scope, send)
        start: Any = None

        async def keep(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if message["status"] == 200 and scope.get("shared"):
                    start = message
                    return
                made.set()  # nobody needs to wait for this one; it may be a stream that never ends
            if start is not None and message["type"] == "http.response.body":
                unlike = (b"content-length", b"content-encoding")
                headers = [pair for pair in start["headers"] if pair[0] not in unlike] + self.headers
                door = scope["path_template"]
                limit = BY_ROUTE["GET", door].limit
                answer = self.answers.keep(asked.key, version, minute, door, limit, headers, message.get("body", b""))
                self.box.counts.kept["made"] += 1
                start = None
                await self._send_kept(scope, send, asked, answer)
                return
            await dressed(message)

        return keep

    async def _send_kept(self, scope: Scope, send: Send, asked: Question, kept: Kept) -> None:
        headers = [*kept.headers, *_quota(scope), _request_id_header(scope)]
        is_known = bool(asked.etag) and kept.etag in asked.etag
        self._answered(scope, kept.door, 304 if is_known else 200)
        if is_known:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if asked.gzip and len(kept.plain) > SMALL:
            body = kept.packed
            headers = packed(headers, len(body))
        else:
            body = kept.plain
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _told(scope: Any, door: str, status: int, seconds: float) -> dict[str, Any]:
    """What the log says of a request: never its address, which may hold a token; of a strange one not the method."""
    method = scope["method"] if door else ""
    ms = round(seconds * 1000)
    return {"request_id": scope["request_id"], "method": method, "path": door, "status": status, "ms": ms}


_HOST = re.compile(rb"(?:[\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


def _request_id_header(scope: Any) -> tuple[bytes, bytes]:
    return b"x-request-id", scope["request_id"].encode()


def _quota(scope: Any) -> list[tuple[bytes, bytes]]:
    """What is left of the limit that a request counted against, if it did."""
    quota: Quota | None = scope.get("quota")
    return quota.headers(clock.now()) if quota is not None else []


def _accepts_gzip(scope: Scope) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])


def _packable(headers: list[tuple[bytes, bytes]]) -> bool:
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    return kind.startswith(PACKABLE) and not any(name == b"content-encoding" for name, _ in headers)


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await send(message)

    return headers_only
