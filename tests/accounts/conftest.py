"""People, a database with the tables of this room, and a small site with its doors."""

from arena.core import sqlite  # noqa: F401  (first: it chooses the SQLite library)

# isort: split
import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher
from litestar import Litestar, Request, get, post
from litestar.testing import TestClient

import arena.accounts.routes
import arena.accounts.schema
import arena.audit.schema
import arena.deliveries.schema
from arena.accounts import guards, rules
from arena.accounts.actions import keys, links, people, sessions
from arena.accounts.models import Person
from arena.audit.models import Caller
from arena.audit.rules import Tally
from arena.core import clock, migrate
from arena.core.config import Boards, Client, Config, Place
from arena.core.db import Database
from arena.core.keyring import Keyring
from arena.web.box import Box
from arena.web.errors import on_error
from arena.web.limits import Limits
from arena.web.live import Live

NOW = 1_795_000_000_000
HERE = Caller("192.0.2.7", "a browser")
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its lowest cost: the real one takes 120 ms each time."""
    monkeypatch.setattr(rules, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    file = tmp_path / "arena.db"
    rooms = (arena.audit.schema, arena.deliveries.schema, arena.accounts.schema)
    migrate.migrate(file, [room.migrations for room in rooms])
    made = Database(file)
    yield made
    made.close_sync()


class People:
    """Somebody when they are needed: `alice` runs the box, `bob` and `carol` are members."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def add(self, name: str, role: str = "member", password: str | None = PASSWORD) -> Person:
        hashed = rules.hash_password(password) if password else None
        deed = partial(people.add_user, name=name, role=role, password_hash=hashed, caller=HERE, now=NOW)
        return self.db.write_sync(deed)


@pytest.fixture
def crowd(db: Database) -> People:
    return People(db)


@pytest.fixture
def alice(crowd: People) -> Person:
    return crowd.add("alice", "admin")


@pytest.fixture
def bob(crowd: People) -> Person:
    return crowd.add("bob")


@pytest.fixture
def carol(crowd: People) -> Person:
    return crowd.add("carol")


@pytest.fixture
def events(db: Database) -> Callable[[], list[tuple[str, str | None, dict[str, Any]]]]:
    """What the security log holds: event, person, details."""

    def read(conn: sqlite3.Connection) -> list[tuple[str, str | None, dict[str, Any]]]:
        rows = conn.execute("SELECT event_type, user_id, details FROM security_audit_log ORDER BY rowid")
        return [(row[0], row[1], msgspec.json.decode(row[2])) for row in rows]

    return lambda: db.read_sync(read)


def wait(awaitable: Any) -> Any:
    """Run an action that takes its time."""
    return asyncio.run(awaitable)


def signing_in(db: Database, name: str, password: str = PASSWORD, **more: Any) -> Any:
    given = {"session_days": 30, "secret": "a" * 64, "tally": Tally(), "caller": HERE, "now": NOW, **more}
    return sessions.sign_in(db, name=name, password=password, **given)


def sign_in(db: Database, name: str, password: str = PASSWORD, **more: Any) -> Any:
    return wait(signing_in(db, name, password, **more))


def join(db: Database, token: str, **more: Any) -> Any:
    given = {"name": "bob", "display": "", "password": PASSWORD, "now": NOW, **more}
    return wait(links.join(db, token=token, session_days=30, caller=HERE, **given))


# -- a site


@get("/page", guards=[guards.signed_in])
async def page(request: Request[Any, Any, Any]) -> str:
    return guards.me(request).name


@get("/operator", guards=[guards.admin])
async def operator() -> str:
    return "the operator's"


@get("/board", guards=[guards.may_look])
async def board() -> str:
    return "the board"


@get("/api/v1/whoami")
async def whoami(request: Request[Any, Any, Any]) -> str:
    return guards.by_key(request).name


@post("/api/v1/signed", opt={"csrf": False})
async def signed(request: Request[Any, Any, Any]) -> str:
    return guards.signed(request, await request.body()).person.name


@post("/form", guards=[guards.signed_in])
async def form() -> str:
    return "taken"


@get("/threaded", sync_to_thread=True)
def threaded(request: Request[Any, Any, Any]) -> str:
    return guards.me(request).name


class Site:
    """A browser, or a program, in front of a site of this room alone."""

    def __init__(self, client: TestClient[Litestar], db: Database) -> None:
        self.client = client
        self.db = db

    def csrf(self, address: str) -> str:
        """The token in the form of a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.client.get(address).text)
        assert found, address
        return found[1]

    def sign_in(self, name: str, password: str = PASSWORD, next: str = "/") -> Any:
        data = {"csrf": self.csrf("/sign-in"), "name": name, "password": password, "next": next}
        return self.client.post("/sign-in", data=data, follow_redirects=False)

    def make_key(self, person: Person) -> str:
        deed = partial(keys.make_key, user_id=person.id, caller=HERE, now=clock.now())
        return self.db.write_sync(deed)


@asynccontextmanager
async def opened(app: Litestar) -> AsyncIterator[None]:
    await app.state.box.db.open()
    yield
    await app.state.box.db.close()


def build() -> Litestar:
    """The site's doors, before there is a box behind them."""
    return Litestar(
        route_handlers=[arena.accounts.routes.router, page, operator, board, whoami, signed, form, threaded],
        exception_handlers={
            guards.SignInFirst: guards.ask_to_sign_in,
            guards.SignInAgain: guards.ask_again,
            guards.ShutOut: guards.say_why,
            Exception: on_error,
        },
        before_request=guards.own_form,
        lifespan=[opened],
        openapi_config=None,
        logging_config=None,
    )


def serve(db: Database, data: Path, config: Config, app: Litestar | None = None) -> Iterator[Site]:
    app = app or build()
    app.state.box = Box(
        config=config,
        place=Place(data),
        keyring=Keyring(data / "secret", clock.now),
        db=Database(db.path),  # as the process of a box has one beside ours
        days=clock.Days("UTC"),
        live=Live(),
        limits=Limits(config.limits),
        identify=guards.identify,
    )
    with TestClient(app, base_url="http://arena.test") as client:
        yield Site(client, db)


@pytest.fixture
def site(db: Database, tmp_path: Path) -> Iterator[Site]:
    yield from serve(db, tmp_path, Config())


@pytest.fixture
def closed_site(db: Database, tmp_path: Path) -> Iterator[Site]:
    """A site that shows its boards only to those who are signed in, and takes no client older than 1.2.0."""
    yield from serve(db, tmp_path, Config(boards=Boards(visible="signed-in"), client=Client(oldest="1.2.0")))
