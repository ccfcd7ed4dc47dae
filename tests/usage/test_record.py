"""Each record counts once, however often, in whatever order and by whatever road it is sent."""

import sqlite3
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.audit.models import OPERATOR
from arena.core.clock import Days, shift
from arena.core.db import Database
from arena.core.migrate import migrate
from arena.rooms import schemas
from arena.usage.actions.records import record
from arena.usage.actions.recount import forget, recount
from arena.usage.models import Report, Road
from arena.usage.store import user_totals
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, HOUR, SUMS, Send, a_record, a_report, counted, sums

ALICE = PEOPLE["alice"]


def test_a_record_is_in_every_sum(db: Database, send: Send) -> None:
    outcome = send(a_report(a_record(cache_write_5m=3, cache_write_1h=4, cache_read=100)))
    assert (outcome.stored, outcome.grown, outcome.known, outcome.tokens) == (1, 0, 0, 15)
    found = sums(db)
    assert found["road_days"] == [(ALICE, "2026-11-20", 1, 1, 0, 1, 1, 10, 5, 7, 100, 170_250, 0)]
    assert found["token_usage"] == [(ALICE, "claude-code", 10, 5, 7, 100, 122, 170_250, 0)]
    assert found["daily_user_stats"][0][:7] == (ALICE, "2026-11-20", 10, 5, 107, 122, 1)
    assert found["user_stats"][0][1:5] == (10, 5, 107, 122)


def test_sending_again_changes_nothing(db: Database, send: Send) -> None:
    report = a_report(a_record("m1"), a_record("m2", tools={"Read": 2}, lines_added=7, turns=1))
    send(report)
    before = sums(db)
    outcome = send(report)
    assert (outcome.stored, outcome.grown, outcome.known, outcome.tokens) == (0, 0, 2, 0)
    assert outcome.sessions[0][1] == "known"
    assert sums(db) == before


def test_a_larger_copy_replaces_the_smaller_and_a_smaller_one_does_not(db: Database, send: Send) -> None:
    send(a_report(a_record(output=3)))
    assert send(a_report(a_record(output=100))).grown == 1
    assert send(a_report(a_record(output=50))).known == 1
    assert counted(db) == (10, 100, 1)


def test_a_cost_that_the_tool_notes_grows_alone(db: Database, send: Send) -> None:
    outcomes = [send(a_report(a_record(cost_recorded=cost))) for cost in (None, 0.5, 0.25, None)]
    assert [(outcome.stored, outcome.grown, outcome.known) for outcome in outcomes] == [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 1),
    ]
    sql = "SELECT cost_recorded FROM usage_records"
    assert db.read_sync(lambda conn: conn.execute(sql).fetchone()[0]) == 0.5
    assert counted(db) == (10, 5, 1)


def test_a_session_whose_tokens_nobody_knows_counts_as_a_session_and_as_no_tokens(db: Database, send: Send) -> None:
    unknown = {"input": 0, "output": 0, "tokens_known": False}
    crush = a_report(a_record("m1", turns=1, cost_recorded=0.5, **unknown), a_record("m2", **unknown), tool="crush")
    assert send(crush).stored == 2
    assert send(crush).known == 2
    send(a_report(a_record("m3"), session="s2"))
    assert counted(db) == (10, 5, 2)
    sql = "SELECT tokens_known, cost_recorded FROM usage_records"
    rows = db.read_sync(lambda conn: {tuple(row) for row in conn.execute(sql)})
    assert rows == {(0, None), (0, 0.5), (1, None)}
    totals = db.read_sync(lambda conn: user_totals(conn, ALICE))
    assert totals is not None
    assert totals.tools == {"claude-code": 15, "crush": None}
    before = sums(db)
    db.write_sync(lambda conn: recount(conn, ALICE, days=Days("UTC"), now=NOW))
    assert sums(db) == before


def test_a_session_that_used_nothing_is_no_session(db: Database, send: Send) -> None:
    send(a_report(a_record(input=0, output=0)))
    assert counted(db) == (0, 0, 0)


def test_a_resumed_session_copies_records_that_count_once(db: Database, send: Send) -> None:
    send(a_report(a_record("m1"), session="first"))
    send(a_report(a_record("m1"), a_record("m2"), session="resumed"))
    assert counted(db) == (20, 10, 2)


def test_the_same_laptop_tree_from_two_machines_is_a_union(db: Database, send: Send) -> None:
    send(a_report(a_record("m1"), a_record("m2")))
    send(a_report(a_record("m2"), a_record("m3")))
    assert counted(db) == (30, 15, 1)


def test_two_people_never_share_a_record(db: Database, send: Send) -> None:
    send(a_report(a_record()), person="alice")
    send(a_report(a_record()), person="bob")
    assert counted(db, "alice") == counted(db, "bob") == (10, 5, 1)


COPIES = (
    a_report(a_record("m1", "r1", output=3)),
    a_report(a_record("m1", "r1", output=100, at=NOW - DAY), session="s2"),
    a_report(a_record("m1", "r9", output=900, sidechain=True), session="s3"),
    a_report(a_record("m1", "r1", output=500, sidechain=True), session="s4"),
)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_copies_give_the_same_sums_in_any_order(db: Database, send: Send, order: tuple[int, ...]) -> None:
    for number in order:
        send(COPIES[number])
    row = db.read_sync(
        lambda conn: conn.execute(
            "SELECT day, SUM(output_tokens), COUNT(*) FROM usage_records WHERE counted = 1 GROUP BY day"
        ).fetchall()
    )
    # The main chain's copy with the largest output, on the day of the earliest copy; both sidechain copies are replays.
    assert [tuple(each) for each in row] == [("2026-11-19", 100, 1)]
    assert counted(db)[:2] == (10, 100)


def test_a_sidechain_message_that_the_main_chain_lacks_counts(db: Database, send: Send) -> None:
    send(a_report(a_record("m1", sidechain=True)))
    assert counted(db) == (10, 5, 1)


def test_usage_is_on_the_day_of_its_earliest_copy(db: Database, send: Send) -> None:
    send(a_report(a_record(at=NOW, output=100)))
    send(a_report(a_record(at=NOW - DAY, output=5)))
    days = [row[1] for row in sums(db)["daily_user_stats"]]
    assert days == ["2026-11-19"]


def test_half_hour_zones_come_out_right(db: Database) -> None:
    days = Days("Asia/Kolkata")  # UTC+05:30
    at = 1_795_199_400_000  # 2026-11-20 18:30:00 UTC is midnight there
    assert (days.of(at - 1), days.of(at)) == ("2026-11-20", "2026-11-21")


def test_a_bad_function_costs_its_neighbours_nothing(db: Database, days: Days) -> None:
    def bad(conn: sqlite3.Connection) -> None:
        record(conn, ALICE, [a_report(a_record("gone"))], Road.TRANSCRIPTS, days=days, now=NOW)
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        db.write_sync(bad)
    assert counted(db) == (0, 0, 0)


# -- roads


def test_of_two_roads_on_one_day_the_higher_counts_in_either_order(db: Database, send: Send) -> None:
    hook = a_report(a_record("session-api:s1", "", input=99, output=99))
    transcript = a_report(a_record("m1"), a_record("m2"))
    send(hook, road=Road.SESSION_API)
    assert counted(db) == (99, 99, 1)
    send(transcript, road=Road.TRANSCRIPTS)
    assert counted(db) == (20, 10, 1)
    first = sums(db)
    send(hook, road=Road.SESSION_API)
    assert counted(db) == (20, 10, 1)
    assert sums(db) == first


def test_what_does_not_count_is_kept_and_marked(db: Database, send: Send) -> None:
    send(a_report(a_record("m1")))
    send(a_report(a_record("session-api:x", "", output=70), session="x"), road=Road.SESSION_API)
    rows = db.read_sync(lambda conn: conn.execute("SELECT road, counted FROM usage_records ORDER BY road").fetchall())
    assert [tuple(row) for row in rows] == [(Road.TRANSCRIPTS, 1), (Road.SESSION_API, 0)]
    assert counted(db) == (10, 5, 1)


def test_roads_are_weighed_day_by_day_and_tool_by_tool(db: Database, send: Send) -> None:
    send(a_report(a_record("m1", at=NOW)))
    api = Road.SESSION_API
    send(a_report(a_record("session-api:y", "", at=NOW - DAY, output=70), session="y"), road=api)
    send(a_report(a_record("session-api:z", "", at=NOW, output=30), session="z", tool="codex"), road=api)
    assert counted(db) == (30, 105, 3)


def test_forgetting_the_transcripts_lets_the_lower_road_count_again(db: Database, send: Send, days: Days) -> None:
    send(a_report(a_record("session-api:x", "", output=70), session="x"), road=Road.SESSION_API)
    send(a_report(a_record("m1"), project="ab" * 8))
    assert counted(db) == (10, 5, 1)
    gone = db.write_sync(lambda conn: forget(conn, ALICE, "ab" * 8, prefix="p", caller=OPERATOR, days=days, now=NOW))
    assert gone == (1, 1)
    assert counted(db) == (10, 70, 1)


# -- sums made anew


def test_a_recount_changes_nothing(db: Database, send: Send, days: Days) -> None:
    send(*COPIES)
    send(a_report(a_record("session-api:x", "", at=NOW - 3 * DAY), session="x"), road=Road.SESSION_API)
    send(a_report(a_record("m7", at=NOW - 3 * DAY, tools={"Edit": 3}, lines_added=4, turns=2), session="s7"))
    before = sums(db)
    db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
    assert sums(db) == before


def test_a_recount_moves_days_to_a_new_zone(db: Database, send: Send) -> None:
    send(a_report(a_record(at=NOW + 11 * HOUR)))
    db.write_sync(lambda conn: recount(conn, ALICE, days=Days("Asia/Seoul"), now=NOW))
    assert [row[1] for row in sums(db)["daily_user_stats"]] == ["2026-11-21"]


RECORDS = st.lists(
    st.builds(
        lambda message, request, day, side, output, model: a_record(
            f"m{message}", f"r{request}", at=NOW - day * DAY, sidechain=side, output=output, model=model
        ),
        st.integers(0, 3),
        st.integers(0, 1),
        st.integers(0, 4),
        st.booleans(),
        st.integers(0, 9),
        st.sampled_from(["claude-x", "nobody-knows"]),
    ),
    min_size=1,
    max_size=6,
)
WRITES = st.lists(
    st.tuples(
        RECORDS,
        st.integers(0, 2),
        st.sampled_from([Road.TRANSCRIPTS, Road.SESSION_API]),
        st.sampled_from(["claude-code", "codex"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES)
def test_sums_are_always_the_sums_of_what_counts(
    db: Database, send: Send, days: Days, writes: list[tuple[list, int, int, str]]
) -> None:
    db.write_sync(_wipe)
    for records, session, road, tool in writes:
        if road == Road.TRANSCRIPTS:
            send(a_report(*records, session=f"s{session}", tool=tool))
        else:
            lone = a_record(f"session-api:{tool}:{session}", "", at=records[0].at, output=records[0].output)
            send(a_report(lone, session=f"api{session}", tool=tool), road=road)
    before = sums(db)
    by_day, by_record = db.read_sync(_both)
    assert by_day == by_record
    by_tool, by_record_of_tool = db.read_sync(_both_by_tool)
    assert by_tool == by_record_of_tool
    assert before["user_tool_stats"] == db.read_sync(_sums_of_tool_days)
    assert _tool_streaks(db) == _runs([row[:2] for row in by_record_of_tool])
    db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
    assert sums(db) == before


def _wipe(conn: sqlite3.Connection) -> None:
    for table in ("usage_records", "sessions", *SUMS):
        conn.execute(f"DELETE FROM {table}")


COSTS = "COALESCE(SUM(cost), 0), COUNT(*) - COUNT(cost)"


def _both(conn: sqlite3.Connection) -> tuple[list[tuple], list[tuple]]:
    by_day = conn.execute(
        "SELECT stat_date, input_tokens, output_tokens, cost, unpriced FROM daily_user_stats WHERE total_tokens > 0 "
        "ORDER BY stat_date"
    )
    by_record = conn.execute(
        f"SELECT day, SUM(input_tokens), SUM(output_tokens), {COSTS} FROM usage_records WHERE counted = 1 "
        "GROUP BY day ORDER BY day"
    )
    return [tuple(row) for row in by_day], [tuple(row) for row in by_record]


def _both_by_tool(conn: sqlite3.Connection) -> tuple[list[tuple], list[tuple]]:
    by_tool = conn.execute(
        "SELECT tool, stat_date, input_tokens, output_tokens, cache_tokens, cost, unpriced FROM daily_tool_stats "
        "WHERE input_tokens + output_tokens + cache_tokens > 0 ORDER BY tool, stat_date"
    )
    by_record = conn.execute(
        "SELECT tool, day, SUM(input_tokens), SUM(output_tokens), "
        f"SUM(cache_write_5m + cache_write_1h + cache_read_tokens), {COSTS} "
        "FROM usage_records WHERE counted = 1 GROUP BY tool, day ORDER BY tool, day"
    )
    return [tuple(row) for row in by_tool], [tuple(row) for row in by_record]


def _sums_of_tool_days(conn: sqlite3.Connection) -> list[tuple]:
    rows = conn.execute(
        "SELECT user_id, tool, SUM(input_tokens), SUM(output_tokens), SUM(cache_tokens), SUM(session_count), "
        "SUM(cost), SUM(unpriced) FROM daily_tool_stats GROUP BY user_id, tool ORDER BY user_id, tool"
    )
    return [tuple(row) for row in rows]


def _tool_streaks(db: Database) -> dict[tuple[int, str], int]:
    rows = "SELECT tool, stat_date, streak FROM daily_tool_stats WHERE streak > 0"
    return {(row[0], row[1]): row[2] for row in db.read_sync(lambda conn: conn.execute(rows).fetchall())}


def _runs(active: list[tuple[int, str]]) -> dict[tuple[int, str], int]:
    runs: dict[tuple[int, str], int] = {}
    for tool, day in sorted(active):
        runs[tool, day] = runs.get((tool, shift(day, -1)), 0) + 1
    return runs


def test_a_release_before_tools_had_sums_is_brought_up_to_the_same_sums(db: Database, send: Send, days: Days) -> None:
    for ago in (0, 1, 2, 4, 5, 40):
        send(a_report(a_record(f"m{ago}", at=NOW - ago * DAY, cache_read=ago), session=f"s{ago}"))
        if ago % 2:
            send(a_report(a_record(f"c{ago}", at=NOW - ago * DAY), session=f"c{ago}", tool="codex"))
    lone = a_record("session-api:x", "", at=NOW, output=999)
    send(a_report(lone, session="x"), road=Road.SESSION_API)  # transcripts count on that day
    lone = a_record("session-api:y", "", at=NOW - 3 * DAY, output=7)
    send(a_report(lone, session="y"), road=Road.SESSION_API)
    send(a_report(a_record("b"), session="b", tool="codex"), person="bob")
    before = sums(db)

    def forget_the_step(conn: sqlite3.Connection) -> None:
        conn.execute("DROP TABLE daily_tool_stats")
        conn.execute("DROP TABLE user_tool_stats")
        for table in ("road_days", "token_usage", "daily_user_stats"):
            conn.execute(f"ALTER TABLE {table} DROP COLUMN cost")
            conn.execute(f"ALTER TABLE {table} DROP COLUMN unpriced")
        conn.execute("ALTER TABLE user_stats DROP COLUMN total_cost")
        conn.execute("ALTER TABLE user_stats DROP COLUMN total_unpriced")
        conn.execute("ALTER TABLE usage_records DROP COLUMN cost")
        conn.execute("ALTER TABLE usage_records DROP COLUMN price_version")
        conn.execute("DELETE FROM _sqlite_migrations WHERE name IN ('0006_tool_stats', '0010_costs')")

    db.write_sync(forget_the_step)
    assert migrate(db.path, schemas()) == ["usage.0006_tool_stats", "usage.0010_costs"]
    assert _without_costs(sums(db)) == _without_costs(before)
    for person in ("alice", "bob"):
        db.write_sync(lambda conn, person=person: recount(conn, PEOPLE[person], days=days, now=NOW))
    assert sums(db) == before
    assert [row[7] for row in before["daily_tool_stats"] if row[0] == 1] == [1, *range(1, 7)]


def _without_costs(found: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    return {table: [row[:-2] for row in rows] for table, rows in found.items()}


# -- streaks


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (0, 3, 1, 2), (2, 0, 3, 1)])
def test_streaks_are_right_in_any_order_of_arrival(db: Database, send: Send, order: tuple[int, ...]) -> None:
    for days_ago in order:
        send(a_report(a_record(f"m{days_ago}", at=NOW - days_ago * DAY), session=f"s{days_ago}"))
    assert _streaks(db) == [1, 2, 3, 4]


def test_a_gap_begins_a_new_streak(db: Database, send: Send) -> None:
    reports: list[Report] = [a_report(a_record(f"m{n}", at=NOW - n * DAY), session=f"s{n}") for n in (0, 1, 3, 4, 5)]
    send(*reports)
    assert _streaks(db) == [1, 2, 3, 1, 2]


def _streaks(db: Database) -> list[int]:
    rows = db.read_sync(lambda conn: conn.execute("SELECT streak FROM daily_user_stats ORDER BY stat_date").fetchall())
    return [row[0] for row in rows]
