"""Telemetry beside transcripts: a response that both tell of is one record, whichever comes first, and no road adds."""

import sqlite3
from functools import partial
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlite_utils import Database as Tables

from arena.accounts import store as accounts
from arena.audit.models import OPERATOR
from arena.core import sqlite
from arena.core.clock import Days
from arena.core.db import Database
from arena.core.migrate import migrate
from arena.rooms import schemas
from arena.usage.actions.anomalies import judge
from arena.usage.actions.costs import reprice
from arena.usage.actions.records import record, record_all
from arena.usage.actions.recount import forget, recount
from arena.usage.models import TOOL_BY_ID, Event, Point, Report, Road, Write
from arena.usage.rules.telemetry import usage_of_events, usage_of_points
from arena.usage.store import road_day
from arena.wire import Record, short_hash
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, HOUR, SUMS, Send, a_record, a_report, counted, sums

ALICE = PEOPLE["alice"]
T, M, X, API = Road.TELEMETRY, Road.METRICS, Road.TRANSCRIPTS, Road.SESSION_API


def an_event(request: str = "r1", at: int = NOW - HOUR, session: str = "s1", **more: Any) -> Event:
    told = {"session.id": session, "model": "claude-x", "input_tokens": 10, "output_tokens": "5", **more}
    return Event(("claude_code.api_request", "", ""), {**told, **({"request_id": request} if request else {})}, at)


def events(*told: Event) -> list[Report]:
    found = usage_of_events(list(told), NOW)
    assert not found.refused, found.sentence
    return found.reports


def a_point(value: float = 10, at: int = NOW - HOUR, session: str = "s1", **more: Any) -> Point:
    """A number of a counter: of 10 input tokens in the minute before, unless told otherwise."""
    kind, start = more.pop("type", "input"), more.pop("start", at - 60_000)
    name, temporality = more.pop("name", "claude_code.token.usage"), more.pop("temporality", 1)
    told = {"session.id": session, "model": "claude-x", "type": kind, **more}
    stream = sha256(repr((name, sorted(told.items()), start if temporality == 2 else 0)).encode()).digest()[:16]
    return Point(name, told, start * 1_000_000, at * 1_000_000, value, temporality, stream)


def points(*told: Point) -> list[Report]:
    found = usage_of_points(list(told), NOW)
    assert not found.refused, found.sentence
    return found.reports


def a_transcript(request: str = "r1", message: str = "m1", session: str = "s1", **more: Any) -> Report:
    return a_report(_carrying(request, message, **more), session=session)


def _carrying(request: str, message: str, **more: Any) -> Record:
    return structs.replace(a_record(message, request, **more), request=short_hash(request))


def stored(db: Database) -> list[tuple[Any, ...]]:
    sql = "SELECT road, day, output_tokens, counted FROM usage_records ORDER BY road, day, output_tokens"
    return [tuple(row) for row in db.read_sync(lambda conn: conn.execute(sql).fetchall())]


def session_column(db: Database, column: str) -> list[Any]:
    sql = f"SELECT {column} FROM sessions ORDER BY number"
    return [row[0] for row in db.read_sync(lambda conn: conn.execute(sql).fetchall())]


# -- events alone


def test_an_event_is_a_record(db: Database, send: Send) -> None:
    told = an_event(cache_read_tokens=100, cache_creation_tokens=7, cost_usd=0.25, speed="fast")
    assert send(*events(told), road=T).stored == 1
    assert counted(db) == (10, 5, 1)
    sql = "SELECT cache_write_5m, cache_read_tokens, cost_recorded, speed, model, road, request FROM usage_records"
    row = db.read_sync(lambda conn: tuple(conn.execute(sql).fetchone()))
    assert row == (7, 100, 0.25, "fast", "claude-x", T, bytes.fromhex(short_hash("r1")))


@pytest.mark.parametrize("request_id", ["r1", ""], ids=["request", "no-request"])
def test_the_same_event_again_is_known(db: Database, send: Send, request_id: str) -> None:
    told = an_event(request_id, **{"event.sequence": 3})
    send(*events(told), road=T)
    before = sums(db)
    outcome = send(*events(told, told), road=T)
    assert (outcome.stored, outcome.grown, outcome.known) == (0, 0, 2)
    assert sums(db) == before


def test_without_requests_events_of_one_sequence_and_other_times_are_two(db: Database, send: Send) -> None:
    # A process that resumes a session counts its events from 0 again.
    sequence = {"event.sequence": 0}
    send(*events(an_event("", NOW - HOUR, **sequence), an_event("", NOW - HOUR + 1, **sequence)), road=T)
    assert counted(db) == (20, 10, 1)


def test_codex_and_gemini_tell_input_with_the_cache_in_it(db: Database, send: Send) -> None:
    codex = {"conversation.id": "c1", "event.kind": "response.completed", "model": "gpt-x"}
    codex |= {"input_token_count": 100, "cached_token_count": 60, "output_token_count": 7}
    gemini = {"session.id": "g1", "model": "gemini-x", "input_token_count": 50, "cached_content_token_count": 20}
    gemini |= {"output_token_count": 3, "thoughts_token_count": 4, "tool_token_count": 5, "prompt_id": "g1########1"}
    told = [
        Event(("", "codex.sse_event", ""), codex, NOW - HOUR),
        Event(("", "codex.sse_event", ""), {**codex, "event.kind": "response.created"}, NOW - HOUR),
        Event(("", "gemini_cli.api_response", ""), gemini, NOW - HOUR),
    ]
    send(*events(*told), road=T)
    sql = "SELECT tool, input_tokens, output_tokens, cache_read_tokens FROM usage_records ORDER BY tool"
    rows = [tuple(row) for row in db.read_sync(lambda conn: conn.execute(sql).fetchall())]
    assert rows == [(TOOL_BY_ID["gemini"].number, 35, 7, 20), (TOOL_BY_ID["codex"].number, 40, 7, 60)]
    assert send(*events(*told), road=T).known == 2


def test_a_prompt_is_one_turn_however_its_requests_arrive(db: Database, send: Send) -> None:
    first, second = ({"prompt.id": "p1", "query_source": source} for source in ("main", "main"))
    send(*events(an_event("r2", **second)), road=T)
    send(*events(an_event("r1", **first), an_event("r2", **second)), road=T)
    send(*events(an_event("r3", **{"prompt.id": "p2", "query_source": "auxiliary"})), road=T)
    send(*events(an_event("r4", **{"prompt.id": "p2"})), road=T)
    assert session_column(db, "turn_count") == [2]


# -- events and transcripts


@pytest.mark.parametrize("order", ["event first", "transcript first", "in one commit", "in one commit, other way"])
def test_a_response_that_both_tell_of_is_the_transcripts(db: Database, send: Send, days: Days, order: str) -> None:
    transcript = a_transcript(output=100, at=NOW - DAY, turns=1)
    event = events(an_event(output_tokens=999, at=NOW, **{"prompt.id": "p1"}))
    writes = [Write(event, T, NOW), Write([transcript], X, NOW)]
    if order in ("transcript first", "in one commit, other way"):
        writes.reverse()
    if "commit" in order:
        db.write_sync(lambda conn: record_all(conn, ALICE, writes, days=days))
    else:
        for write in writes:
            send(*write.reports, road=write.road)
    assert stored(db) == [(X, "2026-11-19", 100, 1)]
    assert counted(db) == (10, 100, 1)
    assert session_column(db, "turn_count") == [1]
    send(*event, road=T)
    send(transcript)
    assert stored(db) == [(X, "2026-11-19", 100, 1)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_two_machines_by_two_roads_give_the_same_in_any_order(db: Database, send: Send, order: tuple[int, ...]) -> None:
    # One machine has both roads, the other telemetry alone; on a day with transcripts only these count.
    yesterday = NOW - DAY
    deeds = [
        partial(send, a_transcript("r1", "m1", output=100), a_transcript("r2", "m2", output=50)),
        partial(send, *events(an_event("r1"), an_event("r2"), an_event("title")), road=T),
        partial(send, *events(an_event("other", session="s2"), an_event("r9", yesterday, session="s3")), road=T),
        partial(send, a_report(a_record("session-api:x", "", output=70, at=yesterday), session="x"), road=API),
    ]
    for number in order:
        deeds[number]()
    before = sums(db)
    assert stored(db) == [
        *((X, "2026-11-20", output, 1) for output in (50, 100)),
        (T, "2026-11-19", 5, 1),
        *((T, "2026-11-20", 5, 0) for _ in range(2)),
        (API, "2026-11-19", 70, 0),
    ]
    assert counted(db) == (30, 155, 2)
    for number in order:
        assert deeds[number]().stored == 0
    assert sums(db) == before


def test_somebody_who_begins_to_send_telemetry_had_transcripts_before(db: Database, send: Send) -> None:
    send(a_transcript("r1", "m1"), a_transcript("r2", "m2"))
    assert send(*events(an_event("r1"), an_event("r2"), an_event("r3")), road=T).known == 2
    assert counted(db) == (20, 10, 1)
    assert send(*events(an_event("r1")), person="bob", road=T).stored == 1


def test_nobody_who_sends_no_telemetry_pays_for_it(db: Database, send: Send) -> None:
    send(a_transcript("r1", "m1"))
    assert db.read_sync(lambda conn: conn.execute("SELECT COUNT(*) FROM transcript_requests").fetchone()[0]) == 0


def test_a_session_that_another_took_over_whole_is_none(db: Database, send: Send, days: Days) -> None:
    # A resumed session's file holds the older lines under its own name.
    other = a_transcript("r1", "m1", session="resumed")
    for order in ((0, 1), (1, 0)):
        db.write_sync(_wipe)
        for number in order:
            if number == 0:
                send(*events(an_event("r1", session="s1")), road=T)
            else:
                send(other)
        assert counted(db) == (10, 5, 1)
        before = sums(db)
        db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
        assert sums(db) == before


def test_across_midnight_the_transcripts_day_stands(db: Database, send: Send) -> None:
    midnight = NOW - 12 * HOUR
    send(*events(an_event("r1", at=midnight + 1)), road=T)
    send(a_transcript("r1", at=midnight - 1))
    assert [row[1] for row in sums(db)["daily_user_stats"]] == ["2026-11-19"]
    assert stored(db) == [(X, "2026-11-19", 5, 1)]


# -- counters


def test_deltas_add_up_once_in_any_order(db: Database, send: Send) -> None:
    deltas = [a_point(10, NOW - HOUR + n * 60_000) for n in range(3)] + [a_point(4, type="output"), a_point(0)]
    for order in ((2, 0, 1, 3, 4), (0, 1, 2, 3, 4)):
        for number in order:
            send(*points(deltas[number]), road=M)
    assert counted(db) == (30, 4, 1)


def sum_so_far(value: float, minute: int, start: int = NOW - 2 * HOUR, **more: Any) -> Point:
    return a_point(value, NOW - HOUR + minute * 60_000, start=start, temporality=2, **more)


def test_sums_count_by_what_they_rose(db: Database, send: Send) -> None:
    send(*points(sum_so_far(10, 1)), road=M)
    send(*points(sum_so_far(10, 2), sum_so_far(25, 3)), road=M)
    assert counted(db) == (25, 0, 1)


def test_a_sum_that_comes_again_or_late_adds_nothing(db: Database, send: Send) -> None:
    for told in ((25, 3), (25, 3), (10, 1), (30, 4), (25, 3)):
        send(*points(sum_so_far(*told)), road=M)
    assert counted(db) == (30, 0, 1)


def test_a_process_that_began_anew_counts_from_nothing(db: Database, send: Send) -> None:
    send(*points(sum_so_far(25, 1)), road=M)
    send(*points(sum_so_far(7, 3, start=NOW - HOUR)), road=M)
    send(*points(sum_so_far(8, 4, start=NOW - HOUR)), road=M)
    assert counted(db) == (33, 0, 1)


def test_a_sum_that_falls_without_a_new_start_began_anew(db: Database, send: Send) -> None:
    for value, minute in ((25, 1), (7, 2), (9, 3)):
        send(*points(sum_so_far(value, minute, start=0)), road=M)
    assert counted(db) == (34, 0, 1)


def test_two_exporters_of_one_key_have_streams_of_their_own(db: Database, send: Send) -> None:
    for session in ("s1", "s2"):
        send(*points(sum_so_far(25, 1, session=session)), road=M)
        send(*points(sum_so_far(40, 2, session=session)), road=M)
    assert counted(db) == (80, 0, 2)


def test_a_sum_over_midnight_is_on_both_days(db: Database, send: Send) -> None:
    midnight = NOW - 12 * HOUR
    start = midnight - HOUR
    for value, at in ((10, midnight - 60_000), (16, midnight + 60_000)):
        send(*points(a_point(value, at, start=start, temporality=2)), road=M)
    assert [row[1:3] for row in sums(db)["daily_user_stats"]] == [("2026-11-19", 10), ("2026-11-20", 6)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_events_and_counters_of_a_session_never_add_up(db: Database, send: Send, order: tuple[int, ...]) -> None:
    # The counter's last number comes after midnight, on a day without any event.
    midnight = NOW - 12 * HOUR
    deeds = [
        partial(send, *events(an_event("r1", midnight - 5_000)), road=T),
        partial(send, *points(a_point(10, midnight - 1), a_point(10, midnight + 5_000)), road=M),
        partial(
            send, *points(a_point(3, midnight + 5_000, name="claude_code.lines_of_code.count", type="added")), road=M
        ),
    ]
    for number in order:
        deeds[number]()
    assert counted(db) == (10, 5, 1)
    assert [row[:2] for row in sums(db)["user_tool_stats"]] == [(ALICE, 1)]
    assert session_column(db, "code_metrics") == ['{"linesAdded":3}']


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_transcripts_tell_all_of_a_session(db: Database, send: Send, order: tuple[int, ...]) -> None:
    midnight = NOW - 12 * HOUR
    lines = {"name": "claude_code.lines_of_code.count", "type": "added"}
    deeds = [
        partial(send, a_transcript("r1", at=midnight - 6_000, lines_added=4)),
        partial(send, *points(a_point(10, midnight + 5_000), a_point(3, midnight + 5_000, **lines)), road=M),
        partial(send, *events(an_event("r1", midnight + 5_000)), road=T),
    ]
    for number in order:
        deeds[number]()
    assert stored(db) == [(X, "2026-11-19", 5, 1)]
    assert counted(db) == (10, 5, 1)
    assert session_column(db, "code_metrics") == ['{"linesAdded":4}']


def test_no_long_prompt_is_read_into_a_sum(db: Database, send: Send) -> None:
    send(*points(a_point(300_000)), road=M)
    send(*events(an_event(input_tokens=300_000, output_tokens=0, session="s2", at=NOW - DAY)), road=T)
    costs = [
        row[0]
        for row in db.read_sync(lambda conn: conn.execute("SELECT cost FROM usage_records ORDER BY road").fetchall())
    ]
    assert costs == [300_000 * 6_000, 300_000 * 3_000]


# -- what else becomes of records


def test_a_forgotten_project_takes_along_what_telemetry_told_of_its_sessions(
    db: Database, send: Send, days: Days
) -> None:
    send(*events(an_event("r1"), an_event("title")), road=T)
    send(a_report(_carrying("r1", "m1"), project="ab" * 8))
    gone = db.write_sync(lambda conn: forget(conn, ALICE, "ab" * 8, prefix="p", caller=OPERATOR, days=days, now=NOW))
    assert gone == (1, 2)
    assert counted(db) == (0, 0, 0)
    assert send(*events(an_event("r1")), road=T).stored == 0


def test_an_excluded_session_stays_so_whatever_road_tells_of_it(db: Database, send: Send, days: Days) -> None:
    for number in range(12):
        send(a_transcript(f"u{number}", f"mu{number}", session=f"usual{number}", at=NOW - 3 * DAY))
    send(*events(an_event("big", output_tokens=9_000_000)), road=T)
    session = db.read_sync(
        lambda conn: conn.execute("SELECT s.id FROM anomalies a JOIN sessions s ON s.number = a.session").fetchone()[0]
    )
    choose = partial(
        judge, session_id=session, verdict="exclude", days=days, caller=OPERATOR, now=NOW, by=PEOPLE["carol"]
    )
    db.write_sync(choose)
    assert counted(db) == (120, 60, 12)
    send(a_transcript("big", "mbig", output=9_000_001))
    assert counted(db) == (120, 60, 12)
    before = sums(db)
    db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
    assert sums(db) == before


def test_deleting_a_person_takes_their_telemetry_along(db: Database, send: Send) -> None:
    send(a_transcript())
    send(*events(an_event("r2", **{"prompt.id": "p"})), road=T)
    send(*points(sum_so_far(10, 1, session="s9")), road=M)
    db.write_sync(partial(accounts.delete_user, id=ALICE))
    for table in ("telemetry_people", "transcript_requests", "telemetry_prompts", "metric_streams"):
        assert db.read_sync(lambda conn, table=table: conn.execute(f"SELECT * FROM {table}").fetchall()) == []


def test_a_release_before_telemetry_keeps_which_road_was_which(tmp_path: Path) -> None:
    file = tmp_path / "older.db"
    conn = sqlite.connect(file)
    for migrations in schemas():
        migrations.apply(Tables(conn), stop_before="0012_telemetry")
    accounts.add_user(conn, ALICE, "alice", "Alice", "member", None, NOW)
    for road in (1, 2, 3, 4):
        conn.execute(
            "INSERT INTO road_days VALUES (?, '2026-11-20', 1, ?, 0, 1, 1, ?, 0, 0, 0, 0, 0)", (ALICE, road, road)
        )
    conn.commit()
    conn.close()
    assert "usage.0012_telemetry" in migrate(file, schemas())
    conn = sqlite.connect(file, readonly=True)
    found = road_day(conn, ALICE, "2026-11-20")[1]
    assert {road: totals.input for (road, _), totals in found.items()} == {X: 1, T: 2, API: 3, Road.DAY_ROWS: 4}
    conn.close()


# -- anything in any order

REQUESTS, MESSAGES, SESSIONS = ("r0", "r1", "r2", "r3"), ("m0", "m1", "m2", "m3"), ("s0", "s1")
NUMBERS, DAYS, FIGURES = st.integers(0, 3), st.integers(0, 2), st.integers(1, 9)


def by_transcript(n: int, session: str, output: int) -> tuple[int, list[Report]]:
    """A response in a session's transcript: its own, or a later one's, into which it was copied."""
    return X, [a_transcript(REQUESTS[n], MESSAGES[n], session, at=NOW - n % 3 * DAY - 5_000, output=output)]


def by_event(n: int, output: int) -> tuple[int, list[Report]]:
    """The same response, which is told when it is over."""
    return T, events(an_event(REQUESTS[n], NOW - n % 3 * DAY, SESSIONS[n % 2], output_tokens=output))


def by_counter(value: int, session: str, day: int, temporality: int) -> tuple[int, list[Report]]:
    return M, points(a_point(value, NOW - day * DAY, session, temporality=temporality, start=NOW - 9 * DAY))


def by_session_api(day: int, output: int) -> tuple[int, list[Report]]:
    return API, [a_report(a_record("session-api:a", "", at=NOW - day * DAY, output=output), session="a")]


WRITES = st.lists(
    st.one_of(
        st.builds(by_transcript, NUMBERS, st.sampled_from(SESSIONS), FIGURES),
        st.builds(by_event, NUMBERS, FIGURES),
        st.builds(by_counter, FIGURES, st.sampled_from(SESSIONS), DAYS, st.sampled_from([1, 2])),
        st.builds(by_session_api, DAYS, FIGURES),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES, together=st.booleans())
def test_sums_are_always_the_sums_of_what_counts(
    db: Database, days: Days, writes: list[tuple[int, list[Report]]], together: bool
) -> None:
    db.write_sync(_wipe)
    if together:
        db.write_sync(
            lambda conn: record_all(conn, ALICE, [Write(reports, road, NOW) for road, reports in writes], days=days)
        )
    else:
        for road, reports in writes:
            db.write_sync(
                lambda conn, road=road, reports=reports: record(conn, ALICE, reports, road, days=days, now=NOW)
            )
    before = sums(db)
    assert db.read_sync(_by_day) == db.read_sync(_by_record)
    for day, tool, road_count in db.read_sync(_counting_roads):
        assert road_count == 1, (day, tool)
    assert db.read_sync(_told_twice) == []
    db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
    assert sums(db) == before
    db.write_sync(lambda conn: reprice(conn, ALICE, since="2000-01-01", days=days, now=NOW))
    assert sums(db) == before


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_end_is_the_same_in_any_order(db: Database, days: Days, data: st.DataObject) -> None:
    # Sums so far are left out: told late they are older than what is known, and their days are those of the arrival.
    writes = [each for each in data.draw(WRITES) if not (each[0] == M and each[1][0].streams)]
    found = []
    for order in (writes, data.draw(st.permutations(writes))):
        db.write_sync(_wipe)
        for road, reports in order:
            db.write_sync(
                lambda conn, road=road, reports=reports: record(conn, ALICE, reports, road, days=days, now=NOW)
            )
        found.append((db.read_sync(_by_record), stored(db)))
    assert found[0] == found[1]


TELEMETRY = (
    "telemetry_people",
    "transcript_requests",
    "telemetry_prompts",
    "metric_streams",
    "recent_sessions",
    "anomalies",
)


def _wipe(conn: sqlite3.Connection) -> None:
    for table in ("usage_records", *TELEMETRY, "sessions", *SUMS):
        conn.execute(f"DELETE FROM {table}")


def _rows(conn: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in conn.execute(sql)]


def _by_day(conn: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return _rows(
        conn, "SELECT stat_date, input_tokens, output_tokens FROM daily_user_stats WHERE total_tokens > 0 ORDER BY 1"
    )


def _by_record(conn: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return _rows(
        conn,
        "SELECT day, SUM(input_tokens), SUM(output_tokens) FROM usage_records WHERE counted = 1 GROUP BY 1 ORDER BY 1",
    )


def _counting_roads(conn: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return _rows(conn, "SELECT day, tool, COUNT(DISTINCT road) FROM usage_records WHERE counted = 1 GROUP BY day, tool")


def _told_twice(conn: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Requests that two roads tell of; sessions that have tokens by counters and by a better road."""
    return _rows(
        conn,
        "SELECT request FROM usage_records WHERE request IS NOT NULL GROUP BY request HAVING COUNT(DISTINCT road) > 1",
    ) + _rows(
        conn,
        "SELECT session FROM usage_records WHERE road <= 3 GROUP BY session HAVING MAX(road) = 3 AND MIN(road) < 3",
    )
