"""A public profile adds up what a person's records hold."""

from arena.accounts import store as accounts
from arena.core.clock import Days
from arena.core.config import Config
from arena.core.db import Database
from arena.leaderboard.actions.boards import board
from arena.profiles.actions import facts
from arena.profiles.rules import public
from arena.usage.actions.records import record
from arena.usage.models import Road
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import DAY, HOUR, a_record, a_report

TODAY = "2026-11-20"


def test_a_profile_holds_what_was_recorded(db: Database, days: Days) -> None:
    reports = [
        a_report(
            a_record("m1", at=NOW - HOUR, cache_read=85, tools={"Read": 3, "Write": 1}, lines_added=12, turns=2),
            session="s1",
        ),
        a_report(a_record("m2", at=NOW - DAY, model="claude-y", tools={"Bash": 1}), session="s2"),
    ]
    alice = PEOPLE["alice"]
    db.write_sync(lambda conn: record(conn, alice, reports, Road.TRANSCRIPTS, days=days, now=NOW))
    person = db.read_sync(lambda conn: accounts.user(conn, alice))
    standings = db.read_sync(lambda conn: board(conn, "all_time", "score", today=TODAY, config=Config())).standings
    shown = public(person, standings[0], db.read_sync(lambda conn: facts(conn, alice, TODAY)), days, TODAY)
    assert shown["stats"]["totalTokens"] == 115
    assert shown["stats"]["currentRank"] == 1
    assert shown["tokenBreakdown"]["cacheReadTokens"] == 85
    assert {each["modelName"]: each["sessionCount"] for each in shown["modelUsage"]} == {"claude-x": 1, "claude-y": 1}
    assert [day["date"] for day in shown["dailyActivity"]] == ["2026-11-19", "2026-11-20"]
    assert shown["hourlyActivity"][11] == {"hour": 11, "tokens": 100, "sessions": 1}
    assert shown["dayOfWeekActivity"][5]["dayName"] == "Friday"
    assert shown["streak"] == {"currentStreak": 2, "longestStreak": 2, "lastActiveDate": TODAY}
    assert shown["codeMetrics"]["linesAdded"] == 12
    assert shown["toolUsage"][0] == {"toolName": "Read", "count": 3, "percentage": 60.0}
    assert shown["vibeStyle"]["primaryStyle"] == "explorer"
    assert shown["agentBreakdown"] == [{"toolType": "claude-code", "tokens": 115, "sessions": 2, "percentage": 100.0}]


def test_equal_styles_go_to_the_creator_first(db: Database, days: Days) -> None:
    alice = PEOPLE["alice"]
    report = a_report(a_record("m1", tools={"Read": 2, "Write": 2, "Edit": 2, "Bash": 2}))
    db.write_sync(lambda conn: record(conn, alice, [report], Road.TRANSCRIPTS, days=days, now=NOW))
    person = db.read_sync(lambda conn: accounts.user(conn, alice))
    shown = public(person, None, db.read_sync(lambda conn: facts(conn, alice, TODAY)), days, TODAY)
    assert shown["vibeStyle"]["primaryStyle"] == "creator"
