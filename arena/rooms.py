"""THE FLOOR PLAN: one line a room, lowest first. Only here are the rooms' schemas and routes opened."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from litestar import Request, Router
from litestar.types import ASGIApp
from msgspec import Struct
from sqlite_utils.migrations import Migrations

import arena.accounts.routes
import arena.accounts.schema
import arena.accounts.store
import arena.audit.schema
import arena.audit.store
import arena.budgets.routes
import arena.budgets.schema
import arena.chat.routes
import arena.chat.schema
import arena.deliveries.schema
import arena.home.routes
import arena.leaderboard.routes
import arena.leaderboard.schema
import arena.leaderboard.store
import arena.operations.routes
import arena.operations.schema
import arena.prices.schema
import arena.profiles.routes
import arena.projects.actions.figures
import arena.projects.routes
import arena.projects.schema
import arena.teams.routes
import arena.teams.schema
import arena.usage.routes
import arena.usage.schema
import arena.usage.store
from arena.core.config import Config
from arena.core.figures import Figure

Handler = Callable[[Request[Any, Any, Any]], Awaitable[ASGIApp]]
Sizes = Callable[[Any], dict[str, int]]
"""Counts on a connection."""
Figures = Callable[[Any, Config, str], Iterable[Figure]]
"""Told on a connection, with the configuration and today."""


class Room(Struct, frozen=True):
    """A room: its tables and doors, where it has them, and the doors so busy that they are opened without a router."""

    name: str
    migrations: Migrations | None = None
    router: Router | None = None
    hot: dict[str, Handler] = {}
    sizes: Sizes | None = None
    """How many rows its large tables have, as cheaply as that can be told."""
    figures: Figures | None = None
    """What it tells of itself to whatever collects figures."""


ROOMS = (
    Room("audit", arena.audit.schema.migrations, sizes=arena.audit.store.sizes),
    Room("deliveries", arena.deliveries.schema.migrations),
    Room(
        "accounts",
        arena.accounts.schema.migrations,
        arena.accounts.routes.router,
        sizes=arena.accounts.store.sizes,
    ),
    Room("teams", arena.teams.schema.migrations, arena.teams.routes.router),
    Room("prices", arena.prices.schema.migrations),
    Room("backups"),
    Room("operations", arena.operations.schema.migrations, arena.operations.routes.router),
    Room(
        "usage",
        arena.usage.schema.migrations,
        arena.usage.routes.router,
        arena.usage.routes.hot,
        arena.usage.store.sizes,
    ),
    Room("budgets", arena.budgets.schema.migrations, arena.budgets.routes.router),
    Room(
        "projects",
        arena.projects.schema.migrations,
        arena.projects.routes.router,
        figures=arena.projects.actions.figures.figures,
    ),
    Room(
        "leaderboard",
        arena.leaderboard.schema.migrations,
        arena.leaderboard.routes.router,
        sizes=arena.leaderboard.store.sizes,
    ),
    Room("chat", arena.chat.schema.migrations, arena.chat.routes.router),
    Room("profiles", None, arena.profiles.routes.router),
    Room("digests"),
    Room("home", None, arena.home.routes.router),
)


def sizes(conn: Any) -> dict[str, int]:
    """How many rows each room's large tables have, by table."""
    return {table: rows for room in ROOMS if room.sizes for table, rows in room.sizes(conn).items()}


def figures(conn: Any, config: Config, today: str) -> list[Figure]:
    """What the rooms tell of themselves."""
    return [figure for room in ROOMS if room.figures for figure in room.figures(conn, config, today)]


def schemas() -> list[Migrations]:
    """Every room's migrations, lowest room first."""
    return [room.migrations for room in ROOMS if room.migrations is not None]


def routers() -> list[Router]:
    """Every room's doors."""
    return [room.router for room in ROOMS if room.router is not None]


def hot_handlers() -> dict[str, Handler]:
    """The handlers of the busiest POST addresses, by path."""
    return {path: handler for room in ROOMS for path, handler in room.hot.items()}
