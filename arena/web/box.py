"""The running box, as a request finds it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from litestar import Request
from litestar.connection import ASGIConnection
from msgspec import Struct, field

from arena.core.addresses import plain
from arena.core.clock import Days
from arena.core.config import Config, Place
from arena.core.db import Database
from arena.core.errors import Invalid, TooLarge
from arena.core.figures import Figure
from arena.core.keyring import Keyring
from arena.core.letters import Letterhead, letterhead
from arena.core.work import Job
from arena.web.counts import Counts
from arena.web.limits import Limits
from arena.web.live import Live

Connection = ASGIConnection[Any, Any, Any, Any]


class Visitor(Protocol):
    """Whoever is signed in, as far as pages need to know."""

    @property
    def id(self) -> str:
        """Their user id."""

    @property
    def name(self) -> str:
        """Their user name."""

    @property
    def display(self) -> str:
        """The name that is shown."""

    @property
    def is_admin(self) -> bool:
        """Whether they run this box."""


async def _nobody(_: str) -> None:
    """Where no worker is."""


class Box(Struct, frozen=True):
    """What every handler may use: configuration, folder, database, days, live streams, limits, and who asks."""

    config: Config
    place: Place
    keyring: Keyring
    db: Database
    days: Days
    live: Live
    limits: Limits
    identify: Callable[[Connection], Visitor | None]
    worker_runs: Callable[[], bool] = lambda: True
    """Whether the worker is alive."""
    sizes: Callable[[Any], dict[str, int]] = lambda _: {}
    """How many rows the large tables have, told by the rooms that they belong to."""
    passed: Callable[[Any, str], int] = lambda *_: 0
    """How many projects of a person passed, told on a connection by the room that judges them."""
    jobs: tuple[Job, ...] = ()
    """The timetable of the worker."""
    wake: Callable[[str], Awaitable[None]] = _nobody
    """Have the worker run a job now. If that is lost, it runs it by itself when its time comes."""
    figures: Callable[[Any, Config, str], list[Figure]] = lambda *_: []
    """What the rooms tell of themselves to whatever collects figures, on a connection, today."""
    counts: Counts = field(default_factory=Counts)
    memory: dict[str, Any] = {}
    """What a room keeps in memory for this box, under its own name."""

    @property
    def secret(self) -> str:
        """The secret that signs now; only `arena.web.session` may need older ones."""
        return self.keyring.newest

    @property
    def letterhead(self) -> Letterhead:
        """Whom the mail of this box is from."""
        return letterhead(self.config, self.place)

    @property
    def address(self) -> str:
        """The address that links are made with, without a slash at its end."""
        return self.place.reached_at(self.config.server)

    @property
    def is_tls(self) -> bool:
        """Whether visitors come over https."""
        return self.address.startswith("https://")


def box_of(connection: Connection) -> Box:
    """The box that serves this request."""
    box: Box = connection.app.state["box"]
    return box


def visitor_of(connection: Connection) -> Visitor | None:
    """Who is signed in, looked up once a request."""
    state = connection.scope["state"]
    if "visitor" not in state:
        state["visitor"] = box_of(connection).identify(connection)
    visitor: Visitor | None = state["visitor"]
    return visitor


def address_of(scope: Any) -> str | None:
    """The address that a request came from; of one that a trusted proxy passed on, the address it names.

    (The server puts it there: see `Serving` in `arena.serve`.) Nothing else reads X-Forwarded-For.
    """
    client = scope.get("client")
    return plain(client[0]) if client else None


def header(connection: Connection, name: bytes) -> str:
    """A request's header by its lower-case name, or an empty text. (Much cheaper than building Litestar's mapping.)"""
    state = connection.scope["state"]
    if "headers" not in state:
        state["headers"] = dict(reversed(list(connection.scope["headers"])))  # of two by one name the first
    found: bytes | None = state["headers"].get(name)
    return "" if found is None else found.decode("latin-1")


async def body_of(request: Request[Any, Any, Any], limit: int) -> bytes:
    """The raw body of a request. Raises `TooLarge` as soon as it is longer than ``limit`` bytes."""
    parts: list[bytes] = []
    length = 0
    while True:
        message = await request.receive()
        if message["type"] != "http.request":
            raise Invalid("The request ended in the middle.")
        part: bytes = message.get("body", b"")
        length += len(part)
        if length > limit:
            raise TooLarge(f"The request is larger than {limit // 2**20} MiB; send it in parts.")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
