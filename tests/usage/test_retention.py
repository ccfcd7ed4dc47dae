"""Retention lets detail go and keeps what it added up to: nobody can tell from any figure that it ran."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena import admin
from arena.accounts import store as accounts
from arena.accounts.actions.people import delete_user
from arena.audit.models import OPERATOR, Caller
from arena.core import clock, log, sqlite
from arena.core.clock import Days
from arena.core.config import Config, Retention, place
from arena.core.db import Database
from arena.core.errors import Conflict
from arena.core.work import At, Work
from arena.deliveries.actions import enqueue
from arena.deliveries.models import Webhook
from arena.leaderboard.actions.boards import board
from arena.leaderboard.models import Ranked
from arena.leaderboard.rules import METRICS, PERIODS
from arena.leaderboard.store import put_rankings
from arena.prices.actions import load
from arena.prices.models import Price, Rates, Table
from arena.profiles.actions import facts
from arena.profiles.rules import public
from arena.schedule import JOBS
from arena.usage import store
from arena.usage.actions import retention
from arena.usage.actions.anomalies import judge
from arena.usage.actions.bill import used
from arena.usage.actions.costs import apply_prices
from arena.usage.actions.records import record
from arena.usage.actions.recount import forget, recount
from arena.usage.actions.retention import look, retain
from arena.usage.models import Anomaly, Bill, Payer, Report, Road
from arena.usage.pages.anomalies import anomalies
from arena.usage.rules.bill import BY
from arena.usage.rules.telemetry import usage_of_events, usage_of_points
from arena.wire import Record, session_hash
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, HOUR, PRICE, SUMS, Send, a_record, a_report, counted, sums
from tests.usage.test_telemetry import a_point, a_transcript, an_event

ALICE, BOB, CAROL = PEOPLE["alice"], PEOPLE["bob"], PEOPLE["carol"]
TODAY = "2026-11-20"
KEEP = Retention()
PROJECT = "00112233aabbccdd"
DETAIL = ("usage_records", "closed_records", "closed_days", "closed_habits", "sessions", "token_usage")

Everything = list[tuple[str, int, list[Report]]]


def a_session(name: str, ago: int, *records: Record, **more: Any) -> Report:
    return a_report(*records, session=f"{name}-{ago}", **more)


def everything() -> Everything:
    """Half a year of three people by all roads: who, which road, what."""
    sent: Everything = []
    for ago in range(0, 130):  # alice is active every day, longer than detail is kept
        at = NOW - ago * DAY - HOUR
        model = ("claude-x", "nobody-knows")[ago % 2]
        work = [
            a_record(
                f"a{ago}-{n}",
                at=at - n * 60_000,
                model=model,
                output=50 + ago + n,
                cache_read=1_000 * n,
                cache_write_5m=7,
                tools={"Read": 2, ("Edit", "Bash")[n % 2]: 1},
                lines_added=n,
                lines_deleted=1,
                files_modified=1,
                turns=1,
                cost_recorded=0.5,
            )
            for n in range(3)
        ]
        # Without the project's main chain a replay would count, and whether it would is not known of a closed one.
        replayed = f"a{ago}-0" if ago % 3 else f"a{ago}-own"
        replay = a_record(replayed, "replayed", at=at, sidechain=True, output=50 + ago)
        aside = a_record(f"a{ago}-aside", at=at, sidechain=True, output=9)
        project = PROJECT if ago % 3 == 0 else ""
        sent.append(("alice", Road.TRANSCRIPTS, [a_session("work", ago, *work, aside, project=project)]))
        sent.append(("alice", Road.TRANSCRIPTS, [a_session("fork", ago, work[0], replay, tool="claude-desktop")]))
        if ago % 5 == 0:
            lone = a_record(f"session-api:{ago}", "", at=at - 3 * HOUR, output=5_000)
            sent.append(("alice", Road.SESSION_API, [a_session("api", ago, lone)]))
            other = a_record(f"codex:{ago}", "", at=at - 3 * HOUR, output=77)
            sent.append(("alice", Road.SESSION_API, [a_session("codex", ago, other, tool="codex")]))
            sent.append(("alice", Road.DAY_ROWS, [day_row(ago, "laptop", "claude-code")]))
            sent.append(("alice", Road.DAY_ROWS, [day_row(ago, "laptop", "gemini")]))
        if ago % 7 == 0:
            told = an_event(f"t{ago}", at, f"otel-{ago}", **{"prompt.id": f"p{ago}"})
            sent.append(("bob", Road.TELEMETRY, usage_of_events([told], at).reports))
            point = a_point(30 + ago, at, f"counter-{ago}", temporality=2)
            sent.append(("bob", Road.METRICS, usage_of_points([point], at).reports))
        if ago % 11 == 0:
            sent.append(("bob", Road.TRANSCRIPTS, [a_transcript(f"t{ago}", f"b{ago}", f"otel-{ago}", at=at)]))
        if ago % 2 == 0:
            sent.append(("carol", Road.DAY_ROWS, [day_row(ago, "desk", "claude-code")]))
    for ago in range(500, 640):  # a run longer than any since, of which daily rows go too
        sent.append(("bob", Road.TRANSCRIPTS, [a_session("long", ago, a_record(f"o{ago}", at=NOW - ago * DAY))]))
    lasting = [a_record(f"l{n}", at=NOW - n * 20 * DAY, output=3, turns=1) for n in range(8)]
    sent.append(("bob", Road.TRANSCRIPTS, [a_session("lasting", 0, *lasting)]))
    return sent


def day_row(ago: int, machine: str, tool: str) -> Report:
    day = Days("UTC").of(NOW - ago * DAY)
    row = a_record(f"ccusage:{machine}:{day}", f"{tool}:model:x", at=NOW - ago * DAY, output=600, input=20)
    return msgspec.structs.replace(a_session(f"row-{machine}-{tool}", ago, row, tool=tool), day=day)


@pytest.fixture(scope="module")
def full_database(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with everything in it, one session of alice's left out of ranking and one found fine."""
    path = tmp_path_factory.mktemp("full") / "arena.db"
    path.write_bytes(empty_database.read_bytes())
    opened = Database(path)
    opened.write_sync(_prices)
    opened.write_sync(_people)
    send_all(opened, everything())
    for name, verdict in (("work-100", "exclude"), ("work-101", "fine"), ("work-102", "open"), ("work-10", "exclude")):
        opened.write_sync(partial(_flag, name=name))
        if verdict != "open":
            opened.write_sync(partial(_judge, name=name, verdict=verdict))
    opened.close_sync()
    with closing(sqlite.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def box(full_database: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "box" / "arena.db"
    path.parent.mkdir()
    path.write_bytes(full_database.read_bytes())
    opened = Database(path)
    yield opened
    opened.close_sync()


def _people(conn: sqlite3.Connection) -> None:
    for number, (name, id) in enumerate(PEOPLE.items()):
        accounts.add_user(conn, id, name, name.title(), "member", None, 1_760_000_000_000 + number)


def _prices(conn: sqlite3.Connection) -> None:
    load(conn, Table("a test", "2020-01-01", {"claude-x": PRICE}), digest="a test", now=NOW)


def _flag(conn: sqlite3.Connection, name: str) -> None:
    session = _session(conn, name)
    store.put_anomaly(conn, Anomaly(session.number, ALICE, "open", "size", 1, 0, 0, 0, NOW, None, None))


def _session(conn: sqlite3.Connection, name: str, person: str = ALICE, tool: str = "claude-code"):
    return store.sessions_by_hash(conn, person, [session_hash(tool, name)])[0]


def _judge(conn: sqlite3.Connection, name: str, verdict: Any) -> bool:
    id = _session(conn, name).id
    return judge(conn, session_id=id, verdict=verdict, days=Days("UTC"), caller=OPERATOR, now=NOW, by=CAROL)


def send_all(db: Database, sent: Everything, now: int = NOW, zone: str = "UTC") -> list[Any]:
    return [
        db.write_sync(partial(record, user_id=PEOPLE[who], reports=reports, road=road, days=Days(zone), now=now))
        for who, road, reports in sent
    ]


def run(db: Database, keep: Retention = KEEP, now: int = NOW):
    return retain(db, keep, days=Days("UTC"), now=now, pause=0)


def figures(db: Database, zone: str = "UTC") -> dict[str, Any]:
    """All that anybody is shown: boards of every period and metric, profiles with year and streaks, sums and costs."""

    def read(conn: sqlite3.Connection) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for period in PERIODS:
            for metric in METRICS:
                made = board(conn, period, metric, today=TODAY, config=Config())
                shown[f"{period} {metric}"] = made.standings
        standing = {each.user_id: each for each in shown["all_time score"]}
        for id in PEOPLE.values():
            person = accounts.user(conn, id)
            known = facts(conn, id, TODAY)
            shown[f"profile {id}"] = public(person, standing.get(id), known, Days(zone), TODAY)
            shown[f"year {id}"] = store.days(conn, id, clock.shift(TODAY, -370), TODAY)
            shown[f"totals {id}"] = store.user_totals(conn, id)
            shown[f"roads {id}"] = store.road_days(conn, id, "", "9999")
            payer = Payer(id, person.name, "")
            shown[f"bill {id}"] = used(conn, payer, Bill("2000-01-01", TODAY, BY))
        return shown

    return db.read_sync(read)


def rows(db: Database, table: str) -> int:
    return db.read_sync(lambda conn: conn.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def contents(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    names = (*DETAIL, *SUMS, "kept_days", "anomalies", "telemetry_prompts", "metric_streams", "transcript_requests")
    return db.read_sync(
        lambda conn: {name: [tuple(row) for row in conn.execute(f"SELECT * FROM {name}")] for name in names}
    )


# -- what stays


def test_no_figure_tells_that_detail_is_gone(box: Database) -> None:
    before, records = figures(box), rows(box, "usage_records")
    known = box.read_sync(store.sizes)["usage_records"]
    gone = run(box)
    assert gone.rows["usage_records"] > 300
    assert gone.rows["sessions"] > 100
    assert gone.rows["daily_user_stats"] == 140
    assert rows(box, "usage_records") == records - gone.rows["usage_records"]
    sizes = box.read_sync(store.sizes)
    assert (sizes["usage_records"] + sizes["closed_records"], sizes["closed_records"] > 300) == (known, True)
    assert rows(box, "closed_records") == gone.rows["usage_records"]
    after = figures(box)
    assert after == before
    assert before[f"profile {ALICE}"]["streak"]["currentStreak"] == 130
    assert before[f"profile {BOB}"]["streak"]["longestStreak"] == 140
    assert before["all_time cost"][0].cost > 0


def test_no_detail_is_left_of_what_is_old(box: Database) -> None:
    run(box)
    first = clock.shift(TODAY, -KEEP.detail_days)

    def old(conn: sqlite3.Connection) -> list[tuple[Any, ...]]:
        records = conn.execute("SELECT day FROM usage_records WHERE day < :first", {"first": first}).fetchall()
        open_sessions = conn.execute(
            "SELECT id FROM sessions WHERE closed = 0 AND ended_at < :at", {"at": NOW - 91 * DAY}
        ).fetchall()
        told = conn.execute(
            "SELECT device, tool_usage, code_metrics, turn_count, duration_seconds, ended_at - started_at "
            "FROM sessions WHERE closed = 1"
        )
        return [*records, *open_sessions, *({tuple(row) for row in told} - {(None, "{}", "{}", 0, 0, 0)})]

    assert box.read_sync(old) == []
    kept = box.read_sync(lambda conn: store.days(conn, BOB, "", "9999"))
    assert min(day.stat_date for day in kept) >= clock.shift(TODAY, -KEEP.daily_days)


def test_a_second_run_finds_nothing(box: Database) -> None:
    run(box)
    before = contents(box)
    again = run(box)
    assert (again.rows, again.writes) == ({}, 0)
    assert contents(box) == before


def test_recompute_leaves_every_figure(box: Database) -> None:
    run(box)
    before = figures(box)
    for id in PEOPLE.values():
        box.write_sync(partial(recount, user_id=id, days=Days("UTC"), now=NOW))
    assert figures(box) == before


def test_night_after_night_is_the_same_as_once(box: Database) -> None:
    before = figures(box)
    for back in range(40, -1, -10):
        run(box, now=NOW - back * DAY)
    once = {table: rows(box, table) for table in DETAIL}
    assert figures(box) == before
    run(box)
    assert {table: rows(box, table) for table in DETAIL} == once


def test_nothing_goes_that_is_kept_for_ever(box: Database) -> None:
    before = contents(box)
    assert run(box, Retention(detail_days=0, daily_days=0)).rows == {}
    assert contents(box) == before


def test_what_is_shown_is_right_between_any_two_writes(box: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 40)
    before, seen = figures(box), []

    def look_after_each(_: float) -> None:
        if len(seen) % 5 == 0:
            assert figures(box) == before
        seen.append(1)

    monkeypatch.setattr(retention.time, "sleep", look_after_each)
    retain(box, KEEP, days=Days("UTC"), now=NOW)
    assert len(seen) > 20


# -- what arrives later


def test_sending_everything_again_changes_nothing(box: Database) -> None:
    run(box)
    before, shown = contents(box), figures(box)
    for outcome in send_all(box, everything(), now=NOW + 1):
        assert (outcome.stored, outcome.grown, outcome.tokens) == (0, 0, 0)
        assert all(what == "known" for _, what in outcome.sessions)
    assert figures(box) == shown
    after = contents(box)
    assert {table: len(found) for table, found in after.items()} == {
        table: len(found) for table, found in before.items()
    }
    assert after["usage_records"] == before["usage_records"]
    assert after["closed_days"] == before["closed_days"]
    closed = [row for row in before["sessions"] if row[-1] == 1]
    assert closed == [row for row in after["sessions"] if row[-1] == 1]


def test_a_larger_or_smaller_copy_of_a_closed_record_changes_nothing(db: Database, send: Send) -> None:
    at = NOW - 100 * DAY
    send(a_report(a_record(at=at, output=10)))
    run(db)
    before = sums(db)
    for output in (5, 10, 5_000):
        for road in (Road.TRANSCRIPTS, Road.TELEMETRY, Road.SESSION_API, Road.DAY_ROWS):
            outcome = send(a_report(a_record(at=at - HOUR, output=output), session="s1"), road=road)
            assert (outcome.stored, outcome.grown, outcome.known) == (0, 0, 1)
    assert sums(db) == before
    assert rows(db, "usage_records") == 0


def test_a_closed_record_in_another_session_is_still_known(db: Database, send: Send) -> None:
    at = NOW - 100 * DAY
    send(a_report(a_record(at=at)))
    run(db)
    before = counted(db)
    outcome = send(a_report(a_record(at=at), session="fork"))
    assert outcome.known == 1
    assert counted(db)[:2] == before[:2]


def test_a_replay_of_a_closed_message_does_not_count(db: Database, send: Send) -> None:
    at = NOW - 100 * DAY
    send(a_report(a_record("m1", "r1", at=at)))
    run(db)
    assert send(a_report(a_record("m1", "r2", at=at, sidechain=True), session="side")).known == 1
    assert counted(db)[:2] == (10, 5)


def test_the_main_chain_of_a_closed_sidechain_does_not_count_again(db: Database, send: Send) -> None:
    at = NOW - 100 * DAY
    send(a_report(a_record("m1", "r2", at=at, sidechain=True)))
    run(db)
    assert send(a_report(a_record("m1", "r1", at=at), session="main")).known == 1
    assert send(a_report(a_record("m1", "r3", at=at, sidechain=True), session="other side")).stored == 1
    assert counted(db)[:2] == (20, 10)


def test_a_message_of_which_a_part_is_young_waits(db: Database, send: Send) -> None:
    send(a_report(a_record("m1", "r1", at=NOW - 100 * DAY)))
    send(a_report(a_record("m1", "r2", at=NOW - 2 * DAY, sidechain=True), session="side"))
    assert look(db, KEEP, days=Days("UTC"), now=NOW).rows == {}
    assert run(db).rows == {}
    run(db, now=NOW + 100 * DAY)
    assert counted(db) == (10, 5, 2)


def test_history_that_arrives_late_counts_and_is_closed_the_next_night(db: Database, send: Send) -> None:
    send(a_report(a_record("m1", at=NOW - 100 * DAY)))
    run(db)
    assert send(a_report(a_record("m2", at=NOW - 100 * DAY), session="s2")).stored == 1
    assert counted(db) == (20, 10, 2)
    run(db)
    assert counted(db) == (20, 10, 2)
    assert rows(db, "usage_records") == 0
    db.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert counted(db) == (20, 10, 2)


def test_a_better_road_that_arrives_late_takes_the_place_of_a_closed_one(db: Database, send: Send) -> None:
    at = NOW - 100 * DAY
    send(a_report(a_record("session-api:x", "", at=at, output=900), session="x"), road=Road.SESSION_API)
    send(day_row(100, "desk", "claude-code"), road=Road.DAY_ROWS)
    run(db)
    assert counted(db)[:2] == (10, 900)
    send(a_report(a_record("m1", at=at, output=30), session="x"))
    assert counted(db) == (10, 30, 1)
    run(db)
    db.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert counted(db) == (10, 30, 1)
    assert db.read_sync(partial(store.cache_of_user, user_id=ALICE)) == (0, 0)


def test_a_session_that_goes_on_after_its_detail_is_gone_stays_one_session(db: Database, send: Send) -> None:
    old, new = a_record("m1", at=NOW - 100 * DAY), a_record("m2", at=NOW - HOUR, output=7)
    first = send(a_report(old, project=PROJECT))
    run(db)
    again = send(a_report(old, new, project=PROJECT))
    assert (again.known, again.stored) == (1, 1)
    assert again.sessions == [(first.sessions[0][0], "grown")]
    assert counted(db) == (20, 12, 1)
    (session,) = db.read_sync(lambda conn: store.open_sessions_of_user(conn, ALICE))
    assert (session.first_at, session.duration_seconds) == (NOW - 100 * DAY, 0)
    run(db, now=NOW + 100 * DAY)
    db.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert counted(db) == (20, 12, 1)


def test_an_event_of_a_closed_response_is_not_counted_again(db: Database, send: Send) -> None:
    at = NOW - 100 * DAY
    (report,) = usage_of_events([an_event("r1", at, "s1", **{"prompt.id": "p1"})], at).reports
    send(report, road=Road.TELEMETRY)
    send(a_transcript("r2", "m2", "s2", at=at))
    before = counted(db)
    gone = run(db).rows
    assert (gone["transcript_requests"], gone["telemetry_prompts"]) == (1, 1)
    assert send(report, road=Road.TELEMETRY).stored == 0
    send(*usage_of_events([an_event("r2", at, "s2")], at).reports, road=Road.TELEMETRY)
    assert counted(db) == before
    # The transcript comes after all: it is the better road, and tells the same.
    send(a_transcript("r1", "m1", "s1", at=at))
    assert counted(db)[:2] == (20, 10)


def test_a_counter_that_fell_silent_is_forgotten_and_tells_nothing_twice(db: Database, send: Send) -> None:
    at = NOW - 100 * DAY
    twice = [a_point(10, at, temporality=2), a_point(25, at + 60_000, temporality=2, start=at - 60_000)]
    told = usage_of_points(twice, at).reports
    send(*told, road=Road.METRICS)
    before = counted(db)
    assert run(db).rows["metric_streams"] == 1
    send(*told, road=Road.METRICS)
    assert counted(db) == before


ROADS = (Road.TRANSCRIPTS, Road.SESSION_API, Road.DAY_ROWS)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("send"),
            st.integers(0, 2),
            st.sampled_from(ROADS),
            st.lists(
                st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from((0, 89, 90, 91, 120))),
                min_size=1,
                max_size=4,
            ),
        ),
        st.tuples(st.just("retain"), st.integers(0, 40), st.none(), st.none()),
        st.tuples(st.just("recount"), st.none(), st.none(), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_box_that_forgets_counts_as_one_that_does_not(
    db: Database, twin: Database, steps: list[tuple[str, Any, Any, Any]]
) -> None:
    for each in (db, twin):
        each.write_sync(_wipe)
    for what, number, road, records in steps:
        if what == "retain":
            run(db, now=NOW + number * DAY)
        elif what == "recount":
            db.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
        else:
            report = _of_a_road(number, road, records)
            for each in (db, twin):
                send_all(each, [("alice", road, [report])])
        assert _without_detail(db) == _without_detail(twin)


def _of_a_road(number: int, road: int, records: list[tuple[int, int, int]]) -> Report:
    """Records whose figures hang on their message alone, so that no copy of one is larger."""
    ago = records[0][2]
    if road == Road.DAY_ROWS:
        return day_row(ago, f"machine-{number}", "claude-code")
    if road == Road.SESSION_API:
        return a_report(a_record(f"api-{number}-{ago}", "", at=NOW - ago * DAY), session=f"api-{number}-{ago}")
    made = {
        (message, request): a_record(
            f"m{message}-{ago}-{road}",
            f"r{request}",
            at=NOW - ago * DAY,
            sidechain=request == 1,
            output=10 + message,
        )
        for message, request, ago in records
    }
    return a_report(*made.values(), session=f"s{number}-{road}")


def _without_detail(db: Database) -> dict[str, Any]:
    return {table: found for table, found in sums(db).items() if table != "token_usage"}


def _wipe(conn: sqlite3.Connection) -> None:
    for table in ("usage_records", "sessions", "recent_sessions", "closed_people", "closed_days", "closed_habits"):
        conn.execute(f"DELETE FROM {table}")
    for table in (*SUMS, "kept_days"):
        conn.execute(f"DELETE FROM {table}")


@pytest.fixture
def twin(empty_database: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "twin.db"
    path.write_bytes(empty_database.read_bytes())
    opened = Database(path)
    opened.write_sync(_people)
    opened.write_sync(_prices)
    yield opened
    opened.close_sync()


# -- a look first, and interruptions


def test_a_dry_run_says_what_then_goes_and_changes_nothing(box: Database) -> None:
    before = contents(box)
    told = look(box, KEEP, days=Days("UTC"), now=NOW)
    assert contents(box) == before
    assert told.rows == run(box).rows
    assert set(told.rows) == {
        "usage_records",
        "sessions",
        "token_usage",
        "transcript_requests",
        "telemetry_prompts",
        "metric_streams",
        "anomalies",
        "daily_user_stats",
        "daily_tool_stats",
    }


KILLED = """
import os, signal, sys
from pathlib import Path
from arena.core import sqlite
from arena.core.clock import Days
from arena.core.config import Retention
from arena.core.db import Database
from arena.usage import store
from arena.usage.actions import retention
place, times = sys.argv[2], int(sys.argv[3])
retention.BATCH = 40
counted = {"store": 0, "sleep": 0}
def dying(where, do):
    def run(*given):
        counted[where] += 1
        done = do(*given)
        if counted[where] == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return run
if place == "inside":
    store.put_habits = dying("store", store.put_habits)
else:
    retention.time.sleep = dying("sleep", lambda _: None)
retention.retain(Database(Path(sys.argv[1])), Retention(), days=Days("UTC"), now=%d, pause=0)
"""


@pytest.mark.parametrize("place", ["inside", "between"])
def test_whoever_is_killed_in_the_middle_goes_on_where_it_ended(box: Database, place: str) -> None:
    before = figures(box)
    told = look(box, KEEP, days=Days("UTC"), now=NOW)
    for times in (1, 3, 6):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED % NOW, str(box.path), place, str(times)], check=False, env=os.environ
        )
        assert killed.returncode == -signal.SIGKILL
        assert figures(box) == before
    left = run(box).rows
    assert 0 < left["usage_records"] < told.rows["usage_records"]
    assert rows(box, "closed_records") == told.rows["usage_records"]
    assert figures(box) == before


def test_a_run_beside_somebody_who_writes_loses_nothing(box: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever commits between a look and the write that follows it: a new copy, a reopened session."""
    twin = [a_report(a_record(f"late{n}", at=NOW - 95 * DAY), session=f"work-{95 + n}") for n in range(20)]
    waiting = list(twin)

    def write_meanwhile(_: float) -> None:
        if waiting:
            send_all(box, [("alice", Road.TRANSCRIPTS, [waiting.pop()])])

    before = counted(box)
    monkeypatch.setattr(retention, "BATCH", 20)
    monkeypatch.setattr(retention.time, "sleep", write_meanwhile)
    retain(box, KEEP, days=Days("UTC"), now=NOW)
    assert waiting == []
    assert counted(box)[:2] == (before[0] + 190, before[1] + 95)  # one is in a session that is left out of ranking
    shown = figures(box)
    run(box)
    assert figures(box) == shown
    box.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert figures(box) == shown


def test_two_runs_at_once_close_everything_once(box: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 20)
    detail = Retention(daily_days=0)
    before, told = _without_detail(box), look(box, detail, days=Days("UTC"), now=NOW).rows
    other = Database(box.path)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(run, each, detail) for each in (box, other)]
        gone = [each.result().rows for each in runs]
    other.close_sync()
    assert {table: sum(each.get(table, 0) for each in gone) for table in told} == told
    assert rows(box, "closed_records") == told["usage_records"]
    for id in PEOPLE.values():
        box.write_sync(partial(recount, user_id=id, days=Days("UTC"), now=NOW))
    assert _without_detail(box) == before


# -- who asks for closed things


def test_a_changed_zone_moves_what_is_open_and_no_total(box: Database) -> None:
    run(box)
    totals = {id: box.read_sync(partial(store.user_totals, user_id=id)) for id in PEOPLE.values()}
    closed = box.read_sync(lambda conn: [tuple(row) for row in conn.execute("SELECT * FROM closed_days")])
    for id in PEOPLE.values():
        box.write_sync(partial(recount, user_id=id, days=Days("Asia/Kolkata"), now=NOW))
        found = box.read_sync(partial(store.user_totals, user_id=id))
        assert (found.total_input_tokens, found.total_output_tokens) == (
            totals[id].total_input_tokens,
            totals[id].total_output_tokens,
        )
        assert found.total_sessions == totals[id].total_sessions
    assert box.read_sync(lambda conn: [tuple(row) for row in conn.execute("SELECT * FROM closed_days")]) == closed
    before = contents(box)
    send_all(box, everything(), now=NOW + 1, zone="Asia/Kolkata")
    assert contents(box)["daily_user_stats"] == before["daily_user_stats"]


def test_a_closed_project_can_be_forgotten(box: Database, tmp_path: Path) -> None:
    """As much goes as without retention."""
    other = Database(tmp_path / "other.db")
    other.path.write_bytes(box.path.read_bytes())
    run(box)
    gone = {}
    for each in (box, other):
        gone[each.path.name] = each.write_sync(
            partial(forget, user_id=ALICE, project=PROJECT, prefix="p", caller=Caller(), days=Days("UTC"), now=NOW)
        )
    assert gone["arena.db"] == gone["other.db"]
    assert gone["arena.db"][1] > 100
    run(other, Retention(detail_days=0))
    assert _without_detail(box) == _without_detail(other)
    assert PROJECT not in {part.project for part, _ in box.read_sync(partial(store.closed_days, user_id=ALICE))}
    assert PROJECT not in box.read_sync(partial(store.habits, user_id=ALICE))
    # Sent again, it counts again: nothing of it is known.
    for each in (box, other):
        send_all(each, [sent for sent in everything() if sent[0] == "alice"])
    for each in (box, other):
        each.write_sync(partial(recount, user_id=ALICE, days=Days("UTC"), now=NOW))
    assert counted(box) == counted(other)
    other.close_sync()


def test_nothing_closed_outlives_its_person(box: Database) -> None:
    run(box)
    for name in PEOPLE:
        box.write_sync(partial(delete_user, name=name, caller=OPERATOR, now=NOW))
    for table in (*DETAIL, "closed_people", "kept_days"):
        assert rows(box, table) == 0, table


def test_what_a_closed_session_counts_cannot_be_moved(box: Database) -> None:
    run(box)
    before = figures(box)
    for name, verdict in (("work-102", "exclude"), ("work-100", "restore")):
        with pytest.raises(Conflict, match="older than detail is kept"):
            box.write_sync(partial(_judge, name=name, verdict=verdict))
    assert box.write_sync(partial(_judge, name="work-102", verdict="fine"))
    assert figures(box) == before
    assert run(box).rows == {"anomalies": 1}
    # What is left out of ranking stays out, also with what comes later.
    send_all(box, [("alice", Road.TRANSCRIPTS, [a_report(a_record("more", at=NOW - 100 * DAY), session="work-100")])])
    assert counted(box) == counted_in(before)


def test_the_page_of_flagged_sessions_offers_nothing_that_a_closed_one_cannot_do(box: Database) -> None:
    def offered(state: Any) -> dict[str, tuple[str, ...]]:
        found = box.read_sync(partial(store.flagged_sessions, state=state, limit=9, offset=0))
        page = anomalies(state, 1, found, {}, about=None, now=NOW, zone="UTC")
        return {row.day: tuple(act.label for act in row.acts) for row in page.rows}

    old, young = clock.shift(TODAY, -100), clock.shift(TODAY, -10)
    assert offered("excluded") == {old: ("Restore",), young: ("Restore",)}
    assert offered("open") == {clock.shift(TODAY, -102): ("Leave out", "Let it count")}
    run(box)
    assert offered("excluded") == {old: (), young: ("Restore",)}
    assert offered("open") == {clock.shift(TODAY, -102): ("Let it count",)}


def counted_in(shown: dict[str, Any]) -> tuple[int, int, int]:
    totals = shown[f"totals {ALICE}"]
    return totals.total_input_tokens, totals.total_output_tokens, totals.total_sessions


def test_new_prices_reach_what_is_open_alone(db: Database, send: Send) -> None:
    send(a_report(a_record("m1", at=NOW - 100 * DAY, model="nobody-knows")))
    send(a_report(a_record("m2", at=NOW - DAY, model="nobody-knows"), session="s2"))
    apply_prices(db, days=Days("UTC"), now=NOW)
    run(db)
    table = Table("a test", "2026-01-02", {"nobody-knows": Price({"standard": Rates(1, 1, 1, 1, 1)})})
    db.write_sync(lambda conn: load(conn, table, digest="another", now=NOW))
    assert apply_prices(db, days=Days("UTC"), now=NOW) == 1
    found = db.read_sync(partial(store.user_totals, user_id=ALICE))
    assert (found.total_cost, found.total_unpriced) == (15_000, 1)


# -- daily rows


def test_a_late_record_of_a_day_without_rows_moves_totals_alone(box: Database) -> None:
    run(box)
    before = box.read_sync(partial(store.user_totals, user_id=BOB))
    late = a_report(a_record("late", at=NOW - 450 * DAY), session="late")
    send_all(box, [("bob", Road.TRANSCRIPTS, [late])])
    after = box.read_sync(partial(store.user_totals, user_id=BOB))
    assert after.total_all_tokens == before.total_all_tokens + 15
    assert run(box).rows == {"usage_records": 1, "sessions": 1, "token_usage": 1}
    box.write_sync(partial(recount, user_id=BOB, days=Days("UTC"), now=NOW))
    assert box.read_sync(partial(store.user_totals, user_id=BOB)) == after
    assert box.read_sync(partial(store.longest_streak, user_id=BOB)) == 140


# -- the job and the command


@pytest.fixture
def quiet_again() -> Iterator[None]:
    """Leave the logging of the process as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("quiet_again")
def test_the_nightly_job_says_what_it_did_in_the_log_too(box: Database, capsys: pytest.CaptureFixture[str]) -> None:
    (job,) = [each for each in JOBS if each.name == "arena.usage.retain"]
    assert job.when == At(2, 0)
    work = Work(box, Config(), place(box.path.parent), Days("UTC"), lambda: NOW)
    told = look(box, KEEP, days=Days("UTC"), now=NOW).rows
    log.configure("info")
    said = job.do(work)
    logged = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines()]
    assert job.do(work) is None
    assert capsys.readouterr().err == ""
    assert {each["table"]: each["count"] for each in logged if each["event"] == "retention"} == told
    assert said is not None
    assert said.startswith(f"{rows(box, 'closed_records')} usage_records, ")
    assert said.endswith(" writes")


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


Said = Callable[..., str]


@pytest.fixture
def say(box: Database, capsys: pytest.CaptureFixture[str], at_noon: None) -> Said:
    def command(*words: str) -> str:
        assert admin.main([*words, "--data", str(box.path.parent)]) == 0
        return capsys.readouterr().out

    return command


def test_the_command_says_what_goes_and_lets_it_go(box: Database, say: Said) -> None:
    box.write_sync(_other_old_things)
    told = say("retention", "--dry-run")
    assert rows(box, "closed_records") == 0
    assert "WOULD GO" in told
    assert "the identities stay" in told
    done = msgspec.json.decode(say("retention", "--json"))
    assert done["dry_run"] is False
    assert done["rows"]["usage_records"] == rows(box, "closed_records") > 0
    assert (done["rows"]["rankings"], done["rows"]["deliveries"]) == (1, 1)
    said = dict(line.split() for line in told.splitlines()[1:-1])
    assert {table: int(count.replace(",", "")) for table, count in said.items()} == done["rows"]
    assert say("retention") == "Nothing is older than it is kept.\n"
    assert say("retention", "--dry-run") == "Nothing is older than it is kept.\n"


def test_a_year_later_the_command_says_and_lets_go_all_there_is(
    box: Database, say: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + 402 * DAY)
    told = msgspec.json.decode(say("retention", "--dry-run", "--json"))["rows"]
    assert told["security_audit_log"] > 0
    assert msgspec.json.decode(say("retention", "--json"))["rows"] == told
    for table in ("usage_records", "token_usage", "daily_user_stats", "daily_tool_stats", "security_audit_log"):
        assert rows(box, table) == 0
    assert counted(box) == counted_in(figures(box))


def _other_old_things(conn: sqlite3.Connection) -> None:
    enqueue(conn, Webhook("json", "{}"), topic="a test", now=NOW - 31 * DAY)
    conn.execute("UPDATE deliveries SET state = 'dead', settled_at = created_at")
    places = (1, 1, 1, 1, 1, None, 1.0, 1.0, 1, 1, 1, 1, 1, 0, 0, 0)
    put_rankings(conn, [Ranked("daily", clock.shift(TODAY, -31), ALICE, *places)])


def test_recompute_says_which_days_are_closed(box: Database, say: Said) -> None:
    say("retention")
    said = say("recompute")
    assert said.startswith("3 people recomputed.\n")
    assert f"Days up to {clock.shift(TODAY, -91)} are closed" in said
    assert say("recompute", "--since", TODAY).startswith("3 people recomputed.\n")
    assert say("recompute", "--since", "2026-12-01") == "0 people recomputed.\n"
