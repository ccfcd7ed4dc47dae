"""No road adds to another: everything sent by every road, in any order, twice, from two machines, counts once."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from arena.audit.models import OPERATOR
from arena.core.clock import Days
from arena.core.db import Database
from arena.usage import store
from arena.usage.actions.anomalies import judge
from arena.usage.actions.records import record
from arena.usage.actions.recount import forget, recount
from arena.usage.models import Anomaly, Report, Road
from arena.usage.rules.day_rows import day_reports
from arena.wire import Record, session_hash
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, SUMS, a_record, a_report, sums

ALICE = PEOPLE["alice"]
UTC = Days("UTC")
SECRET = "5ec2e7" + "0" * 10
TOOLS = {"claude-code": "claude-x", "codex": "gpt-x", "gemini": "gemini-x", "opencode": "glm-x"}
DAYS = range(6)
"""How many days ago. The further back, the fewer roads tell of it."""
KNOWN_BY = {
    Road.TRANSCRIPTS: {0, 4, 5},
    Road.TELEMETRY: {0, 1},
    Road.SESSION_API: {0, 1, 2},
    Road.DAY_ROWS: {0, 1, 2, 3, 5},
}
LONELY = 5
"""On this day there was the secret project alone, and ccusage does not tell the tools apart."""
Sums = dict[tuple[str, int], tuple[int, int]]
"""Input and output by tool and day."""


def sessions_of(ago: int) -> str:
    return "a" if ago == LONELY else "ab"


def responses(tool: str, ago: int, session: str) -> list[Record]:
    """What was truly used in one of the two sessions of a tool and day."""
    base = 100 * (list(TOOLS).index(tool) + 1) + 10 * ago + (1 if session == "a" else 2)
    return [
        a_record(
            f"{tool}:{ago}:{session}:{number}",
            "r",
            at=NOW - ago * DAY - number * 60_000,
            model=TOOLS[tool],
            input=base + number,
            output=2 * base + number,
        )
        for number in range(3)
    ]


def by_transcripts(tool: str, ago: int, machine: int) -> list[Report]:
    """Both machines have the tree, the second an older copy of it, with a replay in a sidechain."""
    found = []
    for session in sessions_of(ago):
        records = responses(tool, ago, session)
        if machine == 2:
            records = [structs.replace(each, output=each.output - 1) for each in records]
            records.append(a_record(f"{tool}:{ago}:{session}:0", "again", at=records[0].at, sidechain=True, output=9))
        secret = SECRET if session == "a" else ""
        found.append(a_report(*records, session=f"{ago}{session}", tool=tool, project=secret))
    return found


def by_telemetry(tool: str, ago: int, machine: int) -> list[Report]:
    """Each machine tells of one session's responses as they were asked for, and of one that no transcript holds."""
    session = "ab"[machine % 2 - 1]
    records = [structs.replace(each, output=each.output - 1) for each in responses(tool, ago, session)]
    lone = a_record(f"{tool}:{ago}:{session}:lone", "r", at=NOW - ago * DAY, model=TOOLS[tool], input=7, output=7)
    return [a_report(*records, lone, session=f"{ago}{session}", tool=tool)]


def by_session_api(tool: str, ago: int, machine: int) -> list[Report]:
    """Whole sessions; of the second machine they have not grown as far."""
    found = []
    for session in sessions_of(ago):
        taken, written = totals(responses(tool, ago, session))
        name = session_hash(tool, f"{ago}{session}")
        whole = a_record(f"session-api:{name}", "", at=NOW - ago * DAY, input=taken, output=written + 1 - machine)
        found.append(a_report(whole, session=f"{ago}{session}", tool=tool))
    return found


def by_day_rows(tool: str, ago: int, machine: int) -> list[Report]:
    """Each machine sums up one session of the day, beside the others in one row that mixes the tools."""
    session = sessions_of(ago)[machine % 2 - 1]
    entries = []
    for mixed in (True,) if ago == LONELY else (False, True):
        told = [each for each in TOOLS if each == tool or mixed]
        models = []
        for each in told:
            taken, written = totals(responses(each, ago, session))
            models.append({"modelName": TOOLS[each], "inputTokens": taken, "outputTokens": written})
        entries.append(
            {
                "date": UTC.of(NOW - ago * DAY),
                **({"agents": ["claude", "codex", "gemini", "opencode"]} if mixed else {"tool": tool}),
                "inputTokens": sum(each["inputTokens"] for each in models),
                "outputTokens": sum(each["outputTokens"] for each in models),
                "modelBreakdowns": models,
            }
        )
    reports, problems = day_reports(json.dumps({"entries": entries, "machine": f"m{machine}"}).encode(), NOW)
    assert not problems
    return reports


ROADS: dict[int, Callable[[str, int, int], list[Report]]] = {
    Road.TRANSCRIPTS: by_transcripts,
    Road.TELEMETRY: by_telemetry,
    Road.SESSION_API: by_session_api,
    Road.DAY_ROWS: by_day_rows,
}
EVERYTHING = [
    (road, tool, ago, machine)
    for road in ROADS
    for tool in TOOLS
    for ago in DAYS
    for machine in (1, 2)
    if ago in KNOWN_BY[road]
]


def totals(records: list[Record]) -> tuple[int, int]:
    return sum(each.input for each in records), sum(each.output for each in records)


def truth(without: str = "") -> Sums:
    """What must count: of each tool and day what its best road tells, on days with transcripts one session less."""
    found: Sums = {}
    for tool in TOOLS:
        for ago in DAYS:
            sessions = [each for each in sessions_of(ago) if each != without or ago not in KNOWN_BY[Road.TRANSCRIPTS]]
            records = [each for session in sessions for each in responses(tool, ago, session)]
            if ago == 1:  # telemetry, of which each response lacks a token and each session has one more response
                records = [structs.replace(each, output=each.output - 1) for each in records]
                records += [a_record(input=7, output=7) for _ in sessions]
            if records:
                found[tool, ago] = totals(records)
    return found


def told(db: Database) -> Sums:
    """What counts, of every sum that is kept; they must agree."""
    ago = {UTC.of(NOW - number * DAY): number for number in DAYS}

    def read(conn: sqlite3.Connection) -> tuple[Sums, Sums]:
        by_tool = {
            (row[0], ago[row[1]]): (row[2], row[3])
            for row in conn.execute(
                "SELECT t.id, d.stat_date, d.input_tokens, d.output_tokens FROM daily_tool_stats AS d "
                "JOIN tool_types AS t ON t.number = d.tool WHERE d.input_tokens > 0"
            )
        }
        by_day: Sums = defaultdict(lambda: (0, 0))
        for day in store.days(conn, ALICE, "", "9999"):
            for tool, figures in json.loads(day.by_tool).items():
                if figures["input"]:
                    by_day[tool, ago[day.stat_date]] = figures["input"], figures["output"]
        everything = store.user_totals(conn, ALICE)
        assert everything is not None
        all_of_it = tuple(sum(each[n] for each in by_tool.values()) for n in (0, 1))
        assert (everything.total_input_tokens, everything.total_output_tokens) == all_of_it
        return by_tool, dict(by_day)

    by_tool, by_day = db.read_sync(read)
    assert by_tool == by_day
    return by_tool


def deliver(db: Database, road: int, tool: str, ago: int, machine: int) -> None:
    reports = ROADS[road](tool, ago, machine)
    db.write_sync(lambda conn: record(conn, ALICE, reports, road, days=UTC, now=NOW))


def wipe(conn: sqlite3.Connection) -> None:
    for table in ("usage_records", "sessions", "recent_sessions", *SUMS):
        conn.execute(f"DELETE FROM {table}")


def in_order(db: Database, order: Iterator[tuple[int, str, int, int]]) -> None:
    db.write_sync(wipe)
    for each in order:
        deliver(db, *each)


ORDERS = st.permutations([*EVERYTHING, *EVERYTHING])
often = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(order=ORDERS)
def test_whatever_is_sent_by_which_road_first_counts_once(db: Database, order: Any) -> None:
    in_order(db, order)
    assert told(db) == truth()
    before = sums(db)
    db.write_sync(partial(recount, user_id=ALICE, days=UTC, now=NOW))
    assert sums(db) == before


@often
@given(order=ORDERS, at=st.integers(0, len(EVERYTHING)))
def test_a_recount_in_between_changes_nothing(db: Database, order: Any, at: int) -> None:
    in_order(db, order[:at])
    db.write_sync(partial(recount, user_id=ALICE, days=UTC, now=NOW))
    for each in order[at:]:
        deliver(db, *each)
    assert told(db) == truth()


@often
@given(order=ORDERS)
def test_the_lower_roads_count_where_there_is_no_higher_one(db: Database, order: Any) -> None:
    in_order(db, [each for each in order if each[0] in (Road.SESSION_API, Road.DAY_ROWS)])
    expected = {
        (tool, ago): totals([each for session in "ab" for each in responses(tool, ago, session)])
        for tool in TOOLS
        for ago in KNOWN_BY[Road.DAY_ROWS] - {LONELY}
    }
    lonely = [totals(responses(tool, LONELY, "a")) for tool in TOOLS]  # on two machines
    expected["opencode", LONELY] = tuple(2 * figure for figure in lonely.pop())  # nobody else uses such a model
    expected["unknown", LONELY] = tuple(2 * sum(figures) for figures in zip(*lonely, strict=True))
    assert told(db) == expected


@often
@given(order=ORDERS)
def test_what_was_left_out_of_ranking_comes_back_by_no_road(db: Database, order: Any) -> None:
    in_order(db, order[: len(EVERYTHING)])
    deliver(db, Road.TRANSCRIPTS, "codex", 0, 1)
    (number,) = db.read_sync(lambda conn: store.sessions_by_hash(conn, ALICE, [session_hash("codex", "0b")]))
    flag = Anomaly(number.number, ALICE, "open", "size", 1, 0, 0, 0, NOW, None, None)

    def decide(conn: sqlite3.Connection, verdict: Any) -> None:
        judge(conn, session_id=number.id, verdict=verdict, days=UTC, caller=OPERATOR, now=NOW, by=ALICE)

    db.write_sync(lambda conn: store.put_anomaly(conn, flag))
    db.write_sync(partial(decide, verdict="exclude"))
    for each in order[len(EVERYTHING) :]:
        deliver(db, *each)
    for each in EVERYTHING:
        deliver(db, *each)
    assert told(db) == {**truth(), ("codex", 0): truth(without="b")["codex", 0]}
    before = sums(db)
    db.write_sync(partial(recount, user_id=ALICE, days=UTC, now=NOW))
    assert sums(db) == before
    db.write_sync(partial(decide, verdict="restore"))
    assert told(db) == truth()


@often
@given(order=ORDERS)
def test_a_forgotten_project_comes_back_by_no_road(db: Database, order: Any) -> None:
    in_order(db, order)
    forgotten = partial(forget, user_id=ALICE, project=SECRET, prefix="p", caller=OPERATOR, days=UTC, now=NOW)
    sessions, _ = db.write_sync(forgotten)
    assert sessions == 3 * len(TOOLS)
    assert told(db) == truth(without="a")
    before = sums(db)
    db.write_sync(partial(recount, user_id=ALICE, days=UTC, now=NOW))
    assert sums(db) == before
