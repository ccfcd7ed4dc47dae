"""What records cost: by the table of their day, in every sum, and priced again without touching what stays."""

import sqlite3

import msgspec
import pytest

from arena.core.clock import Days
from arena.core.db import Database
from arena.prices.actions import load
from arena.prices.models import Price, Rates, Table
from arena.usage import store
from arena.usage.actions.costs import apply_prices, check_prices, reprice
from arena.usage.actions.recount import recount
from arena.usage.models import Road
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, Send, a_record, a_report, sums

ALICE = PEOPLE["alice"]


def costs(db: Database, what: str = "cost, price_version") -> list[tuple]:
    sql = f"SELECT {what} FROM usage_records ORDER BY at, key"
    return [tuple(row) for row in db.read_sync(lambda conn: conn.execute(sql).fetchall())]


def total(db: Database) -> tuple[int, int]:
    """Of alice, of all time: billionths of a dollar, and records without a cost."""
    found = db.read_sync(lambda conn: store.user_totals(conn, ALICE))
    return (found.total_cost, found.total_unpriced) if found else (0, 0)


def take_over(db: Database, as_of: str, **dollars: float) -> None:
    prices = {
        model.replace("_", "-"): Price({"standard": Rates(each, each, each, each, each)})
        for model, each in dollars.items()
    }
    table = Table("a test", as_of, prices)
    db.write_sync(lambda conn: load(conn, table, digest=msgspec.json.encode(table).hex(), now=NOW))


def test_a_cost_is_known_with_its_version(db: Database, send: Send) -> None:
    send(a_report(a_record(input=1_000, output=1_000)))
    assert costs(db) == [(18_000_000, 1)]
    assert total(db) == (18_000_000, 0)


def test_an_unknown_model_costs_nothing_that_is_known(db: Database, send: Send) -> None:
    send(a_report(a_record("m1", model="nobody-knows"), a_record("m2")))
    assert sorted(costs(db), key=str) == [(105_000, 1), (None, None)]
    assert total(db) == (105_000, 1)
    assert db.read_sync(store.unpriced_models) == [("nobody-knows", 1, 15, "2026-11-20")]


def test_a_record_without_tokens_lacks_no_price(db: Database, send: Send) -> None:
    send(a_report(a_record(model="<synthetic>", input=0, output=0)))
    assert total(db) == (0, 0)
    assert db.read_sync(store.unpriced_models) == []


def test_a_growing_record_costs_what_it_has_become(db: Database, send: Send) -> None:
    for output in (1, 1_000, 10):
        send(a_report(a_record(input=0, output=output)))
    assert total(db) == (15_000_000, 0)


def test_only_single_requests_know_long_prompts(db: Database, send: Send) -> None:
    send(a_report(a_record("m1", input=200_001, output=0)))
    lone = a_record("session-api:x", "", at=NOW - 3 * DAY, input=200_001, output=0)
    send(a_report(lone, session="x"), road=Road.SESSION_API)
    assert [cost for cost, _ in costs(db)] == [200_001 * 3_000, 200_001 * 6_000]


def test_where_a_tool_keeps_no_tokens_its_own_cost_stands(db: Database, send: Send) -> None:
    send(
        a_report(
            a_record("m1", input=0, output=0, tokens_known=False, cost_recorded=0.25),
            a_record("m2", input=0, output=0, tokens_known=False),
            tool="crush",
        )
    )
    assert sorted(costs(db), key=str) == [(250_000_000, None), (None, None)]
    assert total(db) == (250_000_000, 1)


def test_the_tools_own_cost_is_kept_beside_ours(db: Database, send: Send) -> None:
    send(a_report(a_record(input=1_000, output=0, cost_recorded=99.0)))
    assert costs(db, "cost, cost_recorded") == [(3_000_000, 99.0)]


def test_new_prices_touch_only_what_they_should(db: Database, send: Send, days: Days) -> None:
    send(
        a_report(
            a_record("before", at=NOW - 10 * DAY),
            a_record("after", at=NOW - 2 * DAY),
            a_record("unknown", at=NOW - 20 * DAY, model="nobody-knows"),
            a_record("other", at=NOW - 2 * DAY, model="still-unknown"),
        )
    )
    take_over(db, "2026-11-15", claude_x=1, nobody_knows=2)
    moved = db.write_sync(lambda conn: reprice(conn, ALICE, since="2026-11-15", days=days, now=NOW))
    assert moved == 2
    by_model = dict(costs(db, "at, cost"))
    assert by_model[NOW - 10 * DAY] == 105_000
    assert by_model[NOW - 20 * DAY] == 30_000
    assert total(db) == (105_000 + 15_000 + 30_000, 1)
    before = sums(db)
    assert db.write_sync(lambda conn: reprice(conn, ALICE, since="2026-11-15", days=days, now=NOW)) == 0
    db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
    assert sums(db) == before


@pytest.mark.parametrize("model", ["claude-x", "nobody-knows"])
def test_a_copy_from_elsewhere_keeps_the_cost(db: Database, send: Send, model: str) -> None:
    send(a_report(a_record(model=model), session="s1"))
    before = total(db)
    send(a_report(a_record(model=model), session="s2"), road=Road.TELEMETRY)
    assert total(db) == before


def test_what_was_there_before_prices_were_is_priced(db: Database, send: Send, days: Days) -> None:
    send(a_report(a_record("m1"), a_record("m2", model="nobody-knows")))
    right = sums(db)
    db.write_sync(_as_before_costs)
    assert total(db) == (0, 0)
    apply_prices(db, days=days, now=NOW)
    assert sums(db) == right
    assert apply_prices(db, days=days, now=NOW) == 0


def test_new_prices_reach_everybody_once_and_whoever_was_left_out_by_a_crash(
    db: Database, send: Send, days: Days
) -> None:
    for person in ("alice", "bob"):
        send(a_report(a_record(model="nobody-knows")), person=person)
    apply_prices(db, days=days, now=NOW)
    take_over(db, "2026-11-15", nobody_knows=2)
    db.write_sync(lambda conn: reprice(conn, ALICE, since="2026-11-15", days=days, now=NOW))  # and then it was killed
    assert apply_prices(db, days=days, now=NOW) == 1
    assert costs(db, "cost, price_version") == [(30_000, 2), (30_000, 2)]
    assert apply_prices(db, days=days, now=NOW) == 0


def test_the_nightly_look_names_what_has_no_price_until_it_has_one(db: Database, send: Send, days: Days) -> None:
    send(a_report(a_record("m1", model="nobody-knows"), a_record("m2")))
    apply_prices(db, days=days, now=NOW)
    assert check_prices(db, days=days, now=NOW) == (0, ["nobody-knows"])
    take_over(db, "2026-11-15", nobody_knows=2)
    assert check_prices(db, days=days, now=NOW) == (1, [])


def _as_before_costs(conn: sqlite3.Connection) -> None:
    conn.execute("UPDATE usage_records SET cost = NULL, price_version = NULL")
    for table in ("road_days", "token_usage", "daily_user_stats", "daily_tool_stats"):
        conn.execute(f"UPDATE {table} SET cost = 0, unpriced = 0")
    for table in ("user_stats", "user_tool_stats"):
        conn.execute(f"UPDATE {table} SET total_cost = 0, total_unpriced = 0")
