"""Loading tables: what a model cost on a day stays what it cost."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from arena.core.db import Database
from arena.core.migrate import migrate
from arena.prices import actions, store
from arena.prices.models import Price, Rates, Table, Used
from arena.rooms import schemas

USED = Used(input=1_000_000, output=0, cache_write_5m=0, cache_write_1h=0, cache_read=0)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    migrate(tmp_path / "arena.db", schemas())
    made = Database(tmp_path / "arena.db")
    yield made
    made.close_sync()


def table(as_of: str, **dollars: float) -> Table:
    rates = {model: Rates(each, 5 * each, each, each, each / 10) for model, each in dollars.items()}
    return Table("a test", as_of, {model: Price({"standard": each}) for model, each in rates.items()})


def load(db: Database, made: Table) -> actions.Change:
    digest = str(hash(msgspec.json.encode(made)))
    return db.write_sync(lambda conn: actions.load(conn, made, digest=digest, now=1))


def dollars(db: Database, model: str, day: str) -> float | None:
    cost = db.read_sync(lambda conn: actions.current(conn).cost(model, USED, day))
    return cost.nanodollars / 1e9 if cost else None


def test_a_first_table_holds_from_the_beginning(db: Database) -> None:
    assert load(db, table("2026-01-01", alpha=3)).new == ("alpha",)
    assert dollars(db, "alpha", "2020-01-01") == 3
    assert dollars(db, "beta", "2026-01-01") is None


def test_a_changed_price_holds_from_its_day_and_earlier_days_keep_theirs(db: Database) -> None:
    load(db, table("2026-01-01", alpha=3, beta=1))
    change = load(db, table("2026-06-01", alpha=2, gamma=9))
    assert (change.version, change.new, change.moved, change.as_of) == (2, ("gamma",), ("alpha",), "2026-06-01")
    assert dollars(db, "alpha", "2026-05-31") == 3
    assert dollars(db, "alpha", "2026-06-01") == 2
    assert dollars(db, "beta", "2026-06-01") == 1, "a model that the table leaves out keeps its price"
    assert dollars(db, "gamma", "2020-01-01") == 9


def test_the_same_table_twice_changes_nothing(db: Database) -> None:
    load(db, table("2026-01-01", alpha=3))
    assert load(db, table("2026-01-01", alpha=3)).version is None
    assert len(db.read_sync(store.versions)) == 1


def test_two_changes_of_one_day_leave_the_later(db: Database) -> None:
    for price in (3, 2, 4):
        load(db, table("2026-06-01", alpha=price))
    assert dollars(db, "alpha", "2026-06-01") == 4
    assert dollars(db, "alpha", "2026-05-31") == 3


def test_the_table_that_ships_knows_the_models_of_every_tool_and_is_loaded_once(db: Database) -> None:
    first = db.write_sync(lambda conn: actions.load_shipped(conn, now=1))
    assert len(first.new) > 1_000
    assert db.write_sync(lambda conn: actions.load_shipped(conn, now=2)).version is None
    for model in (
        *("claude-opus-4-8", "claude-sonnet-4-5-20250929", "claude-3-5-haiku-20241022", "claude-sonnet-4-20250514"),
        *("gpt-5-codex", "gpt-5.2-codex", "gpt-5.3-codex", "o3", "gpt-4.1"),
        *("gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro-preview"),
        *("qwen3-coder-plus", "kimi-k2.6", "glm-4.6", "grok-code-fast-1", "deepseek-v3.2"),
    ):
        assert dollars(db, model, "2026-11-20"), model
