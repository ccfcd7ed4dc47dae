"""A data folder with all tables, and a way to run a command on it."""

from arena.core import sqlite  # noqa: F401  (first: it chooses the SQLite library)

# isort: split
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from msgspec import Struct

from arena import admin
from arena.accounts import rules
from arena.core import migrate
from arena.core.db import Database
from arena.rooms import schemas


class Outcome(Struct, frozen=True):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Cheap hashes, no configuration lying about, and an empty place to stand in."""
    monkeypatch.setattr(rules, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for name in ("ARENA_DATA", "ARENA_CONFIG", "ARENA_SERVER__URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "arena-data"
    folder.mkdir()
    migrate.migrate(folder / "arena.db", schemas())
    (folder / "address").write_text("http://arena.test:8000\n")
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*argv: str) -> Outcome:
        code = admin.main(list(argv))
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return command


@pytest.fixture
def db(data: Path) -> Iterator[Database]:
    opened = Database(data / "arena.db")
    yield opened
    opened.close_sync()
