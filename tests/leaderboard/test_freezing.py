"""Rankings of periods that are over: as the board showed them, once and for all, whatever comes in between."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arena.accounts import store as accounts
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.core.clock import DAY, HOUR, Days
from arena.core.config import Arena, Config, Ranking, Retention, place
from arena.core.db import Database
from arena.core.work import Work
from arena.leaderboard import jobs, store
from arena.leaderboard.actions import freezing
from arena.leaderboard.actions.boards import board, board_of
from arena.leaderboard.actions.freezing import freeze, prune
from arena.leaderboard.models import EVERYONE, Board, Frozen, Period, Ranked, Scope, Standing
from arena.leaderboard.rules import ENDING, METRICS, PERIODS, window
from arena.teams import store as teams
from arena.teams.models import Team
from arena.usage import store as usage
from arena.usage.actions.anomalies import judge
from arena.usage.actions.records import record
from arena.usage.models import Road
from tests.conftest import NOW, PEOPLE
from tests.leaderboard.conftest import Judge, Use, noon
from tests.usage.conftest import Send, a_record, a_report, send

__all__ = ["send"]
TODAY = "2026-11-20"
"""A Friday."""
WEEK, MONTH = "2026-11-09", "2026-10-01"
"""The last that are over."""
CONFIG = Config()


def night_of(day: str) -> int:
    """Five past midnight, UTC."""
    return noon(day) - 12 * HOUR + 5 * clock.MINUTE


def over(first: str, today: str = TODAY) -> list[tuple[str, str, str]]:
    """Every period from the one that holds a day on that ended before today."""
    found = []
    for period in ENDING:
        start, end = window(period, first)
        while end < today:
            found.append((period, start, end))
            start, end = window(period, clock.shift(end, 1))
    return found


def bare(standings: tuple[Standing, ...]) -> list[Standing]:
    """Without what only a board of now tells: when somebody was last active, and from where they moved."""
    return [msgspec.structs.replace(each, last_at=0, before=None) for each in standings]


def live(db: Database, period: str, metric: str, day: str) -> Board:
    return db.read_sync(lambda conn: board(conn, period, metric, today=day, config=CONFIG))


def then(db: Database, period: str, start: str, metric: str = "score", scope: Scope = EVERYONE) -> Board:
    return db.read_sync(lambda conn: board_of(conn, period, start, metric, today=TODAY, config=CONFIG, scope=scope))


def places(shown: Board) -> list[tuple[int, str, int | None]]:
    return [(each.rank, each.name, each.before) for each in shown.standings]


def rows(db: Database) -> dict[tuple[str, str], list[Ranked]]:
    """Every frozen row there is."""

    def read(conn: sqlite3.Connection) -> dict[tuple[str, str], list[Ranked]]:
        known = [each for period in ENDING for each in store.periods(conn, period)]
        return {(each.type, each.start): store.rankings(conn, each.type, each.start) for each in known}

    return db.read_sync(read)


def known(db: Database, period: str, start: str) -> Period:
    found = db.read_sync(partial(store.period, type=period, start=start))
    assert found is not None
    return found


Night = Callable[..., list[Frozen]]


@pytest.fixture
def night(db: Database, days: Days) -> Night:
    """What the job does in the night of a day, by the box's clock."""

    def run(day: str = TODAY, config: Config = CONFIG, **more: Any) -> list[Frozen]:
        return freeze(db, config=config, days=days, now=night_of(day), **more)

    return run


@pytest.fixture
def autumn(use: Use) -> None:
    """Three people's work from the end of September to yesterday, with holes, ties and late days in it."""
    chance = random.Random(47)
    for name in PEOPLE:
        for back in range(1, 52):
            if chance.random() < 0.7:
                use(name, clock.shift(TODAY, -back), chance.randrange(1, 9) * 100, chance.randrange(5) * 100, 50)


# -- what is frozen


@pytest.mark.usefixtures("autumn")
def test_a_frozen_ranking_is_the_board_as_it_stood_when_the_period_ended(
    db: Database, night: Night, judged: Judge
) -> None:
    for name, day in (("alice", "2026-10-31"), ("bob", "2026-11-15"), ("carol", "2026-11-15"), ("bob", "2026-11-19")):
        judged(name, f"{name} {day}", day, 3, 4)
    ended = over(clock.shift(TODAY, -51))
    before = {(*each, metric): live(db, each[0], metric, each[2]) for each in ended for metric in METRICS}
    frozen = night()
    kept = [each for each in ended if each[0] != "daily" or each[1] >= clock.shift(TODAY, -30)]
    assert [(each.period, each.start, each.end) for each in frozen] == kept
    assert not any(each.final for each in frozen)
    for period, start, end in kept:
        assert known(db, period, start).is_whole
        for metric in METRICS:
            was, now = before[period, start, end, metric], then(db, period, start, metric)
            assert bare(now.standings) == bare(was.standings), (period, start, metric)
            assert (now.start, now.end, now.is_over) == (start, end, True)
            if period == "daily" or window(period, clock.shift(end, 1))[0] == clock.shift(end, 1):
                first = window(period, clock.shift(start, -1))[0]
                earlier = {each.user_id: each.rank for each in then(db, period, first, metric).standings}
                assert [each.before for each in now.standings] == [earlier.get(each.user_id) for each in now.standings]


def test_a_box_without_records_has_nothing_to_freeze(night: Night) -> None:
    assert night() == []


def test_a_period_in_which_nobody_worked_is_frozen_as_empty(db: Database, use: Use, night: Night) -> None:
    use("alice", "2026-11-16")
    night()
    assert known(db, "daily", "2026-11-17").people == 0
    assert then(db, "daily", "2026-11-17").standings == ()


def test_what_is_still_running_is_not_frozen(db: Database, use: Use, night: Night) -> None:
    use("alice", "2026-11-19")
    assert [(each.period, each.start) for each in night("2026-11-19")] == []
    assert [(each.period, each.start) for each in night("2026-11-20")] == [("daily", "2026-11-19")]
    assert [(each.period, each.start) for each in night("2026-11-23")][-1] == ("weekly", "2026-11-16")
    assert ("monthly", "2026-11-01") not in rows(db)


def test_a_box_that_was_off_catches_up_with_every_period(use: Use, night: Night) -> None:
    use("alice", "2025-11-20")
    use("alice", "2026-11-19")
    frozen = night()
    counts = [sum(each.period == period for each in frozen) for period in ENDING]
    assert counts == [30, 52, 12]
    assert frozen[0].start == "2026-10-21"  # single days are kept for 30 days alone
    assert min(each.start for each in frozen if each.period == "monthly") == "2025-11-01"


def test_one_kind_of_period_can_be_frozen_alone(use: Use, night: Night) -> None:
    use("alice", "2026-09-30")
    assert {each.period for each in night(periods=("monthly",))} == {"monthly"}


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Kolkata", "2026-11-10"),
        ("Pacific/Chatham", "2026-09-27"),  # a quarter of an hour, and its clocks go forward
        ("Australia/Lord_Howe", "2026-04-05"),  # back by half an hour
        ("America/New_York", "2026-03-08"),  # 23 hours
        ("America/New_York", "2026-11-01"),  # 25 hours
        ("America/Santiago", "2026-09-05"),  # midnight itself is left out
    ],
)
def test_a_day_is_over_at_midnight_of_the_boxs_zone(db: Database, zone: str, day: str) -> None:
    days, config = Days(zone), Config(arena=Arena(time_zone=zone))
    midnight = days.begin(clock.shift(day, 1))
    for at in (midnight - 1, midnight):
        report = a_report(a_record(f"m{at}", at=at), session=f"s{at}")
        put = partial(record, reports=[report], road=Road.TRANSCRIPTS, days=days, now=midnight + DAY)
        db.write_sync(partial(put, user_id=PEOPLE["alice"]))
    assert freeze(db, config=config, days=days, now=midnight - 1) == []
    frozen = freeze(db, config=config, days=days, now=midnight)
    assert ("daily", day, 1) in [(each.period, each.start, each.people) for each in frozen]
    (row,) = rows(db)["daily", day]
    assert (row.input_tokens, row.session_count, row.streak) == (10, 1, 1)


# -- again, at once, broken off


@pytest.mark.usefixtures("autumn")
def test_freezing_again_changes_nothing(db: Database, night: Night) -> None:
    night()
    before = rows(db), known(db, "weekly", WEEK).updated_at
    assert night() == []
    assert night("2026-11-21", periods=("weekly", "monthly")) == []
    assert (rows(db), known(db, "weekly", WEEK).updated_at) == before


def test_a_late_report_is_taken_in_by_the_next_night_until_the_ranking_is_final(
    db: Database, use: Use, night: Night
) -> None:
    use("alice", WEEK, 200, 0)
    use("bob", WEEK, 100, 0)
    night("2026-11-16")
    assert places(then(db, "weekly", WEEK, "tokens")) == [(1, "alice", None), (2, "bob", None)]
    use("carol", "2026-11-13", 300, 0)
    assert places(then(db, "weekly", WEEK, "tokens")) == [(1, "alice", None), (2, "bob", None)]
    changed = {(each.period, each.start): each.changed for each in night("2026-11-22")}
    assert changed["weekly", WEEK] == 3
    after = [(1, "carol", None), (2, "alice", None), (3, "bob", None)]
    assert places(then(db, "weekly", WEEK, "tokens")) == after
    assert known(db, "weekly", WEEK).final_at is None
    assert {each.final for each in night("2026-11-23") if each.start == WEEK} == {True}
    assert known(db, "weekly", WEEK).final_at == night_of("2026-11-23")
    use("bob", "2026-11-13", 900, 0)
    assert WEEK not in [each.start for each in night("2026-11-24") if each.period == "weekly"]
    assert places(then(db, "weekly", WEEK, "tokens")) == after


def test_history_that_comes_in_the_first_days_of_a_box_is_taken_in(db: Database, use: Use, night: Night) -> None:
    use("alice", "2026-03-10", 100, 0)
    night()
    use("bob", "2026-03-12", 200, 0)
    night("2026-11-26")
    assert places(then(db, "monthly", "2026-03-01", "tokens")) == [(1, "bob", None), (2, "alice", None)]
    night("2026-11-27")
    assert known(db, "monthly", "2026-03-01").final_at is not None


def test_without_days_for_late_reports_a_ranking_is_final_at_once(db: Database, use: Use, night: Night) -> None:
    use("alice", WEEK)
    assert all(each.final for each in night(config=Config(ranking=Ranking(late_days=0))))


def test_the_operator_can_freeze_final_rankings_again_from_a_day_on(db: Database, use: Use, night: Night) -> None:
    for day in ("2026-08-31", WEEK, "2026-11-16"):
        use("alice", day)
    final = Config(ranking=Ranking(late_days=0))
    night(config=final)
    use("bob", WEEK)
    use("bob", "2026-11-16")
    assert night(config=final) == []
    again = night(config=final, again_from="2026-11-16")
    assert [(each.period, each.start, each.final) for each in again] == [("daily", "2026-11-16", True)]
    again = night(config=final, again_from="2026-11-15", periods=("weekly",))
    assert [(each.period, each.start, each.people) for each in again] == [("weekly", WEEK, 2)]


def test_new_weights_move_nothing_that_is_final(db: Database, use: Use, night: Night) -> None:
    use("alice", MONTH, 10, 500)
    night()
    night("2026-11-27")
    before = then(db, "monthly", MONTH).standings
    night("2026-11-28", config=Config(ranking=Ranking(token=1, efficiency=0, session=0, streak=0)))
    assert then(db, "monthly", MONTH).standings == before


CHILD = """
import os, signal, sys
from arena.core import sqlite
from pathlib import Path
from arena.core.clock import Days
from arena.core.config import Config
from arena.core.db import Database
from arena.leaderboard import store
from arena.leaderboard.actions import freezing

path, now, batch, die_at = Path(sys.argv[1]), *map(int, sys.argv[2:])
freezing.BATCH = batch
written, put = 0, store.put_rankings

def counting(conn, rows):
    global written
    written += 1
    if written == die_at:
        put(conn, rows)
        os.kill(os.getpid(), signal.SIGKILL)
    put(conn, rows)

store.put_rankings = counting
db = Database(path)
freezing.freeze(db, config=Config(), days=Days("UTC"), now=now)
db.close_sync()
"""


def child(db: Database, *, day: str = TODAY, batch: int = 2_000, die_at: int = 0) -> subprocess.Popen[bytes]:
    """Freeze in another process, and have it killed in the middle of a write."""
    words = [str(db.path), str(night_of(day)), str(batch), str(die_at)]
    return subprocess.Popen([sys.executable, "-c", CHILD, *words], cwd=Path(__file__).parents[2])


@pytest.mark.usefixtures("autumn")
def test_two_processes_at_once_freeze_what_one_would(db: Database, night: Night) -> None:
    both = [child(db, batch=1) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    night()
    found = rows(db)
    assert all(known(db, *each).is_whole for each in found)
    db.write_sync(wipe)
    night()
    assert found == rows(db)


def wipe(conn: sqlite3.Connection) -> None:
    conn.execute("DELETE FROM rankings")
    conn.execute("DELETE FROM ranking_periods")


def test_who_is_overtaken_writes_no_older_figures(
    db: Database, use: Use, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    use("alice", WEEK, 100, 0)
    compare = freezing._compare

    def overtaken(conn: sqlite3.Connection, **more: Any) -> Any:
        made = compare(conn, **more)
        monkeypatch.setattr(freezing, "_compare", compare)
        use("bob", WEEK, 200, 0)
        assert len(night(periods=("weekly",))) == 1
        return made

    monkeypatch.setattr(freezing, "_compare", overtaken)
    assert night(periods=("weekly",)) == []
    assert places(then(db, "weekly", WEEK, "tokens")) == [(1, "bob", None), (2, "alice", None)]


@pytest.mark.usefixtures("autumn")
@pytest.mark.parametrize("die_at", [1, 2, 5, 40])
def test_a_kill_in_the_middle_is_seen_by_nobody_and_completed_by_the_next_time(
    db: Database, night: Night, die_at: int
) -> None:
    ended = [each for each in over("2026-10-20") if each[0] != "daily"]
    before = {(*each, metric): live(db, each[0], metric, each[2]) for each in ended for metric in METRICS}
    assert child(db, batch=1, die_at=die_at).wait(60) == -9

    def check() -> None:
        for (period, start, _, metric), was in before.items():
            assert bare(then(db, period, start, metric).standings) == bare(was.standings)

    check()
    night()
    assert all(known(db, *each).is_whole for each in rows(db))
    check()


def test_a_kill_while_late_reports_are_taken_in_shows_no_mixture(db: Database, use: Use, night: Night) -> None:
    for name, tokens in (("alice", 300), ("bob", 200), ("carol", 100)):
        use(name, WEEK, tokens, 0)
    night()
    use("carol", WEEK, 900, 0)
    after = live(db, "weekly", "tokens", clock.shift(WEEK, 6))
    assert child(db, batch=1, die_at=2).wait(60) == -9
    assert not all(known(db, *each).is_whole for each in rows(db))
    night()
    assert bare(then(db, "weekly", WEEK, "tokens").standings) == bare(after.standings)
    assert [each.name for each in after.standings] == ["carol", "alice", "bob"]


def test_the_nightly_jobs_freeze_and_let_go(db: Database, use: Use, days: Days) -> None:
    use("alice", "2026-11-18")
    config = Config(retention=Retention(ranking_days=3))
    said = []
    for day in (TODAY, TODAY, "2026-11-22"):
        work = Work(db, config, place(db.path.parent), days, lambda day=day: night_of(day))
        said += [jobs.freeze(work), jobs.prune(work)]
    assert said == ["2 rankings, 1 places", None, None, None, "2 rankings, 0 places", "1 rows"]


# -- people who leave, hide, or are left out


def freeze_for_good(night: Night) -> None:
    night()
    night("2026-11-27")


@pytest.fixture
def october(use: Use, night: Night) -> None:
    """October, final: alice before bob, and carol behind, as in September."""
    for day in ("2026-09-15", "2026-10-15"):
        for name, tokens in (("alice", 300), ("bob", 200), ("carol", 100)):
            use(name, day, tokens, 0)
    freeze_for_good(night)


def remove(conn: sqlite3.Connection) -> None:
    accounts.delete_user(conn, PEOPLE["bob"])


@pytest.mark.usefixtures("october")
def test_whoever_is_deleted_leaves_the_past_and_all_others_keep_their_places(db: Database, night: Night) -> None:
    db.write_sync(remove)
    for _ in range(2):
        shown = then(db, "monthly", MONTH, "tokens")
        assert places(shown) == [(1, "alice", 1), (3, "carol", 3)]
        assert not any(each.tied for each in shown.standings)
        night("2026-11-28")
    assert known(db, "monthly", MONTH).people == 3


def test_somebody_deleted_while_their_row_is_written_is_left_out(
    db: Database, use: Use, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    use("alice", WEEK)
    use("bob", WEEK)
    compare = freezing._compare

    def late(conn: sqlite3.Connection, **more: Any) -> Any:
        made = compare(conn, **more)
        db.write_sync(remove)
        return made

    monkeypatch.setattr(freezing, "_compare", late)
    night(periods=("weekly",))
    assert [each.name for each in then(db, "weekly", WEEK).standings] == ["alice"]


@pytest.mark.usefixtures("october")
def test_whoever_hides_is_hidden_in_the_past_at_once(db: Database) -> None:
    db.write_sync(lambda conn: accounts.set_private(conn, PEOPLE["bob"], private=True, now=NOW))
    shown = then(db, "monthly", MONTH, "tokens")
    assert [(each.rank, each.private) for each in shown.standings] == [(1, False), (2, True), (3, False)]


@pytest.mark.usefixtures("october")
def test_whoever_is_shut_out_is_not_shown_and_comes_back_in_their_place(db: Database) -> None:
    db.write_sync(lambda conn: accounts.set_disabled(conn, PEOPLE["alice"], NOW, NOW))
    assert places(then(db, "monthly", MONTH, "tokens")) == [(2, "bob", 2), (3, "carol", 3)]
    db.write_sync(lambda conn: accounts.set_disabled(conn, PEOPLE["alice"], None, NOW))
    assert places(then(db, "monthly", MONTH, "tokens"))[0] == (1, "alice", 1)


@pytest.mark.usefixtures("october")
def test_a_teams_past_is_of_its_people_of_now(db: Database) -> None:
    team = Team("t1", "Data", "data", NOW)

    def gather(conn: sqlite3.Connection) -> None:
        teams.add_team(conn, team)
        for name in ("bob", "carol"):
            teams.put_member(conn, PEOPLE[name], team.id, NOW)

    db.write_sync(gather)
    assert places(then(db, "monthly", MONTH, "tokens", Scope(team=team))) == [(1, "bob", 1), (2, "carol", 2)]


# -- sessions that are left out


def test_a_session_left_out_leaves_open_rankings_in_the_next_night_and_final_ones_when_asked(
    db: Database, send: Send, night: Night, days: Days
) -> None:
    def put(name: str, tokens: int, day: str, person: str = "alice") -> None:
        used = a_record(f"m-{name}", at=noon(day), input=tokens, output=0)
        send(a_report(used, session=name), person=person)

    for number in range(10):
        put(f"usual-{number}", 100, "2026-10-10")
    put("big", 90_000, "2026-10-20")
    put("bob", 5_000, "2026-10-20", "bob")
    night()
    assert [each.name for each in then(db, "monthly", MONTH, "tokens").standings] == ["alice", "bob"]
    (flagged,) = db.read_sync(lambda conn: usage.flagged_sessions(conn, "open", 9, 0))
    decide = partial(judge, session_id=flagged.id, days=days, caller=OPERATOR, now=NOW, by=PEOPLE["carol"])
    db.write_sync(partial(decide, verdict="exclude"))
    night("2026-11-21")
    honest = [(1, "bob", None), (2, "alice", None)]
    assert places(then(db, "monthly", MONTH, "tokens")) == honest
    night("2026-11-28")
    db.write_sync(partial(decide, verdict="restore"))
    night("2026-11-29")
    assert places(then(db, "monthly", MONTH, "tokens")) == honest
    night("2026-11-29", again_from="2026-10-31")
    assert [each.name for each in then(db, "monthly", MONTH, "tokens").standings] == ["alice", "bob"]


# -- what retention takes away


def lose(conn: sqlite3.Connection, before: str) -> None:
    """What retention takes away, and the detail at once."""
    for id in PEOPLE.values():
        usage.drop_days(conn, id, before, 0)
    conn.execute("DELETE FROM road_days WHERE day < ?", (before,))
    conn.execute("DELETE FROM usage_records WHERE day < ?", (before,))


@pytest.mark.usefixtures("autumn")
def test_the_past_and_its_movement_survive_what_they_were_made_of(db: Database, night: Night) -> None:
    freeze_for_good(night)
    ended = [each for each in rows(db) if each[0] != "daily"]
    before = {(*each, metric): then(db, *each, metric) for each in ended for metric in METRICS}
    found = rows(db)
    now = {(period, metric): live(db, period, metric, TODAY).standings for period in PERIODS for metric in METRICS}
    db.write_sync(lambda conn: lose(conn, "2026-11-01"))
    assert now == {(period, metric): live(db, period, metric, TODAY).standings for period, metric in now}
    db.write_sync(lambda conn: lose(conn, "2026-11-16"))
    assert not db.read_sync(lambda conn: usage.days(conn, PEOPLE["alice"], "", "2026-11-15"))
    for (period, start, metric), was in before.items():
        assert bare(then(db, period, start, metric).standings) == bare(was.standings)
        if (period, clock.shift(start, -1)) in [(each, window(each, end)[1]) for each, end in ended]:
            assert then(db, period, start, metric) == was
    night("2026-12-01", again_from="2026-01-01", periods=("weekly", "monthly"))
    assert {key: found[key] for key in ended} == {key: rows(db)[key] for key in ended}


def test_nothing_is_frozen_of_which_days_are_missing(db: Database, use: Use, night: Night) -> None:
    for day in ("2026-08-31", "2026-09-20", "2026-10-05"):
        use("alice", day)
    db.write_sync(lambda conn: lose(conn, "2026-09-19"))
    frozen = night(again_from="2026-01-01")
    assert [each.start for each in frozen if each.period == "monthly"] == [MONTH]
    assert min(each.start for each in frozen if each.period == "weekly") == "2026-09-21"


def test_rankings_of_single_days_are_let_go(db: Database, use: Use, night: Night, monkeypatch: Any) -> None:
    monkeypatch.setattr(freezing, "BATCH", 3)
    for back in range(1, 13):
        use("alice", clock.shift(TODAY, -back))
    night()
    assert db.read_sync(partial(freezing.old, keep_days=5, today=TODAY)) == 7
    assert prune(db, keep_days=0, today=TODAY) == 0
    assert prune(db, keep_days=5, today=TODAY) == 7
    assert [start for period, start in rows(db) if period == "daily"] == [
        clock.shift(TODAY, -n) for n in range(5, 0, -1)
    ]
    assert ("weekly", WEEK) in rows(db)
    assert prune(db, keep_days=5, today=TODAY) == 0
    assert night(config=Config(retention=Retention(ranking_days=5))) == []
    # What is not frozen any more is made of the daily rows.
    assert [each.name for each in then(db, "daily", clock.shift(TODAY, -9)).standings] == ["alice"]


# -- boards of now move against what was frozen


@pytest.mark.usefixtures("october")
def test_boards_of_now_agree_with_what_was_frozen(db: Database, use: Use, night: Night) -> None:
    db.write_sync(remove)
    for name in ("carol", "alice"):
        use(name, "2026-11-01", 50, 0)
    shown = live(db, "monthly", "tokens", "2026-11-01")
    assert places(shown) == [(1, "alice", 1), (1, "carol", 3)]
