"""Sessions far above what is usual are stored, flagged and told; what an administrator excludes counts for nothing."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database as Tables

from arena.accounts import store as accounts
from arena.audit.models import Caller
from arena.core import sqlite
from arena.core.clock import Days
from arena.core.config import Config
from arena.core.db import Database
from arena.core.errors import Conflict, NotFound
from arena.core.migrate import migrate
from arena.leaderboard.actions.boards import board
from arena.prices.actions import load
from arena.prices.models import Table
from arena.rooms import schemas
from arena.usage import store
from arena.usage.actions.anomalies import judge
from arena.usage.actions.costs import reprice
from arena.usage.actions.recount import forget, recount
from arena.usage.models import Anomaly, Road, StoredSession, Totals
from arena.usage.rules.doubts import RECENT, Usual, doubts
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, HOUR, PRICE, SUMS, Send, a_record, a_report, counted, sums

ALICE, ADMIN = PEOPLE["alice"], PEOPLE["carol"]
TODAY = "2026-11-20"
HERE = Caller("192.0.2.7", "a browser")

Judge = Callable[..., bool]


@pytest.fixture
def decide(db: Database, days: Days) -> Judge:
    def write(session: str, verdict: str, now: int = NOW) -> bool:
        deed = partial(judge, session_id=_id(db, session), verdict=verdict, days=days, caller=HERE, now=now, by=ADMIN)
        return db.write_sync(deed)  # type: ignore[arg-type]

    return write


def _id(db: Database, session: str) -> str:
    """The id of a session by the name that a test gave it, for any tool."""
    from arena.usage.models import TOOLS
    from arena.wire import session_hash

    hashes = [session_hash(tool.id, session) for tool in TOOLS]
    found = db.read_sync(partial(store.sessions_by_hash, user_id=ALICE, hashes=hashes))
    return next((each.id for each in found), session)


def one(name: str, tokens: int = 100, at: int = NOW - HOUR, **fields: Any) -> Any:
    """A session with one record of so many tokens, all input."""
    return a_report(a_record(f"m-{name}", at=at, **{"input": tokens, "output": 0, **fields}), session=name)


def usual_sessions(send: Send, count: int = 10, tokens: int = 100) -> None:
    for number in range(count):
        send(one(f"u{number}", tokens, at=NOW - 3 * DAY))


def flagged(db: Database, state: str = "open") -> list[tuple[str, str, int | None, int]]:
    """Reasons, model, rolling mean, and tokens of the flagged sessions."""
    rows = db.read_sync(lambda conn: store.flagged_sessions(conn, state, 50, 0))
    return [(row.name, row.reasons, row.usual, row.input_tokens + row.output_tokens) for row in rows]


def told(db: Database, event: str) -> list[dict[str, Any]]:
    def read(conn: sqlite3.Connection) -> list[dict[str, Any]]:
        rows = conn.execute("SELECT details FROM security_audit_log WHERE event_type = ? ORDER BY seq", (event,))
        return [msgspec.json.decode(row[0]) for row in rows]

    return db.read_sync(read)


# -- what is usual


@pytest.mark.parametrize(("earlier", "tokens", "flags"), [(10, 1_001, 1), (10, 1_000, 0), (9, 1_000_000, 0)])
def test_a_session_above_ten_times_the_mean_of_at_least_ten_is_flagged(
    db: Database, send: Send, earlier: int, tokens: int, flags: int
) -> None:
    usual_sessions(send, earlier)
    send(one("big", tokens))
    assert flagged(db) == [("alice", "size", 100, tokens)] * flags
    assert counted(db) == (earlier * 100 + tokens, 0, earlier + 1)


def test_it_is_told_once_however_often_it_is_sent_and_grows(db: Database, send: Send) -> None:
    usual_sessions(send)
    for tokens in (5_000, 5_000, 9_000):
        send(one("big", tokens))
    assert flagged(db) == [("alice", "size", 100, 9_000)]
    [event] = told(db, "suspicious_activity")
    assert event == {"session": _id(db, "big"), "tokens": 5_000, "usual": 100, "reasons": ["size"]}


def test_a_session_that_grows_beyond_is_flagged_when_it_does(db: Database, send: Send) -> None:
    usual_sessions(send)
    send(one("big", 900))
    assert flagged(db) == []
    send(one("big", 1_100))
    assert flagged(db) == [("alice", "size", 100, 1_100)]


def test_the_mean_is_of_the_last_thirty_sessions_and_of_nobody_else(db: Database, send: Send) -> None:
    for number in range(20):
        send(one(f"b{number}", 1, at=NOW - DAY), person="bob")
    usual_sessions(send, 40, tokens=1_000_000)
    usual_sessions(send, 0)
    for number in range(30):
        send(one(f"small{number}", 10))
    send(one("big", 101))
    assert flagged(db) == [("alice", "size", 10, 101)]


def test_a_first_sync_of_everything_is_weighed_session_by_session(db: Database, send: Send) -> None:
    send(*(one(f"s{number}", 100_000 if number == 15 else 100) for number in range(20)))
    assert flagged(db) == [("alice", "size", 100, 100_000)]


def test_a_price_that_becomes_known_flags_nothing(db: Database, send: Send, days: Days) -> None:
    for number in range(42):
        send(one(f"s{number}", 100 if number < 12 else 5, model="claude-z"))
    table = Table("another", "2026-01-01", {"claude-z": PRICE})
    db.write_sync(lambda conn: load(conn, table, digest="another", now=NOW))
    assert db.write_sync(lambda conn: reprice(conn, ALICE, since="2026-01-01", days=days, now=NOW)) == 42
    assert flagged(db) == []


def test_cache_tokens_make_no_session_large(db: Database, send: Send) -> None:
    usual_sessions(send)
    send(one("cached", 100, cache_read=10_000_000))
    assert flagged(db) == []


def test_the_rolling_mean_moves_as_sessions_come_grow_and_go() -> None:
    usual = Usual({})
    for number in range(1, 11):
        usual.put(number, number)
        assert usual.mean(without=0) == (5.5 if number == 10 else None)
    assert usual.mean(without=10) is None
    usual.put(11, 100)
    assert usual.mean(without=11) == 5.5
    usual.put(11, 200)
    assert usual.mean(without=0) == 255 / 11
    usual.put(11, 0)
    assert (usual.mean(without=0), usual.is_short) == (5.5, False)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=200),
)
def test_the_mean_is_that_of_the_last_thirty_unless_it_says_that_one_is_missing(changes: list[tuple[int, int]]) -> None:
    usual, everything = Usual({}), {}
    for number, tokens in changes:
        usual.put(number, tokens)
        everything[number] = tokens
        last = sorted(n for n, t in everything.items() if t)[-RECENT:]
        if usual.is_short:
            usual = Usual({n: everything[n] for n in last})
        assert list(usual.recent) == last
        others = [everything[n] for n in last if n != number]
        assert usual.mean(without=number) == (sum(others) / len(others) if len(others) >= 10 else None)


# -- what nobody can do


def a_session(seconds: int) -> StoredSession:
    fields = dict.fromkeys(StoredSession.__struct_fields__, 0) | {"ended_at": NOW + seconds * 1000, "started_at": NOW}
    return StoredSession(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "output", "reasons"),
    [
        (60, 400_000, []),
        (60, 400_001, ["rate"]),
        (1, 64_000, []),  # one step of a tool that says it lasts a second
        (0, 90_000_000, []),  # nobody said how long it lasted
        (86_400, 432_000_000, []),
    ],
)
def test_more_output_than_can_be_written_in_the_time_is_doubted(seconds: int, output: int, reasons: list[str]) -> None:
    totals = Totals(output=output)
    assert doubts(a_session(seconds), totals, None, is_beyond=False, fills_day=False) == reasons


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"output": 1_000_000}, None),
        ({"output": 1_000_001}, "response"),
        ({"input": 20_000_000}, None),
        ({"cache_read": 20_000_001}, "response"),
    ],
)
def test_a_response_that_no_model_gives_is_flagged(
    db: Database, send: Send, fields: dict[str, int], reasons: str | None
) -> None:
    send(a_report(a_record(**{"input": 0, "output": 0, **fields})))
    assert [row[1] for row in flagged(db)] == ([reasons] if reasons else [])


def test_a_record_that_is_a_whole_session_is_no_response(db: Database, send: Send) -> None:
    send(one("whole", 0, output=50_000_000), road=Road.SESSION_API)
    send(a_report(a_record("run", input=0, output=2_000_000), session="run", tool="goose"))
    assert flagged(db) == []


def test_the_session_that_takes_a_day_beyond_what_can_be_written_is_flagged(db: Database, send: Send) -> None:
    api = Road.SESSION_API
    send(one("a", 0, output=60_000_000), road=api)
    send(one("other-day", 0, output=60_000_000, at=NOW - DAY), road=api)
    assert flagged(db) == []
    send(one("b", 0, output=40_000_000), one("c", 0, output=40_000_000 + 1), one("d", 9), road=api)
    assert flagged(db) == [("alice", "day", None, 40_000_001)]
    send(one("e", 0, output=10_000_000), road=api)
    assert len(flagged(db)) == 1


# -- what an administrator decides


def test_an_excluded_session_is_in_no_sum_and_on_no_board(db: Database, send: Send, decide: Judge, days: Days) -> None:
    usual_sessions(send)
    before = sums(db)
    send(one("big", 5_000, cache_read=9, tools={"Read": 2}), person="alice")
    send(one("bobs", 2_000), person="bob")
    assert _order(db) == ["alice", "bob"]
    assert decide("big", "exclude")
    assert _order(db) == ["bob", "alice"]
    assert counted(db) == (1_000, 0, 10)
    after = sums(db)
    for table in ("daily_user_stats", "user_stats", "user_tool_stats"):
        mine = [row for row in after[table] if row[0] == ALICE]
        assert [row[:6] for row in mine] == [row[:6] for row in before[table]]
    assert flagged(db, "excluded") == [("alice", "size", 100, 5_000)]
    rows = db.read_sync(
        lambda conn: conn.execute("SELECT counted FROM usage_records WHERE input_tokens = 5000").fetchall()
    )
    assert [row[0] for row in rows] == [0]


def _order(db: Database) -> list[str]:
    made = db.read_sync(lambda conn: board(conn, "all_time", "tokens", today=TODAY, config=Config()))
    return [each.name for each in made.standings]


def test_restoring_puts_everything_back(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send)
    send(a_report(a_record("x", input=900), a_record("y", at=NOW - DAY, input=900), session="big"))
    before = sums(db)
    decide("big", "exclude")
    assert sums(db) != before
    decide("big", "restore")
    assert sums(db) == before
    assert flagged(db) == flagged(db, "excluded") == []
    assert flagged(db, "fine") == [("alice", "size", 100, 1_810)]


def test_an_excluded_session_that_grows_stays_excluded(db: Database, send: Send, decide: Judge, days: Days) -> None:
    usual_sessions(send)
    send(one("big", 5_000))
    decide("big", "exclude")
    send(one("big", 6_000))
    send(a_report(a_record("more", input=70, output=0), session="big"))
    assert counted(db) == (1_000, 0, 10)
    assert flagged(db, "excluded") == [("alice", "size", 100, 6_070)]
    db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
    assert counted(db) == (1_000, 0, 10)
    assert flagged(db, "excluded") == [("alice", "size", 100, 6_070)]
    decide("big", "restore")
    assert counted(db) == (7_070, 0, 11)
    assert len(told(db, "suspicious_activity")) == 1


def test_what_was_excluded_does_not_come_back_by_another_road(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send)
    send(one("big", 5_000))
    send(a_report(a_record("session-api:x", "", input=4_900), session="x"), road=Road.SESSION_API)
    send(a_report(a_record("session-api:big", "", input=4_900), session="big"), road=Road.SESSION_API)
    decide("big", "exclude")
    assert counted(db) == (1_000, 0, 10)


def test_an_excluded_session_does_not_count_when_its_road_counts_again(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send)
    for name, tokens in (("big", 5_000), ("other", 50)):
        lone = a_record(f"session-api:{name}", "", input=tokens, output=0)
        send(a_report(lone, session=name), road=Road.SESSION_API)
    decide("big", "exclude")
    send(one("late", 30))
    assert counted(db) == (1_030, 0, 11)
    send(one("late", 30, at=NOW - 2 * DAY))  # an earlier copy: transcripts hold nothing of that day any more
    assert counted(db) == (1_080, 0, 12)
    db.read_sync(_check)


def test_a_replay_of_an_excluded_session_does_not_count_instead_of_it(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send)
    send(one("big", 5_000))
    send(a_report(a_record("m-big", "r9", input=5_000, output=0, sidechain=True), session="agent"))
    decide("big", "exclude")
    assert counted(db)[:2] == (1_000, 0)


def test_exclusions_leave_the_mean(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send)
    send(one("big", 5_000))
    decide("big", "exclude")
    send(one("next", 1_001))
    assert flagged(db) == [("alice", "size", 100, 1_001)]


def test_the_thirty_are_filled_up_when_one_of_them_is_excluded(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send, 40)
    send(one("big", 5_000))
    for verdict in ("exclude", "restore"):
        decide("big", verdict)
        noted = db.read_sync(partial(store.before_write, user_id=ALICE)).recent
        assert noted == db.read_sync(partial(store.last_sessions, user_id=ALICE, limit=RECENT))
        assert len(noted or ()) == RECENT


def test_what_was_found_fine_is_flagged_again_when_it_has_more_than_doubled(
    db: Database, send: Send, decide: Judge
) -> None:
    usual_sessions(send)
    send(one("big", 5_000))
    decide("big", "fine")
    send(one("big", 10_000))
    assert flagged(db) == []
    assert flagged(db, "fine") == [("alice", "size", 100, 5_000)]
    send(one("big", 10_001))
    assert flagged(db) == [("alice", "size", 100, 10_001)]
    assert len(told(db, "suspicious_activity")) == 2


def test_a_decision_twice_is_one_decision(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send)
    send(one("big", 5_000))
    assert not decide("big", "restore")
    assert [decide("big", "fine"), decide("big", "fine")] == [True, False]
    assert not decide("big", "restore")
    assert [decide("big", "exclude"), decide("big", "exclude")] == [True, False]
    with pytest.raises(Conflict, match="left out of ranking meanwhile"):
        decide("big", "fine")
    assert [decide("big", "restore"), decide("big", "restore")] == [True, False]
    for event in ("session_reviewed", "session_excluded", "session_restored"):
        assert told(db, event) == [{"session": _id(db, "big"), "by": ADMIN}]


def test_only_a_flagged_session_can_be_decided_on(db: Database, send: Send, decide: Judge) -> None:
    usual_sessions(send)
    for session in ("u1", "nothing"):
        with pytest.raises(NotFound):
            decide(session, "exclude")


def test_forgetting_a_project_takes_its_flags_along(db: Database, send: Send, decide: Judge, days: Days) -> None:
    usual_sessions(send)
    send(a_report(a_record("x", input=5_000), session="big", project="ab" * 8))
    decide("big", "exclude")
    db.write_sync(lambda conn: forget(conn, ALICE, "ab" * 8, prefix="p", caller=Caller(), days=days, now=NOW))
    assert flagged(db, "excluded") == []
    assert counted(db) == (1_000, 0, 10)


def test_deleting_a_person_takes_their_flags_along(db: Database, send: Send) -> None:
    usual_sessions(send)
    send(one("big", 5_000))
    db.write_sync(partial(accounts.delete_user, id=ALICE))
    for table in ("anomalies", "recent_sessions"):
        assert db.read_sync(lambda conn, table=table: conn.execute(f"SELECT * FROM {table}").fetchall()) == []


def test_a_release_before_exclusions_keeps_what_its_roads_brought(tmp_path: Path) -> None:
    file = tmp_path / "older.db"
    conn = sqlite.connect(file)
    for migrations in schemas():
        migrations.apply(Tables(conn), stop_before="0009_anomalies")
    accounts.add_user(conn, ALICE, "alice", "Alice", "member", None, NOW)
    conn.execute("INSERT INTO road_days VALUES (?, ?, 1, 3, 2, 4, 5, 6, 7, 8)", (ALICE, TODAY))
    conn.commit()
    conn.close()
    assert "usage.0009_anomalies" in migrate(file, schemas())
    conn = sqlite.connect(file, readonly=True)
    assert store.road_day(conn, ALICE, TODAY) == {1: {(Road.SESSION_API, 0): Totals(2, 4, 5, 6, 7, 8)}}
    conn.close()


# -- in any order

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("send"),
            st.integers(0, 3),  # session
            st.lists(
                st.tuples(st.integers(0, 4), st.integers(0, 1), st.integers(0, 2), st.booleans(), st.integers(0, 50)),
                min_size=1,
                max_size=4,
            ),
        ),
        st.tuples(st.just("api"), st.integers(0, 5), st.tuples(st.integers(0, 2), st.integers(0, 50))),
        st.tuples(st.sampled_from(["exclude", "restore", "fine"]), st.integers(0, 3), st.none()),
        st.tuples(st.just("recount"), st.none(), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_sums_are_those_of_what_counts_whatever_is_sent_excluded_restored_and_recounted(
    db: Database, send: Send, decide: Judge, days: Days, steps: list[tuple[str, Any, Any]]
) -> None:
    db.write_sync(_wipe)
    for what, session, more in steps:
        if what == "send":
            records = [
                a_record(f"m{message}", f"r{request}", at=NOW - day * DAY, sidechain=side, output=output)
                for message, request, day, side, output in more
            ]
            send(a_report(*records, session=f"s{session}"))
        elif what == "api":
            day, output = more
            lone = a_record(f"session-api:s{session}", "", at=NOW - day * DAY, output=output)
            send(a_report(lone, session=f"s{session}"), road=Road.SESSION_API)
        elif what == "recount":
            db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
        else:
            db.write_sync(_flag_everything)
            try:
                decide(f"s{session}", what)
            except (NotFound, Conflict):
                continue
        db.read_sync(_check)
    before = sums(db)
    db.write_sync(lambda conn: recount(conn, ALICE, days=days, now=NOW))
    assert sums(db) == before
    db.read_sync(_check)
    for session in range(6):
        if _id(db, f"s{session}") != f"s{session}":
            db.write_sync(_flag_everything)
            decide(f"s{session}", "restore")
    db.read_sync(_check)
    assert db.read_sync(lambda conn: conn.execute("SELECT * FROM road_days WHERE excluded = 1").fetchall()) == []


def _wipe(conn: sqlite3.Connection) -> None:
    for table in ("usage_records", "sessions", "recent_sessions", *SUMS):
        conn.execute(f"DELETE FROM {table}")


def _flag_everything(conn: sqlite3.Connection) -> None:
    known = store.anomalies_of_user(conn, ALICE)
    for session in store.sessions_of_user(conn, ALICE):
        if session.number not in known:
            store.put_anomaly(conn, Anomaly(session.number, ALICE, "open", "size", 1, 0, 0, 0, NOW, None, None))


def _check(conn: sqlite3.Connection) -> None:
    """Every sum is that of the records that count, and no record of an excluded session counts."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in conn.execute(sql)]

    excluded = "SELECT session FROM anomalies WHERE state = 'excluded'"
    assert ask(f"SELECT key FROM usage_records WHERE counted = 1 AND session IN ({excluded})") == []
    by_record = ask(
        "SELECT day, SUM(input_tokens), SUM(output_tokens) FROM usage_records WHERE counted = 1 "
        "GROUP BY day ORDER BY day"
    )
    assert by_record == ask(
        "SELECT stat_date, input_tokens, output_tokens FROM daily_user_stats WHERE total_tokens > 0 ORDER BY stat_date"
    )
    everything = tuple(sum(row[column] for row in by_record) for column in (1, 2))
    assert ask("SELECT total_input_tokens, total_output_tokens FROM user_stats") in ([everything], [])
    assert ask("SELECT SUM(input_tokens), SUM(output_tokens) FROM token_usage") in ([everything], [(None, None)])
    by_session = ask(
        "SELECT s.number, SUM(r.input_tokens), SUM(r.output_tokens) FROM usage_records AS r "
        "JOIN sessions AS s ON s.number = r.session WHERE r.counted = 1 GROUP BY s.number ORDER BY s.number"
    )
    assert by_session == ask(
        "SELECT s.number, t.input_tokens, t.output_tokens FROM token_usage AS t "
        "JOIN sessions AS s ON s.id = t.session_id WHERE t.total_tokens > 0 ORDER BY s.number"
    )
    by_tool = ask("SELECT day, tool, SUM(input_tokens) FROM usage_records WHERE counted = 1 GROUP BY day, tool")
    assert sorted(by_tool) == sorted(
        ask("SELECT stat_date, tool, input_tokens FROM daily_tool_stats WHERE input_tokens > 0")
    )
    days = ask("SELECT SUM(session_count) FROM daily_user_stats")[0][0] or 0
    assert days == (ask("SELECT total_sessions FROM user_stats") or [(0,)])[0][0]
    assert days <= ask(f"SELECT COUNT(*) FROM sessions WHERE first_at IS NOT NULL AND number NOT IN ({excluded})")[0][0]
    noted = store.before_write(conn, ALICE).recent
    assert noted is None or list(noted.items()) == list(store.last_sessions(conn, ALICE, RECENT).items())
