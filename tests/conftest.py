"""The people and the box that all tests share: alice, bob and carol, and a real database file."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

from collections.abc import Iterator
from pathlib import Path

import pytest

from arena.accounts import store as accounts
from arena.core.clock import Days
from arena.core.db import Database
from arena.core.migrate import migrate
from arena.rooms import schemas
from tests.peers.swift import Swift

NOW = 1_795_176_000_000
"""2026-11-20 12:00:00 UTC, a Friday."""
JOINED = 1_760_000_000_000
PEOPLE = {name: f"0199c000-0000-7000-8000-00000000000{n}" for n, name in enumerate(("alice", "bob", "carol"), 1)}

assert sqlite.VERSION


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "arena.db"
    migrate(path, schemas())
    return path


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> Path:
    path = tmp_path / "arena.db"
    path.write_bytes(empty_database.read_bytes())
    return path


@pytest.fixture
def db(database: Path) -> Iterator[Database]:
    """A database with alice, bob and carol in it."""
    opened = Database(database)
    for number, (name, id) in enumerate(PEOPLE.items()):
        opened.write_sync(
            lambda conn, name=name, id=id, number=number: accounts.add_user(
                conn, id, name, name.title(), "member", None, JOINED + number
            )
        )
    yield opened
    opened.close_sync()


@pytest.fixture
def days() -> Days:
    return Days("UTC")


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """A server of object storage that speaks S3."""
    made = Swift(tmp_path_factory.mktemp("swift"))
    yield made
    made.close()
