"""Live streams: what was just stored, told to every open board (server-sent events).

Arrivals are gathered for a quarter of a second and encoded once for all streams.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
from msgspec import Struct

GATHER = 0.25
HEARTBEAT = 15.0
"""Seconds: proxies cut a stream that says nothing for longer (nginx: 60 s)."""
BACKLOG = 8
"""Messages a slow reader may be behind before it misses some; every message only says that the board moved."""


class Arrival(Struct, frozen=True, omit_defaults=True):
    """Somebody's tokens. A private person has no name here."""

    tokens: int
    name: str = ""


class Live:
    """Every open stream of this process."""

    def __init__(self) -> None:
        self._streams: set[asyncio.Queue[bytes | None]] = set()
        self._arrivals: list[Arrival] = []
        self._timer: asyncio.TimerHandle | None = None
        self._version = 0
        self._closed = False

    def tell(self, arrival: Arrival) -> None:
        """Let all boards know, soon."""
        if not self._streams:
            return
        self._arrivals.append(arrival)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self._send)

    def close(self) -> None:
        """End every stream, so that the box can stop."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for stream in self._streams:
            _offer(stream, None)

    async def stream(self, heartbeat: Callable[[], bytes]) -> AsyncIterator[bytes]:
        """One reader's stream: messages as they come; a heartbeat at once, and whenever nothing was said for long."""
        mine: asyncio.Queue[bytes | None] = asyncio.Queue(BACKLOG)
        self._streams.add(mine)
        try:
            yield heartbeat()
            while not self._closed:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        message = await mine.get()
                except TimeoutError:
                    message = heartbeat()
                if message is None:
                    return
                yield message
        finally:
            self._streams.discard(mine)

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def _send(self) -> None:
        self._timer = None
        self._version += 1
        arrivals, self._arrivals = self._arrivals, []
        message = event("record", {"version": self._version, "arrivals": arrivals[-50:]})
        for stream in self._streams:
            _offer(stream, message)


def event(name: str, data: object) -> bytes:
    """Encode one server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def _offer(stream: asyncio.Queue[bytes | None], message: bytes | None) -> None:
    if stream.full():
        stream.get_nowait()
    stream.put_nowait(message)
