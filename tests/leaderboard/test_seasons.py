"""Seasons, boards of what is over, and how somebody's place moved: what the pages say of them."""

import asyncio
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from arena.accounts import store as accounts
from arena.core import clock
from arena.core.clock import Days
from arena.core.config import Config, Ranking
from arena.core.db import Database
from arena.core.errors import Invalid
from arena.leaderboard.actions import history
from arena.leaderboard.actions.boards import PAST_KEPT, Boards, board, board_of
from arena.leaderboard.actions.freezing import freeze
from arena.leaderboard.pages.board import LeaderboardPage, href, leaderboard, name
from arena.leaderboard.pages.history import RankLine, _bottom, _rules, rank_line
from arena.leaderboard.pages.seasons import SeasonsPage, seasons
from arena.leaderboard.rules import METRICS, month_of, period_on
from tests.conftest import NOW, PEOPLE
from tests.leaderboard.conftest import Use
from tests.leaderboard.test_freezing import night_of
from tests.leaderboard.test_pages import headline_of, html

TODAY = "2026-11-20"
FINAL = Config(ranking=Ranking(late_days=0))


@pytest.fixture
def year(db: Database, use: Use, days: Days) -> None:
    """August to November: alice wins twice, then bob; carol comes in October. What is over is final."""
    for day, order in (
        ("2026-08-10", ("alice", "bob")),
        ("2026-09-10", ("alice", "bob")),
        ("2026-10-10", ("bob", "carol", "alice")),
        ("2026-11-19", ("carol", "alice")),
    ):
        for place, who in enumerate(order):
            use(who, day, 1_000, 1_000 - 100 * place)
    freeze(db, config=FINAL, days=days, now=night_of(TODAY))


def page_of(db: Database, visitor: str | None = None, today: str = TODAY) -> SeasonsPage:
    user_id = PEOPLE.get(visitor or "")

    def read(conn: sqlite3.Connection) -> SeasonsPage:
        running = board(conn, "monthly", "score", today=today, config=FINAL)
        return seasons(history.seasons(conn, running, user_id), running, visitor_id=user_id)

    return db.read_sync(read)


def over(db: Database, period: str, start: str, visitor: str | None = None, season: bool = False) -> LeaderboardPage:
    made = db.read_sync(lambda conn: board_of(conn, period, start, "score", today=TODAY, config=FINAL))
    return leaderboard(made, visitor_id=PEOPLE.get(visitor or ""), search="", page=1, week={}, now=NOW, season=season)


def headline(page: LeaderboardPage) -> str:
    return headline_of(html(page))


# -- the list


@pytest.mark.usefixtures("year")
def test_seasons_are_listed_from_the_one_that_runs_back_to_the_first(db: Database) -> None:
    page = page_of(db, "carol")
    assert [(each.month, each.href, each.state, each.people) for each in page.seasons] == [
        ("November", "/seasons/2026-11", "running", 2),
        ("October", "/seasons/2026-10", "final", 3),
        ("September", "/seasons/2026-09", "final", 2),
        ("August", "/seasons/2026-08", "final", 2),
    ]
    assert [[(w.rank, w.display, w.you) for w in each.podium] for each in page.seasons[:2]] == [
        [(1, "Carol", True), (2, "Alice", False)],
        [(1, "Bob", False), (2, "Carol", True), (3, "Alice", False)],
    ]
    assert [each.mine and each.mine.rank for each in page.seasons] == [1, 2, None, None]
    assert (page.lead, page.leader, page.wins, page.over) == ("most", "Alice", 2, 3)
    assert (page.stand, page.best, page.best_month) == ("best", 1, "November")


@pytest.mark.usefixtures("year")
def test_whoever_won_most_is_told_so(db: Database) -> None:
    assert (page_of(db, "alice").lead, page_of(db, "alice").wins) == ("you_most", 2)
    assert page_of(db).stand == "signed_out"


@pytest.mark.usefixtures("year")
def test_somebody_private_is_anonymous_in_every_season_and_their_wins_are_not_added_up(db: Database) -> None:
    db.write_sync(lambda conn: accounts.set_private(conn, PEOPLE["alice"], private=True, now=NOW))
    page = page_of(db)
    assert "Alice" not in str(page)
    assert page.seasons[2].podium[0].veiled
    assert (page.lead, page.leader) == ("latest", "Bob")
    assert page_of(db, "alice").lead == "you_most"
    db.write_sync(lambda conn: accounts.set_private(conn, PEOPLE["bob"], private=True, now=NOW))
    assert (page_of(db).lead, page_of(db).leader) == ("latest_private", "")


@pytest.mark.usefixtures("year")
def test_a_winner_who_is_deleted_leaves_a_season_without_one(db: Database) -> None:
    db.write_sync(lambda conn: accounts.delete_user(conn, PEOPLE["alice"]))
    db.write_sync(lambda conn: accounts.delete_user(conn, PEOPLE["bob"]))
    page = page_of(db)
    assert [(w.rank, w.display) for w in page.seasons[1].podium] == [(2, "Carol")]
    assert (page.seasons[1].people, page.seasons[2].podium) == (3, ())
    assert page.lead == "gone"


def test_the_private_among_equals_tell_nothing_of_when_they_joined(db: Database, use: Use, days: Days) -> None:
    for who in PEOPLE:
        use(who, "2026-10-10")
    db.write_sync(lambda conn: accounts.set_private(conn, PEOPLE["alice"], private=True, now=NOW))
    freeze(db, config=FINAL, days=days, now=night_of(TODAY))
    page = page_of(db)
    assert [(w.rank, w.display) for w in page.seasons[1].podium] == [(1, "Bob"), (1, "Carol"), (1, "Anonymous")]
    assert (page.lead, page.wins) == ("shared", 3)


def test_a_season_that_is_over_waits_for_its_night(db: Database, use: Use) -> None:
    use("alice", "2026-10-31")
    page = page_of(db, today="2026-11-01")
    assert [(each.month, each.state, each.podium) for each in page.seasons] == [
        ("November", "running", ()),
        ("October", "ended", ()),
    ]
    assert page.lead == "first"


def test_an_empty_box_has_no_season(db: Database) -> None:
    page = page_of(db)
    assert (page.lead, page.seasons) == ("none", ())


# -- boards of what is over


@pytest.mark.usefixtures("year")
@pytest.mark.parametrize(
    ("visitor", "says"),
    [
        (None, "Bob won October by {}. Sign in to see where you stood."),
        ("bob", "You won October by {}. Carol was next."),
        ("carol", "Bob won October by {0}. You were 2nd, {0} behind Bob."),
    ],
)
def test_a_season_tells_who_won(db: Database, visitor: str | None, says: str) -> None:
    page = over(db, "monthly", "2026-10-01", visitor, season=True)
    gap = page.rows[1].behind
    assert headline(page).startswith(says.format(gap))
    assert (page.state, page.then, page.since) == ("final", "Sep", "September")
    assert [(row.display, row.moved, row.new) for row in page.rows] == [
        ("Bob", 1, False),
        ("Carol", None, True),
        ("Alice", -2, False),
    ]
    assert [(tab.label, tab.href, tab.current) for tab in page.tabs] == [
        ("September", "/seasons/2026-09", False),
        ("October", "/seasons/2026-10", True),
        ("November", "/seasons/2026-11", False),
    ]


@pytest.mark.usefixtures("year")
def test_a_season_whose_winner_left_says_so(db: Database) -> None:
    db.write_sync(lambda conn: accounts.delete_user(conn, PEOPLE["bob"]))
    page = over(db, "monthly", "2026-10-01", "carol", season=True)
    assert headline(page).startswith("Whoever won October is not here any more. You were 2nd.")
    assert headline(over(db, "monthly", "2026-10-01", "alice")).startswith(
        "Whoever won October is not here any more. You were 3rd, "
    )


@pytest.mark.usefixtures("year")
def test_the_season_that_runs_is_told_against_the_one_before(db: Database) -> None:
    page = over(db, "monthly", "2026-11-01", "alice", season=True)
    assert headline(page).startswith("Carol leads November by ")
    assert (page.state, page.then) == ("running", "Oct")
    assert [(row.display, row.moved) for row in page.rows] == [("Carol", 1), ("Alice", 1)]
    assert [tab.label for tab in page.tabs] == ["October", "November"]
    assert "· running" in html(page)


@pytest.mark.usefixtures("year")
def test_days_and_weeks_that_are_over_lead_to_their_neighbours(db: Database) -> None:
    page = over(db, "weekly", "2026-11-09")
    assert [(tab.label, tab.href) for tab in page.tabs] == [
        ("Week 45", "/?on=2026-11-02"),
        ("Week 46", "/?on=2026-11-09"),
        ("Week 47", "/"),
    ]
    page = over(db, "daily", "2026-11-19")
    assert [(tab.label, tab.href) for tab in page.tabs] == [
        ("18 Nov 2026", "/?period=daily&on=2026-11-18"),
        ("19 Nov 2026", "/?period=daily&on=2026-11-19"),
        ("Today", "/?period=daily"),
    ]
    assert 'name="on" value="2026-11-19"' in html(page)
    assert "data-over" in html(page)
    assert "This week</span>" not in html(page)
    first = over(db, "weekly", "2026-08-10")
    assert [tab.label for tab in first.tabs] == ["Week 33", "Week 34"]


@pytest.mark.usefixtures("year")
def test_a_board_of_now_leads_to_the_one_before(db: Database) -> None:
    def now(period: str) -> LeaderboardPage:
        made = db.read_sync(lambda conn: board(conn, period, "tokens", today=TODAY, config=FINAL))
        return leaderboard(made, visitor_id=None, search="", page=1, week={}, now=NOW)

    assert (now("weekly").before_name, now("weekly").before_href) == ("week 46", "/?on=2026-11-09&metric=tokens")
    assert now("monthly").before_href == "/seasons/2026-10?metric=tokens"
    assert now("daily").before_href == "/?period=daily&on=2026-11-19&metric=tokens"
    assert now("all_time").before_href == ""


def test_boards_of_what_is_over_are_kept_until_a_commit_and_are_few(
    database: Path, year: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        again = Database(database)
        await again.open()
        boards = Boards(again, FINAL)
        try:
            first = await boards.get_of("monthly", "2026-10-01", "score", TODAY)
            assert await boards.get_of("monthly", "2026-10-01", "score", TODAY) is first
            assert await boards.get_of("monthly", "2026-10-01", "score", "2026-11-21") is not first
            for metric in METRICS:
                await boards.get_of("monthly", "2026-09-01", metric, TODAY)
            for metric in METRICS:
                await boards.get_of("weekly", "2026-10-05", metric, TODAY)
            assert len(boards._past) == PAST_KEPT
            await again.write(partial(accounts.set_private, id=PEOPLE["bob"], private=True, now=NOW))
            shown = await boards.get_of("monthly", "2026-10-01", "score", TODAY)
            assert shown.standings[0].private
            assert len(boards._past) == 1
        finally:
            await again.close()

    asyncio.run(story())


def test_what_takes_late_reports_in_says_until_when(db: Database, use: Use, days: Days) -> None:
    use("alice", "2026-10-31")
    freeze(db, config=Config(), days=days, now=night_of("2026-11-01"))
    made = db.read_sync(
        lambda conn: board_of(conn, "monthly", "2026-10-01", "score", today="2026-11-03", config=Config())
    )
    page = leaderboard(made, visitor_id=None, search="", page=1, week={}, now=NOW, season=True)
    assert (page.state, page.final_from) == ("open", "2026-11-08")
    assert "frozen anew each night until 8 Nov 2026; from then on it is final" in html(page)


def test_days_are_read_strictly() -> None:
    assert period_on("weekly", "2026-11-12", TODAY) == "2026-11-09"
    assert period_on("weekly", TODAY, TODAY) == ""
    assert period_on("daily", "2026-11-19", TODAY) == "2026-11-19"
    for period, day in (
        ("daily", "2026-11-21"),
        ("monthly", "9999-12-31"),
        ("daily", "0001-01-01"),
        ("weekly", "2026-02-30"),
        ("weekly", "20261101"),
        ("weekly", "yesterday"),
        ("all_time", "2026-11-01"),
    ):
        with pytest.raises(Invalid):
            period_on(period, day, TODAY)
    assert [month_of(text) for text in ("2026-10", "2026-13", "2026-1", "0001-01", "now", "2026-10-01")] == [
        *("2026-10-01", "", "", "", "", "")
    ]


def test_names_tell_the_year_where_it_is_another() -> None:
    assert name("monthly", "2025-12-01", TODAY) == "December 2025"
    assert name("weekly", "2025-12-29", TODAY) == "week 1"
    assert name("weekly", "2025-12-22", TODAY) == "week 52 of 2025"
    assert href("monthly", on="2026-10-01", metric="cost", page=2) == "/seasons/2026-10?metric=cost&page=2"


# -- how somebody's place moved


def line(db: Database, period: str, who: str = "alice", today: str = TODAY) -> RankLine:
    def read(conn: sqlite3.Connection) -> RankLine:
        running = board(conn, period, "score", today=today, config=FINAL)
        found = history.history(conn, PEOPLE[who], period)
        shown = history.SHOWN[period]
        return rank_line(found, running, user_id=PEOPLE[who], shown=shown, address="/dashboard")

    return db.read_sync(read)


@pytest.mark.usefixtures("year")
def test_a_line_runs_from_the_first_place_to_the_one_now(db: Database) -> None:
    drawn = line(db, "monthly")
    assert [(each.name, each.rank, each.people) for each in drawn.lines] == [
        ("November, so far", 2, 2),
        ("October", 3, 3),
        ("September", 1, 2),
        ("August", 1, 2),
    ]
    assert [mark.words for mark in drawn.marks][::3] == ["August: 1st of 2", "November, so far: 2nd of 2"]
    assert drawn.path == "M0 0h0C16.66 0 16.66 0 33.33 0C50 0 50 50 66.67 50C83.34 50 83.34 25 100 25"
    assert [(tick.at, tick.label) for tick in drawn.ranks] == [(0, "1"), (100, "5")]
    assert [tick.label for tick in drawn.times] == ["Aug", "Nov"]
    assert drawn.finding == "best 1st, in September"
    assert [(choice.label, choice.href) for choice in drawn.choices] == [
        ("Day", "/dashboard?ranks=daily"),
        ("Week", "/dashboard"),
        ("Month", "/dashboard?ranks=monthly"),
    ]


@pytest.mark.usefixtures("year")
def test_a_line_has_gaps_where_somebody_was_on_no_board(db: Database) -> None:
    drawn = line(db, "monthly", "bob")
    assert drawn.path.count("M") == 1
    assert not drawn.marks[-1].last
    assert line(db, "weekly", "alice").path.count("M") == 4
    assert [tick.label for tick in line(db, "weekly").times] == ["W33", "W40", "W47"]


@pytest.mark.usefixtures("year")
def test_a_better_place_now_is_the_best(db: Database) -> None:
    assert line(db, "monthly", "carol").finding == "best 1st, now"


def test_somebody_new_has_no_line_yet(db: Database) -> None:
    drawn = line(db, "weekly")
    assert (drawn.marks, drawn.path, drawn.finding) == ((), "", "not ranked yet")


@pytest.mark.parametrize(
    ("worst", "rules"), [(1, ["1", "5"]), (17, ["1", "5", "10", "15", "20"]), (21, ["1", "10", "20", "30"])]
)
def test_rules_stand_at_round_ranks(worst: int, rules: list[str]) -> None:
    assert [str(rank) for rank in _rules(_bottom(worst))] == rules


def test_a_line_of_days_ends_today(db: Database, use: Use, days: Days) -> None:
    for back in (0, 1, 2, 40):
        use("alice", clock.shift(TODAY, -back))
    freeze(db, config=FINAL, days=days, now=night_of(TODAY))
    drawn = line(db, "daily")
    assert [each.name for each in drawn.lines] == ["today", "19 Nov 2026", "18 Nov 2026"]
    assert drawn.finding == "best 1st, on 19 Nov 2026"
