"""Live streams: what was just stored, told to every open board (server-sent events).

Arrivals are gathered for a quarter of a second and encoded once for all streams, when they leave: who may be named is
asked then, so that a name that was hidden meanwhile is in no message, however slow its reader.
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


class Arrival(Struct, frozen=True):
    """Somebody's tokens, and the id by which their name is looked up."""

    tokens: int
    who: str


class _Told(Struct, frozen=True, omit_defaults=True):
    """An arrival as readers get it. Somebody private has no name in it."""

    tokens: int
    name: str = ""


class _News:
    """A message that waits in streams, encoded anew only if something was committed since it last left."""

    def __init__(self, number: int, arrivals: list[Arrival]) -> None:
        self._number = number
        self._arrivals = arrivals
        self._as_of = -1
        self._encoded = b""

    def encode(self, as_of: int, name_of: Callable[[str], str]) -> bytes:
        if as_of != self._as_of:
            names = {who: name_of(who) for who in {each.who for each in self._arrivals}}
            told = [_Told(each.tokens, names[each.who]) for each in self._arrivals]
            self._encoded = event("record", {"version": self._number, "arrivals": told})
            self._as_of = as_of
        return self._encoded


class Live:
    """Every open stream of this process.

    ``name_of`` gives the name by which everybody may know the person of an id, empty if there is none; ``version`` a
    number that moves whenever that may have changed.
    """

    def __init__(self, version: Callable[[], int] = lambda: 0, name_of: Callable[[str], str] = lambda _: "") -> None:
        self._db_version = version
        self._name_of = name_of
        self._streams: set[asyncio.Queue[_News | None]] = set()
        self._arrivals: list[Arrival] = []
        self._timer: asyncio.TimerHandle | None = None
        self._version = 0
        self._closed = False

    def tell(self, arrival: Arrival | None = None) -> None:
        """Let all boards know, soon: that somebody's tokens arrived, or only that they should look again."""
        if not self._streams:
            return
        if arrival is not None:
            self._arrivals.append(arrival)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self._send)

    @property
    def is_closed(self) -> bool:
        """Whether the box is about to stop."""
        return self._closed

    def close(self) -> None:
        """End every stream, so that the box can stop."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for stream in self._streams:
            _offer(stream, None)

    async def stream(self, heartbeat: Callable[[], bytes]) -> AsyncIterator[bytes]:
        """One reader's stream: messages as they come; a heartbeat at once, and whenever nothing was said for long."""
        mine: asyncio.Queue[_News | None] = asyncio.Queue(BACKLOG)
        self._streams.add(mine)
        try:
            yield heartbeat()
            while not self._closed:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        news = await mine.get()
                except TimeoutError:
                    yield heartbeat()
                    continue
                if news is None:
                    return
                yield news.encode(self._db_version(), self._name_of)
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
        news = _News(self._version, arrivals[-50:])
        for stream in self._streams:
            _offer(stream, news)


def event(name: str, data: object) -> bytes:
    """Encode one server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def _offer(stream: asyncio.Queue[_News | None], news: _News | None) -> None:
    if stream.full():
        stream.get_nowait()
    stream.put_nowait(news)
