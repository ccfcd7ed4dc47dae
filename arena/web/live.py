"""Live streams: what was just stored, told to every open board (server-sent events).

Arrivals are gathered for a quarter of a second and encoded once for all streams, when they leave: who may be named is
asked then, so that a name that was hidden meanwhile is in no message, however slow its reader.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import chain

import msgspec
from msgspec import Struct

from arena.core.errors import TooMany, Unavailable

GATHER = 0.25
LOOK = 0.25
"""Seconds between two looks at whether anything was stored."""
HEARTBEAT = 15.0
"""Seconds: proxies cut a stream that says nothing for longer (nginx: 60 s)."""
BACKLOG = 8
"""Messages a slow reader may be behind before it misses some; every message only says that the board moved."""
STREAMS = 5_000
STREAMS_OF_PERSON = 20
"""A tab that is hidden has none."""
STREAMS_OF_ADDRESS = 600
"""Of strangers: an office, or a proxy that is not among the trusted ones, may well be one address."""


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
        self._streams: dict[str, set[asyncio.Queue[_News | None]]] = {}
        self._arrivals: list[Arrival] = []
        self._timer: asyncio.TimerHandle | None = None
        self._version = 0
        self._turn, self._turn_version = -1.0, 0
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
        for stream in self._all():
            _offer(stream, None)

    def refuse(self, who: str, *, is_known: bool) -> None:
        """Raise `TooMany` if a person or an address has as many streams as may be, `Unavailable` if all have."""
        if len(self._streams.get(who, ())) >= (STREAMS_OF_PERSON if is_known else STREAMS_OF_ADDRESS):
            raise TooMany("As many live boards as may be are open from here. Close one, and open this again.")
        if self.readers >= STREAMS:
            raise Unavailable("As many live boards as may be are open. Boards work without; reload to see what is new.")

    async def stream(
        self, heartbeat: Callable[[], bytes], who: str = "", may: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[bytes]:
        """One reader's stream: messages as they come; a heartbeat at once, and whenever nothing was said for long.

        ``who`` it is counted for; ``may`` says before each message whether its reader may still have it, else it ends.
        """
        with self._counted(who) as mine:
            yield heartbeat()
            while not self._closed and (say := await self._next(mine, heartbeat)) is not None and may():
                yield say()

    async def follow(
        self, look: Callable[[], Awaitable[tuple[bytes, bool]]], who: str, may: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """One reader's stream of something that gets on by itself, in whatever process.

        ``look`` says how it stands, and whether that is the end; it is asked whenever something was stored, and told
        on when it says something else. ``who`` and ``may`` are as for `stream`.
        """
        with self._counted(who):
            told, seen, said_at, is_over = b"", -1, time.monotonic(), False
            while not self._closed and not is_over:
                news = b""
                if (version := self._db_version()) != seen:
                    seen = version
                    message, is_over = await look()
                    news = message if message != told else b""
                if not news and time.monotonic() - said_at >= HEARTBEAT:
                    news = b":\n\n"
                if news:
                    if not may():
                        return
                    told, said_at = news if news[:1] != b":" else told, time.monotonic()
                    yield news
                elif not is_over:
                    await asyncio.sleep(LOOK)

    @contextmanager
    def _counted(self, who: str) -> Iterator[asyncio.Queue[_News | None]]:
        """An open stream of somebody's."""
        mine: asyncio.Queue[_News | None] = asyncio.Queue(BACKLOG)
        self._streams.setdefault(who, set()).add(mine)
        try:
            yield mine
        finally:
            theirs = self._streams[who]
            theirs.discard(mine)
            if not theirs:
                del self._streams[who]

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return sum(map(len, self._streams.values()))

    async def _next(
        self, mine: asyncio.Queue[_News | None], heartbeat: Callable[[], bytes]
    ) -> Callable[[], bytes] | None:
        """What a stream says next, to be made at the very moment; None at its end."""
        try:
            async with asyncio.timeout(HEARTBEAT):
                news = await mine.get()
        except TimeoutError:
            return heartbeat
        return (lambda: news.encode(self._as_of(), self._name_of)) if news is not None else None

    def _as_of(self) -> int:
        """The version of the database, looked up once a turn of the loop, in which all streams are told the same."""
        now = asyncio.get_running_loop().time()
        if now != self._turn:
            self._turn, self._turn_version = now, self._db_version()
        return self._turn_version

    def _send(self) -> None:
        self._timer = None
        self._version += 1
        arrivals, self._arrivals = self._arrivals, []
        news = _News(self._version, arrivals[-50:])
        for stream in self._all():
            _offer(stream, news)

    def _all(self) -> list[asyncio.Queue[_News | None]]:
        return list(chain.from_iterable(self._streams.values()))


def event(name: str, data: object) -> bytes:
    """Encode one server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def _offer(stream: asyncio.Queue[_News | None], news: _News | None) -> None:
    if stream.full():
        stream.get_nowait()
    stream.put_nowait(news)
