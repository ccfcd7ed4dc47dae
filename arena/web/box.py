"""The running box, as a request finds it."""

from collections.abc import Callable
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from msgspec import Struct

from arena.core.clock import Days
from arena.core.config import Config, Place
from arena.core.db import Database
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


class Box(Struct, frozen=True):
    """What every handler may use: configuration, folder, database, days, live streams, and who asks."""

    config: Config
    place: Place
    secret: str
    db: Database
    days: Days
    live: Live
    identify: Callable[[Connection], Visitor | None]
    worker_runs: Callable[[], bool] = lambda: True
    """Whether the worker is alive."""
    memory: dict[str, Any] = {}
    """What a room keeps in memory for this box, under its own name."""

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
    box: Box = connection.app.state.box
    return box


def visitor_of(connection: Connection) -> Visitor | None:
    """Who is signed in, looked up once a request."""
    state = connection.scope["state"]
    if "visitor" not in state:
        state["visitor"] = box_of(connection).identify(connection)
    visitor: Visitor | None = state["visitor"]
    return visitor
