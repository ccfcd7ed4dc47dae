"""Day rows: one record a person, machine, day, tool and model that keeps its largest copy, and counts as no session."""

import json
import sqlite3
from functools import partial
from itertools import permutations
from typing import Any

import msgspec
import pytest

from arena.client import ccusage
from arena.core.clock import Days
from arena.core.db import Database
from arena.prices.actions import load
from arena.prices.models import Price, Table
from arena.usage import store
from arena.usage.actions.costs import reprice
from arena.usage.actions.records import record
from arena.usage.actions.recount import recount
from arena.usage.models import Outcome, Road
from arena.usage.rules.day_rows import day_reports
from tests.client.test_ccusage import REPORTS
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, PRICE, Send, a_record, a_report, counted, sums

ALICE = PEOPLE["alice"]
TODAY = "2026-11-20"


def a_row(date: str = TODAY, input: int = 100, output: int = 50, **fields: Any) -> dict[str, Any]:
    return {"date": date, "inputTokens": input, "outputTokens": output, **fields}


def model(name: str, input: int, output: int, **fields: Any) -> dict[str, Any]:
    return {"modelName": name, "inputTokens": input, "outputTokens": output, **fields}


@pytest.fixture
def put(db: Database) -> Any:
    """Send day rows of a machine as the door does; returns what became of them, and what was refused."""

    def write(*rows: Any, machine: str = "", zone: str = "UTC", now: int = NOW) -> tuple[Outcome, list[str]]:
        days = Days(zone)
        body = json.dumps({"entries": list(rows), "machine": machine}).encode()
        reports, problems = day_reports(body, now)
        outcome = db.write_sync(lambda conn: record(conn, ALICE, reports, Road.DAY_ROWS, days=days, now=now))
        return outcome, [each.reason for each in problems]

    return write


def by_tool(db: Database, day: str = TODAY) -> dict[str, int]:
    """What of a day counts, input and output tokens by tool."""
    row = db.read_sync(lambda conn: store.day(conn, ALICE, day))
    tools = json.loads(row.by_tool) if row else {}
    return {name: figures["input"] + figures["output"] for name, figures in tools.items()}


def test_a_row_counts_on_its_day_and_as_no_session(db: Database, put: Any) -> None:
    outcome, problems = put(a_row(cacheCreationTokens=7, cacheReadTokens=900, models=["claude-x"]))
    assert (outcome.stored, problems) == (1, [])
    found = sums(db)
    assert found["road_days"] == [(ALICE, TODAY, 1, Road.DAY_ROWS, 0, 0, 1, 100, 50, 7, 900, 1_346_250, 0)]
    assert found["daily_user_stats"][0][:7] == (ALICE, TODAY, 100, 50, 907, 1057, 0)
    assert counted(db) == (100, 50, 0)
    rows = db.read_sync(lambda conn: conn.execute("SELECT turn_count, first_at FROM sessions").fetchall())
    assert [tuple(row) for row in rows] == [(0, None)]


def test_nobody_knows_at_what_hour_or_in_which_session_it_was(db: Database, put: Any, send: Send) -> None:
    put(a_row(models=["claude-x"]))
    assert db.read_sync(lambda conn: store.instants_of_user(conn, ALICE)) == []
    assert db.read_sync(lambda conn: store.models_of_user(conn, ALICE)) == [("claude-x", 0, 150)]
    assert db.read_sync(lambda conn: store.last_sessions(conn, ALICE, 30)) == {}


def test_the_largest_copy_of_a_row_stays(db: Database, put: Any) -> None:
    put(a_row(output=50))
    assert put(a_row(output=80))[0].grown == 1
    assert put(a_row(output=20))[0].known == 1
    assert put(a_row(output=80))[0].known == 1
    assert counted(db) == (100, 80, 0)


def test_machines_add_up_and_never_overwrite(db: Database, put: Any) -> None:
    for machine in ("a", "b", "a", ""):
        put(a_row(), machine=machine)
    assert counted(db) == (300, 150, 0)


def test_the_figures_of_two_rows_of_one_day_are_never_added(db: Database, put: Any) -> None:
    put(a_row(output=50), a_row(output=70), a_row(output=60))
    assert counted(db) == (100, 70, 0)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"])
def test_a_row_stays_on_its_own_date_whatever_the_zone_is_or_was(db: Database, put: Any, zone: str) -> None:
    put(a_row("2026-11-19"), zone=zone)
    before = sums(db)
    for other in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"):
        db.write_sync(partial(recount, user_id=ALICE, days=Days(other), now=NOW))
        assert sums(db) == before
        assert put(a_row("2026-11-19"), zone=other)[0].known == 1
    assert [row[1] for row in sums(db)["daily_user_stats"]] == ["2026-11-19"]


def test_a_day_row_does_not_make_somebody_look_busy(db: Database, put: Any) -> None:
    put(a_row(), a_row("2026-11-21"))
    totals = db.read_sync(lambda conn: store.user_totals(conn, ALICE))
    assert totals is not None
    assert totals.last_activity_at == 0


# -- whose it is


def test_a_row_that_mixes_tools_is_split_by_what_its_models_tell(db: Database, put: Any) -> None:
    told = [model("claude-x", 50, 20), model("gpt-5", 30, 20), model("glm-4.6", 20, 10)]
    put(a_row(agents=["claude", "codex"], modelBreakdowns=told))
    assert by_tool(db) == {"claude-code": 70, "codex": 50, "unknown": 30}
    assert counted(db) == (100, 50, 0)


def test_a_model_that_two_tools_could_have_used_is_nobody_s(db: Database, put: Any) -> None:
    told = [model("claude-x", 50, 20), model("gpt-5", 50, 30)]
    put(a_row(agents=["claude", "opencode"], modelBreakdowns=told))
    assert by_tool(db) == {"opencode": 80, "unknown": 70}


@pytest.mark.parametrize(
    ("fields", "tool"),
    [
        ({"tool": "claude"}, "claude-code"),
        ({"tool": "claude-code"}, "claude-code"),
        ({"tool": "kimi"}, "kimi"),
        ({"tool": "a tool of tomorrow"}, "unknown"),
        ({"agents": ["codex"]}, "codex"),
        ({}, "claude-code"),
        ({"models": ["gpt-5-codex"]}, "codex"),
        ({"models": ["gemini-3-pro", "gemini-2.5-flash"]}, "claude-code"),
        ({"modelBreakdowns": [model("gemini-3-pro", 60, 50), model("gemini-2.5-flash", 40, 0)]}, "gemini"),
        ({"models": ["glm-4.6"]}, "claude-code"),
        ({"tool": "codex", "models": ["claude-x"]}, "codex"),
    ],
)
def test_whose_a_row_is(db: Database, put: Any, fields: dict[str, Any], tool: str) -> None:
    put(a_row(**fields))
    assert by_tool(db) == {tool: 150}


def test_what_the_models_leave_over_counts_too(db: Database, put: Any) -> None:
    put(a_row(tool="gemini", totalTokens=190, modelBreakdowns=[model("gemini-3-pro", 90, 45)]))
    assert counted(db) == (100, 90, 0)
    put(a_row(tool="gemini", totalTokens=190, modelBreakdowns=[model("gemini-3-pro", 90, 45)]))
    assert counted(db) == (100, 90, 0)


TELLINGS = (
    a_row(),
    a_row(models=["claude-x"]),
    a_row(tool="claude", modelBreakdowns=[model("claude-x", 60, 30), model("claude-y", 30, 15)]),
    a_row(tool="claude-code", modelBreakdowns=[model("claude-x", 60, 30), model("claude-y", 30, 15)]),
)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_day_told_whole_and_told_by_model_counts_once_in_any_order(
    db: Database, put: Any, order: tuple[int, ...]
) -> None:
    for number in order:
        put(TELLINGS[number])
    # By models it is 90 + 45 and a rest of 10 + 5; claude-x alone is known as large as 100 + 50.
    assert counted(db) == (140, 70, 0)
    whole = store.road_day
    assert db.read_sync(lambda conn: whole(conn, ALICE, TODAY))[1][Road.DAY_ROWS, 0].output == 70


MIXED_ROW = a_row(agents=["claude", "codex"], modelBreakdowns=[model("glm-4.6", 60, 30), model("claude-x", 40, 20)])
TOLD_ROW = a_row(tool="claude", modelBreakdowns=[model("glm-4.6", 60, 30), model("claude-x", 40, 20)])


@pytest.mark.parametrize("order", list(permutations((MIXED_ROW, TOLD_ROW, MIXED_ROW))))
def test_what_was_nobody_s_is_somebody_s_once_a_row_tells(db: Database, put: Any, order: Any) -> None:
    for row in order:
        put(row)
    assert by_tool(db) == {"claude-code": 150}
    before = sums(db)
    db.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert sums(db) == before


@pytest.mark.parametrize("first", ["rows", "transcripts"])
def test_what_is_nobody_s_does_not_count_beside_a_higher_road_of_any_tool(
    db: Database, put: Any, send: Send, first: str
) -> None:
    deeds = {"rows": lambda: put(MIXED_ROW), "transcripts": lambda: send(a_report(a_record(at=NOW)))}
    deeds.pop(first)()
    if first == "rows":
        assert by_tool(db) == {"claude-code": 60, "unknown": 90}
    for deed in deeds.values():
        deed()
    put(MIXED_ROW)
    send(a_report(a_record(at=NOW)))
    assert by_tool(db) == {"claude-code": 15}
    before = sums(db)
    db.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert sums(db) == before


def test_what_is_nobody_s_counts_again_when_the_higher_road_left_that_day(db: Database, put: Any, send: Send) -> None:
    put(MIXED_ROW)
    alone = by_tool(db)
    send(a_report(a_record("m1", at=NOW)))
    assert by_tool(db) == {"claude-code": 15}
    send(a_report(a_record("m1", at=NOW - DAY)))  # an earlier copy takes the record to the day before
    assert by_tool(db) == alone
    before = sums(db)
    db.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert sums(db) == before


# -- every version of ccusage


@pytest.mark.parametrize("order", list(permutations(["15.9.7-daily", "17.2.1-instances", "18.0.11-daily"])))
def test_versions_that_tell_the_same_days_count_them_once(db: Database, put: Any, order: tuple[str, ...]) -> None:
    for name in (*order, "20.0.24-claude-daily", *order):
        put(*entries(name))
    assert counted(db) == (235, 1210, 0)


@pytest.mark.parametrize("order", list(permutations(["18.0.11-daily", "20.0.24-agents", "20.0.24-daily"])))
def test_an_update_of_ccusage_doubles_nothing(db: Database, put: Any, order: tuple[str, ...]) -> None:
    for name in (*order, "20.0.24-codex-daily"):
        put(*entries(name))
    assert counted(db) == (1735, 1465, 0)
    assert by_tool(db, "2026-02-02") == {"claude-code": 938, "codex": 755}


def entries(name: str) -> list[Any]:
    rows = ccusage.rows((REPORTS / f"{name}.json").read_bytes())
    return [msgspec.to_builtins(row) for row in rows]


def test_a_mixed_report_counts_every_token_of_it(db: Database, put: Any) -> None:
    put(*entries("20.0.24-daily"))
    assert counted(db) == (1735, 1465, 0)
    assert by_tool(db, "2026-02-02") == {"claude-code": 838, "codex": 755, "unknown": 100}


# -- cost


def costs(db: Database) -> list[tuple[Any, ...]]:
    sql = "SELECT model, speed, cost, cost_recorded FROM usage_records ORDER BY model"
    return [tuple(row) for row in db.read_sync(lambda conn: conn.execute(sql).fetchall())]


def test_the_cost_that_ccusage_says_is_kept_beside_ours(db: Database, put: Any) -> None:
    put(a_row(modelBreakdowns=[model("claude-x", 90, 45, cost=0.5), model("claude-y", 10, 5, cost=0)]))
    assert costs(db) == [("claude-x", None, 945_000, 0.5), ("claude-y", None, None, None)]
    put(a_row(date="2026-11-19", totalCost=0.25, models=["claude-x"]))
    assert ("claude-x", None, 1_050_000, 0.25) in costs(db)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_fast_mode_costs_what_it_costs_and_is_not_counted_twice(db: Database, put: Any, order: tuple[int, ...]) -> None:
    price = PRICE.tiers["standard"]
    table = Table("fast", "2026-01-01", {"claude-z": Price({"standard": price}, fast=6.0)})
    db.write_sync(lambda conn: load(conn, table, digest="fast", now=NOW))
    rows = (
        a_row(modelBreakdowns=[model("claude-z", 100, 50, cost=0.4)]),
        a_row(modelBreakdowns=[model("claude-z-fast", 60, 30, cost=0.9), model("claude-z", 40, 20, cost=0.1)]),
        a_row("2026-11-19", modelBreakdowns=[model("claude-z-fast", 100, 50, cost=0.9)]),
    )
    for number in order:
        put(rows[number])
    assert counted(db) == (200, 100, 0)
    # Of the mixed day ccusage alone knows the cost; a day all fast is priced by the table.
    assert sorted(costs(db)) == [("claude-z", "fast", 6_300_000, 0.9), ("claude-z", "mixed", 1_000_000_000, 1.0)]
    db.write_sync(partial(reprice, user_id=ALICE, since="2000-01-01", days=Days("UTC"), now=NOW))
    assert ("claude-z", "mixed", 1_000_000_000, 1.0) in costs(db)


# -- anomalies


def test_a_day_s_sum_is_not_measured_by_sessions_nor_they_by_it(db: Database, put: Any, send: Send) -> None:
    for number in range(12):
        send(a_report(a_record(f"m{number}", at=NOW - 5 * DAY), session=f"s{number}"))
    put(*[a_row(f"2026-11-{day:02d}", 50_000, 50_000) for day in range(1, 12)])
    assert flags(db) == []
    send(a_report(a_record("big", input=1000, output=1000, at=NOW), session="big"))
    assert [reasons for (reasons,) in flags(db)] == ["size"]


def test_a_row_beyond_what_can_be_written_in_a_day_is_flagged(db: Database, put: Any) -> None:
    put(a_row(output=200_000_000))
    assert [reasons for (reasons,) in flags(db)] == ["day"]


def flags(db: Database) -> list[tuple[Any, ...]]:
    def read(conn: sqlite3.Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in conn.execute("SELECT reasons FROM anomalies ORDER BY session")]

    return db.read_sync(read)
