"""One visitor's connection: uvicorn's own, with an end to what it keeps, how long it waits, and how many there are.

uvicorn keeps a head of any length and waits for the rest of a request for ever, so that one visitor could take all
memory, or all connections.
"""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import httptools
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 64 * 1024
"""Bytes of a head (address and headers), or of what may follow a body, that are kept without seeing its end."""
HEAD_SECONDS = 15.0
"""For a whole head, from its first byte, or from when the connection was made."""
BODY_SECONDS = 180.0
"""For a whole body: the largest one comes in time by a line of half a megabit a second."""
SURPLUS = 200
"""Connections too many that are still told so."""
TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Bound(Struct, frozen=True):
    """How many connections there may be.

    The request of one that is one too many is answered by ``crowded``, which closes it; where there are far too many,
    it is closed at once. ``streams`` tells how many are live streams: these have bounds of their own.
    """

    most: int
    streams: Callable[[], int]
    crowded: Any


Ready = Callable[[Any], tuple[bytes, bytes] | None]
"""Gives head (without its empty line) and body of an answer to a GET that is ready, None of others."""


def bounded(bound: Bound, ready: Ready) -> type["Listening"]:
    """Connections of which there may be only so many, and what is ready to be said over them."""
    return type("Listening", (Listening,), {"bound": bound, "ready": staticmethod(ready)})


class Listening(HttpToolsProtocol):
    """A connection that is closed when its request is too slow, or its head too long."""

    bound: ClassVar["Bound | None"] = None
    ready: ClassVar[Any] = None
    """A `Ready`, or None."""

    def __init__(self, *settings: Any, **more: Any) -> None:
        super().__init__(*settings, **more)
        self._unread = 0
        self._is_head = True
        self._is_said = False
        """Whether this request was answered as soon as its head was read."""
        self._seconds = HEAD_SECONDS
        self._stage = 0
        """Moves when something else is waited for."""
        self._timed = -1
        """The stage that the timer runs for."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        if (bound := self.bound) is not None:
            surplus = len(self.connections) - bound.streams() - bound.most
            if surplus > SURPLUS:
                transport.abort()
            elif surplus > 0:
                self.app = bound.crowded
        self._time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._expect(0)
        self._time()

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is too much."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD and not self.transport.is_closing():
            if self._is_head and (self.cycle is None or self.cycle.response_complete):
                self.transport.write(TOO_LONG)
            self.transport.close()
        self._time()

    def on_message_begin(self) -> None:
        """Wait for a head."""
        super().on_message_begin()
        self._is_head, self._is_said = True, False
        self._expect(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """Say at once what is ready, else wait for a body."""
        self._is_said = self._say_at_once()
        if not self._is_said:
            super().on_headers_complete()
        self._is_head, self._unread = False, 0
        self._expect(BODY_SECONDS)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body: whoever asked for it limits the whole."""
        if not self._is_said:
            super().on_body(body)
        self._unread = 0

    def on_message_complete(self) -> None:
        """Wait for nothing; uvicorn itself closes a connection that stays idle then."""
        if not self._is_said:
            super().on_message_complete()
        self._unread = 0
        self._expect(0)

    def _say_at_once(self) -> bool:
        """Write an answer that is ready, past ASGI and without a task: half the cost. Nothing else may be under way."""
        if self.ready is None or self.app is not self.config.loaded_app or self.expect_100_continue:
            return False
        parser = self.parser
        if parser.get_method() != b"GET" or parser.get_http_version() != "1.1":
            return False
        if parser.should_upgrade() or not parser.should_keep_alive() or self.flow.write_paused:
            return False
        if self.transport.is_closing() or not (self.cycle is None or self.cycle.response_complete):
            return False
        url = httptools.parse_url(self.url)
        scope: Any = self.scope
        scope.update(method="GET", raw_path=url.path, query_string=url.query or b"")
        answer = self.ready(scope)
        if answer is None:
            return False
        changing = b"".join(b"%b: %b\r\n" % pair for pair in self.server_state.default_headers)
        self.transport.write(b"%b%b\r\n%b" % (answer[0], changing, answer[1]))
        self.on_response_complete()
        return True

    def _expect(self, seconds: float) -> None:
        self._seconds = seconds
        self._stage += 1

    def _time(self) -> None:
        """Let the timer run for what is waited for now. (A request that comes in one piece needs none.)"""
        if self._timed == self._stage:
            return
        self._timed = self._stage
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._seconds and not self.transport.is_closing():
            self._timer = self.loop.call_later(self._seconds, self.transport.close)
