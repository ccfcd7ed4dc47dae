"""The table of usage for whoever pays: told apart by whatever is asked, whole to the last digit."""

import csv
import json
import sqlite3
from functools import partial
from itertools import combinations

import pytest

from arena.audit.models import OPERATOR
from arena.core.clock import Days
from arena.core.db import Database
from arena.core.spreadsheet import line_of_csv
from arena.teams import actions as teams
from arena.usage import store
from arena.usage.actions import bill
from arena.usage.actions.anomalies import judge
from arena.usage.models import TOOLS, Bill, BillRow, Road, Totals
from arena.usage.rules.bill import BY, FIGURES, OF_RECORDS, Sheet, cells_of, chosen, dollars, line_of_json, problems
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, HOUR, Send, a_record, a_report

EVER = ("0001-01-01", "9999-12-31")
EVERY_WAY = [by for length in range(1, len(BY) + 1) for by in combinations(BY, length)]


def table(db: Database, *by: str, since: str = EVER[0], until: str = EVER[1], **who: str) -> list[BillRow]:
    asked, sheet = Bill(since, until, by=by, **who), Sheet(by)
    rows: list[BillRow] = []
    for payer in db.read_sync(partial(bill.payers, asked=asked)):
        rows += sheet.take(payer, db.read_sync(partial(bill.used, payer=payer, asked=asked)))
    return rows + sheet.rest()


def lines(db: Database, *by: str, **who: str) -> str:
    return "".join(map(line_of_csv, [(*by, *FIGURES), *map(cells_of, table(db, *by, **who))]))


def whole(rows: list[BillRow]) -> Totals:
    found = Totals()
    for row in rows:
        found.add(row.totals)
    return found


def boards(db: Database) -> tuple[int, ...]:
    """What the sums behind the boards hold: input, output, cache, sessions, cost, records without a price."""
    sums = ("input_tokens", "output_tokens", "cache_tokens", "session_count", "cost", "unpriced")
    sql = f"SELECT {', '.join(f'SUM({name})' for name in sums)} FROM daily_user_stats"
    return tuple(db.read_sync(lambda conn: conn.execute(sql).fetchone()))


def as_boards_say(found: Totals) -> tuple[int, ...]:
    cache = found.cache_write + found.cache_read
    return (found.input, found.output, cache, found.sessions, found.cost, found.unpriced)


@pytest.fixture
def used(db: Database, days: Days, send: Send) -> None:
    """Several people, tools, projects, days, models and roads; a session left out, and usage that does not count."""
    db.write_sync(lambda conn: teams.create_team(conn, name="=Data", caller=OPERATOR, now=NOW))
    db.write_sync(lambda conn: teams.assign(conn, name="alice", slug="data", caller=OPERATOR, now=NOW))
    send(
        a_report(a_record("m1", at=NOW - DAY), a_record("m2", model="nobody-knows"), project="a" * 16),
        a_report(a_record("m3", at=NOW - 40 * DAY, cache_read=7, cache_write_5m=3), session="s2", project="b" * 16),
        a_report(a_record("m4", input=1_000_001), session="s3", tool="codex", project="b" * 16),
    )
    send(a_report(a_record("m5"), session="x1", project="c" * 16), person="bob")
    send(a_report(a_record("m6"), session="x2"), person="bob", road=Road.SESSION_API)
    send(a_report(a_record("m7", input=5_000), session="y1", tool="gemini"), person="carol", road=Road.DAY_ROWS)
    send(a_report(a_record("m8", output=9_000_000), session="y2", project="d" * 16), person="carol")
    flagged = db.read_sync(lambda conn: store.flagged_sessions(conn, "open", 10, 0))
    assert {each.name for each in flagged} >= {"carol"}
    session = next(each.id for each in flagged if each.name == "carol")
    out = partial(judge, session_id=session, verdict="exclude", days=days, caller=OPERATOR, now=NOW, by=PEOPLE["alice"])
    db.write_sync(out)


@pytest.mark.usefixtures("used")
def test_however_it_is_told_apart_it_adds_up_to_what_boards_count(db: Database) -> None:
    assert boards(db)[0] > 1_000_000
    for by in EVERY_WAY:
        rows = table(db, *by)
        assert as_boards_say(whole(rows)) == boards(db), by
        assert len({row.cells for row in rows}) == len(rows), by


@pytest.mark.usefixtures("used")
def test_the_table_is_as_it_should_be(db: Database) -> None:
    assert lines(db, *BY) == (
        "day,person,team,project,tool,model,input_tokens,output_tokens,cache_write_tokens,cache_read_tokens,"
        "total_tokens,sessions,records,cost_usd,records_without_price\r\n"
        "2026-10-11,alice,'=Data,bbbbbbbbbbbbbbbb,claude-code,claude-x,10,5,3,7,25,1,1,0.000118350,0\r\n"
        "2026-11-19,alice,'=Data,aaaaaaaaaaaaaaaa,claude-code,claude-x,10,5,0,0,15,0,1,0.000105000,0\r\n"
        "2026-11-19,alice,'=Data,aaaaaaaaaaaaaaaa,claude-code,nobody-knows,0,0,0,0,0,1,0,0.000000000,0\r\n"
        "2026-11-20,alice,'=Data,aaaaaaaaaaaaaaaa,claude-code,nobody-knows,10,5,0,0,15,0,1,,1\r\n"
        "2026-11-20,alice,'=Data,bbbbbbbbbbbbbbbb,codex,claude-x,1000001,5,0,0,1000006,1,1,6.000156000,0\r\n"
        "2026-11-20,bob,,cccccccccccccccc,claude-code,claude-x,10,5,0,0,15,1,1,0.000105000,0\r\n"
        "2026-11-20,carol,,,gemini,claude-x,5000,5,0,0,5005,0,1,0.015075000,0\r\n"
    )


@pytest.mark.usefixtures("used")
def test_days_people_and_teams_narrow_it(db: Database) -> None:
    assert [row.cells for row in table(db, "day", since="2026-11-19", until="2026-11-19")] == [("2026-11-19",)]
    assert {row.cells for row in table(db, "person", person="bob")} == {("bob",)}
    assert {row.cells for row in table(db, "person", team="data")} == {("alice",)}
    assert table(db, "person", team="nothing") == table(db, "person", person="nobody") == []
    assert table(db, "person", since="2027-01-01") == []


@pytest.mark.usefixtures("used")
def test_where_detail_is_missing_the_sums_stay_whole_and_say_so(db: Database) -> None:
    def forget(conn: sqlite3.Connection) -> None:
        conn.execute("DELETE FROM usage_records WHERE day < '2026-11-20'")
        conn.execute("DELETE FROM sessions WHERE day < '2026-11-20'")

    db.write_sync(forget)
    for by in EVERY_WAY:
        rows = table(db, *by)
        assert as_boards_say(whole(rows)) == boards(db), by
        gone = {row.cells[by.index(name)] for row in rows for name in OF_RECORDS & set(by)}
        assert (None in gone) == bool(OF_RECORDS & set(by)), by
    assert "2026-11-19,unknown,10,5,0,0,15,1,1,0.000105000,0\r\n" in lines(db, "day", "model")


@pytest.mark.usefixtures("used")
def test_programs_read_the_same_with_numbers_and_an_exact_cost(db: Database) -> None:
    rows = [json.loads(line_of_json(("person", "model"), row)) for row in table(db, "person", "model")]
    assert rows[1] == {
        "person": "alice",
        "model": "nobody-knows",
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_write_tokens": 0,
        "cache_read_tokens": 0,
        "total_tokens": 15,
        "sessions": 1,
        "records": 1,
        "cost_usd": None,
        "records_without_price": 1,
    }
    assert rows[0]["cost_usd"] == "6.000379350"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", '=cmd|"/C calc"!A0', "＝1"])
def test_no_name_is_a_formula(db: Database, send: Send, name: str) -> None:
    send(a_report(a_record(at=NOW - HOUR)))
    db.write_sync(lambda conn: teams.create_team(conn, name=f"{name}x", caller=OPERATOR, now=NOW))
    (slug,) = [each.slug for each in db.read_sync(teams.store.teams)]
    db.write_sync(lambda conn: teams.assign(conn, name="alice", slug=slug, caller=OPERATOR, now=NOW))
    _, row = csv.reader(lines(db, "team").splitlines(), strict=True)
    assert row[0][0] == "'"
    assert row[0][1:] == table(db, "team")[0].cells[0]


def test_a_cost_is_written_to_the_last_digit() -> None:
    assert dollars(Totals(cost=1)) == "0.000000001"
    assert dollars(Totals(cost=123_456_789_012_345_678)) == "123456789.012345678"
    assert dollars(Totals()) == "0.000000000"
    assert dollars(Totals(unpriced=1)) is None
    assert dollars(Totals(cost=5, unpriced=1)) == "0.000000005"


def test_only_what_can_be_asked_is_taken() -> None:
    assert chosen(["model", "day", "day", "nonsense"]) == ("day", "model")
    assert problems(Bill("2026-11-01", "2026-11-30")) == {}
    assert problems(Bill("soon", "2026-02-30")).keys() == {"since", "until"}
    assert problems(Bill("2026-11-02", "2026-11-01")) == {"until": "The last day is before the first one."}


def test_every_tool_has_its_row_of_the_database(db: Database) -> None:
    rows = db.read_sync(lambda conn: conn.execute("SELECT number, id FROM tool_types").fetchall())
    assert {tuple(row) for row in rows} == {(tool.number, tool.id) for tool in TOOLS}
