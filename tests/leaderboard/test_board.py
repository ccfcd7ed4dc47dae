"""Boards over a real database: periods, movement since yesterday, streaks, who is on them, how long they are kept."""

import asyncio
import itertools
import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from arena.accounts import store as accounts
from arena.core import clock
from arena.core.config import Arena, Config, Ranking
from arena.core.db import Database
from arena.core.errors import Invalid, NotFound
from arena.leaderboard.actions import boards as actions
from arena.leaderboard.actions.boards import Boards, boards_in, find_scope, week_of
from arena.leaderboard.models import Board, Standing
from arena.leaderboard.rules import PERIODS, window
from arena.teams import store as teams
from arena.teams.models import Team
from arena.usage.models import TOOL_BY_ID
from tests.conftest import NOW, PEOPLE
from tests.leaderboard.conftest import Judge, Use

TODAY = "2026-11-20"
"""A Friday."""
Look = Callable[..., Board]


@pytest.fixture
def look(db: Database) -> Look:
    def read(
        period: str,
        metric: str = "tokens",
        today: str = TODAY,
        config: Config | None = None,
        tool: str = "",
        team: str = "",
    ) -> Board:
        def made(conn: sqlite3.Connection) -> Board:
            scope = find_scope(conn, tool=tool, team=team)
            return actions.board(conn, period, metric, today=today, config=config or Config(), scope=scope)

        return db.read_sync(made)

    return read


def tokens(board: Board) -> dict[str, tuple[int, int]]:
    return {each.name: (each.input + each.output, each.sessions) for each in board.standings}


def moved(board: Board) -> list[tuple[int, str, int | None]]:
    """Rank now, name, rank at the end of yesterday."""
    return [(each.rank, each.name, each.before) for each in board.standings]


# -- periods


def test_a_record_counts_in_the_periods_that_hold_its_day(use: Use, look: Look) -> None:
    use("alice", TODAY, 1, 0)
    use("alice", "2026-11-16", 10, 0)  # Monday
    use("alice", "2026-11-15", 100, 0)  # Sunday
    use("alice", "2026-11-01", 1_000, 0)
    use("alice", "2026-10-31", 10_000, 0)
    use("alice", "2025-11-20", 100_000, 0)
    found = {period: tokens(look(period))["alice"] for period in PERIODS}
    assert found == {"daily": (1, 1), "weekly": (11, 2), "monthly": (1_111, 4), "all_time": (111_111, 6)}


def test_a_board_says_what_it_is_about(look: Look) -> None:
    board = look("weekly", "score")
    assert (board.period, board.metric, board.start, board.end) == ("weekly", "score", "2026-11-16", "2026-11-22")
    assert (board.today, board.zone, board.standings) == (TODAY, "UTC", ())
    assert (look("all_time").start, look("all_time").end) == ("", TODAY)


def test_a_record_of_tomorrow_by_a_clock_ahead_waits_for_its_day(use: Use, look: Look) -> None:
    use("alice", "2026-11-21", 7, 0)
    assert [tokens(look(period)) for period in PERIODS] == [{}] * 4
    assert tokens(look("all_time", today="2026-11-21")) == {"alice": (7, 1)}


def test_a_standing_shows_the_figures_of_its_period(use: Use, look: Look) -> None:
    use("alice", TODAY, 1_000, 2_000, cache=5)
    (standing,) = look("daily", "score").standings
    assert (standing.user_id, standing.name, standing.display) == (PEOPLE["alice"], "alice", "Alice")
    assert (standing.input, standing.output, standing.cache, standing.sessions) == (1_000, 2_000, 5, 1)
    assert (standing.score, standing.value, standing.rank, standing.tied) == (414.16, 414.16, 1, False)
    assert standing.last_at == NOW


def test_the_configured_weights_rank(use: Use, look: Look) -> None:
    use("alice", TODAY, 1_000_000, 0)
    use("bob", TODAY, 10, 20)
    by_tokens = Config(ranking=Ranking(token=1, efficiency=0, session=0, streak=0))
    by_efficiency = Config(ranking=Ranking(token=0, efficiency=1, session=0, streak=0))
    assert [each.name for each in look("daily", "score", config=by_tokens).standings] == ["alice", "bob"]
    assert [each.name for each in look("daily", "score", config=by_efficiency).standings] == ["bob", "alice"]


def test_cache_tokens_put_somebody_on_the_board_but_do_not_rank(use: Use, look: Look) -> None:
    use("alice", TODAY, 0, 0, cache=1_000_000)
    use("bob", TODAY, 1, 0)
    assert [each.name for each in look("daily").standings] == ["bob", "alice"]
    assert [each.name for each in look("all_time").standings] == ["bob", "alice"]


def test_those_who_tie_stand_in_the_order_of_joining(use: Use, look: Look) -> None:
    for name in ("carol", "bob", "alice"):
        use(name, TODAY)
    board = look("weekly", "score")
    assert [(each.rank, each.name, each.tied) for each in board.standings] == [
        (1, "alice", True),
        (1, "bob", True),
        (1, "carol", True),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_every_board_of_every_day_is_what_its_records_add_up_to(use: Use, look: Look, seed: int) -> None:
    chance = random.Random(seed)
    sent = []
    for _ in range(40):
        day = clock.shift(TODAY, -chance.choice([*range(12), *range(12, 60, 7), 364, 365]))
        sent.append((chance.choice(list(PEOPLE)), day, chance.randrange(1_000), 1 + chance.randrange(500)))
    for person, day, input, output in sent:
        use(person, day, input, output)
    for period in PERIODS:
        for today in (TODAY, "2026-11-19", "2026-11-16", "2026-11-02", "2026-11-01", "2025-11-21"):
            expected: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
            for person, day, input, output in sent:
                if window(period, today)[0] <= day <= today:
                    tokens_before, sessions_before = expected[person]
                    expected[person] = tokens_before + input + output, sessions_before + 1
            assert tokens(look(period, today=today)) == expected, (period, today)


# -- movement since the end of yesterday


def test_movement_is_told_from_the_end_of_yesterday(use: Use, look: Look) -> None:
    use("alice", "2026-11-18", 100, 0)
    use("bob", "2026-11-19", 50, 0)
    use("bob", TODAY, 100, 0)
    use("carol", TODAY, 1, 0)
    assert moved(look("weekly")) == [(1, "bob", 2), (2, "alice", 1), (3, "carol", None)]
    assert moved(look("monthly")) == [(1, "bob", 2), (2, "alice", 1), (3, "carol", None)]
    assert moved(look("all_time")) == [(1, "bob", 2), (2, "alice", 1), (3, "carol", None)]


def test_a_daily_board_moves_against_yesterdays_daily_board(use: Use, look: Look) -> None:
    use("alice", "2026-11-19", 100, 0)
    use("bob", "2026-11-19", 50, 0)
    use("carol", "2026-11-18", 500, 0)
    for name, number in (("alice", 1), ("bob", 2), ("carol", 3)):
        use(name, TODAY, number, 0)
    assert moved(look("daily")) == [(1, "carol", None), (2, "bob", 2), (3, "alice", 1)]


def test_on_monday_a_weekly_board_moves_against_last_week_as_it_ended(use: Use, look: Look) -> None:
    monday = "2026-11-23"
    use("alice", "2026-11-16", 100, 0)
    use("bob", "2026-11-22", 50, 0)
    use("carol", "2026-11-15", 999, 0)  # the week before
    use("bob", monday, 2, 0)
    use("alice", monday, 1, 0)
    use("carol", monday, 3, 0)
    assert moved(look("weekly", today=monday)) == [(1, "carol", None), (2, "bob", 2), (3, "alice", 1)]


def test_on_the_first_a_monthly_board_moves_against_last_month_as_it_ended(use: Use, look: Look) -> None:
    first = "2026-12-01"
    use("alice", "2026-11-01", 100, 0)
    use("bob", "2026-11-30", 50, 0)
    use("carol", "2026-10-31", 999, 0)
    use("bob", first, 2, 0)
    use("carol", first, 1, 0)
    assert moved(look("monthly", today=first)) == [(1, "bob", 2), (2, "carol", None)]
    assert moved(look("all_time", today=first)) == [(1, "carol", 1), (2, "alice", 2), (3, "bob", 3)]


def test_a_record_that_arrives_late_moves_yesterdays_places_too(use: Use, look: Look) -> None:
    use("alice", "2026-11-19", 10, 0)
    use("bob", "2026-11-19", 5, 0)
    assert moved(look("weekly")) == [(1, "alice", 1), (2, "bob", 2)]
    use("bob", "2026-11-18", 100, 0)
    assert moved(look("weekly")) == [(1, "bob", 1), (2, "alice", 2)]


def test_movement_by_score_counts_yesterdays_streak(use: Use, look: Look) -> None:
    for day in ("2026-11-17", "2026-11-18", "2026-11-19"):
        use("alice", day, 10, 5)
    use("bob", "2026-11-19", 10, 5)
    use("bob", TODAY, 10, 5)
    assert moved(look("weekly", "streak")) == [(1, "alice", 1), (2, "bob", 2)]
    assert moved(look("weekly", "streak", today="2026-11-22")) == [(1, "alice", 2), (1, "bob", 1)]


# -- streaks


@pytest.mark.parametrize(("today", "streak"), [(TODAY, 3), ("2026-11-21", 3), ("2026-11-22", 0)])
def test_a_streak_lives_through_the_day_after(use: Use, look: Look, today: str, streak: int) -> None:
    for day in ("2026-11-15", "2026-11-18", "2026-11-19", "2026-11-20"):
        use("alice", day)
    assert [each.streak for each in look("weekly", today=today).standings] == [streak]
    assert [each.streak for each in look("all_time", today=today).standings] == [streak]


def test_a_streak_of_yesterday_grows_with_todays_first_record(use: Use, look: Look) -> None:
    use("alice", "2026-11-18")
    use("alice", "2026-11-19")
    assert [each.streak for each in look("weekly").standings] == [2]
    use("alice", TODAY)
    assert [each.streak for each in look("weekly").standings] == [3]


def test_a_gap_filled_later_joins_two_streaks(use: Use, look: Look) -> None:
    for day in ("2026-11-16", "2026-11-17", "2026-11-19", "2026-11-20"):
        use("alice", day)
    assert [each.streak for each in look("weekly").standings] == [2]
    use("alice", "2026-11-18")
    assert [each.streak for each in look("weekly").standings] == [5]


def test_the_streak_of_a_monthly_board_reaches_back_before_it(use: Use, look: Look) -> None:
    for day in ("2026-10-30", "2026-10-31", "2026-11-01"):
        use("alice", day)
    assert [each.streak for each in look("monthly", today="2026-11-01").standings] == [3]


# -- who is on a board


def test_the_disabled_are_on_no_board_and_in_nobodys_way(use: Use, look: Look, db: Database) -> None:
    for name, number in (("alice", 3), ("bob", 2), ("carol", 1)):
        use(name, "2026-11-19", number, 0)
    db.write_sync(partial(accounts.set_disabled, id=PEOPLE["alice"], disabled_at=NOW, now=NOW))
    for period in ("weekly", "monthly", "all_time"):
        assert moved(look(period)) == [(1, "bob", 1), (2, "carol", 2)]
    db.write_sync(partial(accounts.set_disabled, id=PEOPLE["alice"], disabled_at=None, now=NOW))
    assert [each.name for each in look("weekly").standings] == ["alice", "bob", "carol"]


def test_the_private_keep_their_place_and_are_marked(use: Use, look: Look, db: Database) -> None:
    for name, number in (("alice", 3), ("bob", 2), ("carol", 1)):
        use(name, TODAY, number, 0)
    db.write_sync(partial(accounts.set_private, id=PEOPLE["bob"], private=True, now=NOW))
    for period in PERIODS:
        standings = look(period).standings
        assert [(each.rank, each.name, each.private) for each in standings] == [
            (1, "alice", False),
            (2, "bob", True),
            (3, "carol", False),
        ]


def test_the_deleted_are_gone_with_all_they_sent(use: Use, look: Look, db: Database) -> None:
    use("alice", TODAY)
    use("bob", TODAY)
    db.write_sync(partial(accounts.delete_user, id=PEOPLE["alice"]))
    assert [each.name for each in look("all_time").standings] == ["bob"]


def test_whoever_sent_nothing_is_not_there(use: Use, look: Look) -> None:
    use("alice", TODAY)
    assert [each.name for each in look("all_time").standings] == ["alice"]


# -- boards of one tool


def test_a_tools_board_counts_that_tool_alone(use: Use, look: Look) -> None:
    use("alice", TODAY, 100, 50)
    use("alice", TODAY, 7, 3, tool="codex")
    use("alice", "2026-11-17", 1, 1, tool="codex")
    use("bob", TODAY, 20, 0, tool="codex")
    assert tokens(look("daily", tool="codex")) == {"alice": (10, 1), "bob": (20, 1)}
    assert tokens(look("weekly", tool="codex")) == {"alice": (12, 2), "bob": (20, 1)}
    assert tokens(look("all_time", tool="codex")) == {"alice": (12, 2), "bob": (20, 1)}
    assert tokens(look("all_time", tool="claude-code")) == {"alice": (150, 1)}
    assert tokens(look("all_time")) == {"alice": (162, 3), "bob": (20, 1)}
    assert tokens(look("weekly", tool="gemini")) == {}
    assert [tool.id for tool in look("weekly").tools] == ["claude-code", "codex"]
    assert [tool.id for tool in look("weekly", tool="gemini").tools] == ["claude-code", "gemini", "codex"]


def test_a_tools_streak_is_of_the_days_with_it(use: Use, look: Look) -> None:
    for day in ("2026-11-17", "2026-11-18", "2026-11-19", TODAY):
        use("alice", day)
    for day in ("2026-11-16", "2026-11-18", "2026-11-19"):
        use("alice", day, tool="codex")
    assert [each.streak for each in look("weekly").standings] == [5]
    assert [each.streak for each in look("weekly", tool="claude-code").standings] == [4]
    assert [each.streak for each in look("weekly", tool="codex").standings] == [2]
    use("alice", "2026-11-17", tool="codex")
    assert [each.streak for each in look("weekly", tool="codex").standings] == [4]
    assert [each.streak for each in look("weekly", tool="codex", today="2026-11-21").standings] == [0]


def test_a_tools_board_moves_against_its_own_yesterday(use: Use, look: Look) -> None:
    use("alice", "2026-11-19", 10, 0, tool="codex")
    use("bob", "2026-11-19", 5, 0, tool="codex")
    use("bob", "2026-11-19", 900, 0)
    use("bob", TODAY, 50, 0, tool="codex")
    for period in ("weekly", "monthly", "all_time"):
        assert moved(look(period, tool="codex")) == [(1, "bob", 2), (2, "alice", 1)]


@pytest.mark.parametrize("seed", range(2))
def test_boards_of_the_tools_add_up_to_everyones(use: Use, look: Look, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        day = clock.shift(TODAY, -chance.choice([0, 1, 2, 5, 9, 20, 40]))
        tool = chance.choice(["claude-code", "codex", "gemini"])
        use(chance.choice(list(PEOPLE)), day, chance.randrange(1_000), 1 + chance.randrange(500), tool=tool)
    for period, today in itertools.product(PERIODS, (TODAY, "2026-11-19", "2026-11-16")):
        added: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for tool in ("claude-code", "codex", "gemini"):
            for name, (used, sessions) in tokens(look(period, today=today, tool=tool)).items():
                added[name] = added[name][0] + used, added[name][1] + sessions
        assert tokens(look(period, today=today)) == added, (period, today)


def test_the_bars_of_a_tools_board_are_of_that_tool(use: Use, db: Database) -> None:
    use("alice", "2026-11-16", 1, 2, cache=50)
    use("alice", "2026-11-17", 4, 0, cache=8, tool="codex")
    ids, codex = [PEOPLE["alice"]], TOOL_BY_ID["codex"]
    assert db.read_sync(lambda conn: week_of(conn, ids, TODAY, tool=codex)) == {ids[0]: (0, 4, 0, 0, 0, 0, 0)}
    with_cache = db.read_sync(lambda conn: week_of(conn, ids, TODAY, cache=True, tool=codex))
    assert with_cache == {ids[0]: (0, 12, 0, 0, 0, 0, 0)}


def test_a_tool_or_team_that_is_none_is_refused(look: Look) -> None:
    with pytest.raises(Invalid, match="tool: must be one of claude-code"):
        look("weekly", tool="abacus")
    with pytest.raises(NotFound, match="There is no team at this address"):
        look("weekly", team="nowhere")


# -- boards of one team


Join = Callable[[str, str], None]


@pytest.fixture
def join(db: Database) -> Join:
    """Put somebody into a team, which is made if it is not there; an empty name takes them out."""

    def put(person: str, team: str) -> None:
        def write(conn: sqlite3.Connection) -> None:
            if not team:
                teams.drop_member(conn, PEOPLE[person])
                return
            if teams.team_by_slug(conn, team) is None:
                teams.add_team(conn, Team(f"id-{team}", team.title(), team, NOW))
            teams.put_member(conn, PEOPLE[person], f"id-{team}", NOW)

        db.write_sync(write)

    return put


def test_a_teams_board_ranks_its_people_of_now_with_all_they_did(use: Use, look: Look, join: Join) -> None:
    for name, number in (("alice", 3), ("bob", 2), ("carol", 1)):
        use(name, "2026-11-19", number, 0)
    join("bob", "search")
    join("carol", "search")
    for period in ("weekly", "monthly", "all_time"):
        assert moved(look(period, team="search")) == [(1, "bob", 1), (2, "carol", 2)]
    join("alice", "search")
    join("bob", "data")
    assert moved(look("weekly", team="search")) == [(1, "alice", 1), (2, "carol", 2)]
    assert moved(look("weekly", team="data")) == [(1, "bob", 1)]
    assert look("weekly", team="search").overview.tokens == 4
    assert [team.name for team in look("weekly").teams] == ["Data", "Search"]


def test_a_persons_team_stands_beside_them_on_every_board(use: Use, look: Look, join: Join) -> None:
    use("alice", TODAY)
    use("bob", TODAY, tool="codex")
    join("bob", "data")
    for tool in ("", "codex"):
        named = {each.name: each.team.name if each.team else None for each in look("weekly", tool=tool).standings}
        assert named["bob"] == "Data"
    assert named == {"bob": "Data"}
    assert [each.team for each in look("weekly", tool="claude-code").standings] == [None]


def test_a_team_and_a_tool_narrow_together(use: Use, look: Look, join: Join) -> None:
    for name in PEOPLE:
        use(name, TODAY, 5, 0)
    use("alice", TODAY, 1, 0, tool="codex")
    use("bob", TODAY, 2, 0, tool="codex")
    join("alice", "search")
    join("carol", "search")
    assert tokens(look("weekly", team="search", tool="codex")) == {"alice": (1, 1)}


def test_nothing_of_the_private_is_on_a_teams_board(use: Use, look: Look, join: Join, db: Database) -> None:
    for name, number in (("alice", 3), ("bob", 20), ("carol", 1)):
        use(name, "2026-11-19", number, 0)
        join(name, "search")
    db.write_sync(partial(accounts.set_private, id=PEOPLE["bob"], private=True, now=NOW))
    board = look("weekly", team="search")
    assert moved(board) == [(1, "alice", 1), (2, "carol", 2)]
    assert (board.overview.tokens, board.overview.sessions) == (4, 2)
    assert [each.rank for each in look("weekly").standings] == [1, 2, 3]


def test_kept_boards_of_teams_follow_who_joins_and_leaves_at_once(use: Use, db: Database, join: Join) -> None:
    async def live() -> None:
        await db.open()
        boards = Boards(db, Config())
        scope = db.read_sync(lambda conn: find_scope(conn, tool="", team="search"))
        assert moved(await boards.get("weekly", "tokens", TODAY, scope)) == [(1, "alice", 1)]
        await asyncio.to_thread(join, "bob", "search")
        assert moved(await boards.get("weekly", "tokens", TODAY, scope)) == [(1, "bob", 1), (2, "alice", 2)]
        await asyncio.to_thread(join, "alice", "")
        first = await boards.get("weekly", "tokens", TODAY, scope)
        assert moved(first) == [(1, "bob", 1)]
        assert len((await boards.get("weekly", "tokens", TODAY)).standings) == 2
        assert await boards.get("weekly", "tokens", TODAY, scope) is first
        assert len(boards._boards) == 2  # none of an older version is kept
        await db.close()

    use("alice", "2026-11-19", 3, 0)
    use("bob", "2026-11-19", 4, 0)
    join("alice", "search")
    asyncio.run(live())


# -- the bars of the week


def test_a_week_has_seven_days_from_monday(use: Use, db: Database) -> None:
    use("alice", "2026-11-15", 999, 0)
    use("alice", "2026-11-16", 1, 2, cache=50)
    use("alice", TODAY, 3, 0)
    use("bob", "2026-11-22", 9, 0)
    ids = [PEOPLE[name] for name in ("alice", "bob", "carol")]
    found = db.read_sync(lambda conn: week_of(conn, ids, TODAY))
    assert list(found.values()) == [(3, 0, 0, 0, 3, 0, 0), (0, 0, 0, 0, 0, 0, 9), (0,) * 7]


# -- boards kept in memory


def test_a_board_is_kept_until_a_commit_and_made_anew_right_after(use: Use, db: Database) -> None:
    async def live() -> None:
        await db.open()
        boards = Boards(db, Config())
        first = await boards.get("weekly", "tokens", TODAY)
        assert await boards.get("weekly", "tokens", TODAY) is first
        await asyncio.to_thread(use, "alice", TODAY, 5, 0)
        second = await boards.get("weekly", "tokens", TODAY)
        assert second is not first
        assert tokens(second) == {"alice": (5, 1)}
        assert await boards.get("weekly", "tokens", TODAY) is second
        await db.close()

    asyncio.run(live())


def test_boards_of_other_periods_metrics_and_days_are_kept_apart(use: Use, db: Database) -> None:
    async def live() -> None:
        await db.open()
        boards = Boards(db, Config())
        asked = [("weekly", "tokens"), ("weekly", "score"), ("daily", "tokens")]
        made = [await boards.get(period, metric, TODAY) for period, metric in asked]
        assert [(board.period, board.metric) for board in made] == asked
        assert [await boards.get(period, metric, TODAY) for period, metric in asked] == made
        tomorrow = await boards.get("daily", "tokens", "2026-11-21")
        assert tomorrow.today == "2026-11-21"
        await db.close()

    use("alice", TODAY)
    asyncio.run(live())


def test_a_crowd_that_asks_at_once_has_the_board_computed_once(
    use: Use, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []

    def count(conn: sqlite3.Connection, period: str, as_of: str, *more: Any) -> list[Standing]:
        computed.append((period, as_of))
        return real(conn, period, as_of, *more)

    async def live() -> None:
        await db.open()
        boards = Boards(db, Config())
        made = await asyncio.gather(*(boards.get("monthly", "score", TODAY) for _ in range(30)))
        assert all(each is made[0] for each in made)
        await db.close()

    real = actions.standings
    monkeypatch.setattr(actions, "standings", count)
    use("alice", TODAY)
    asyncio.run(live())
    assert sorted(computed) == [("monthly", "2026-11-19"), ("monthly", TODAY)]


def test_a_commit_while_a_board_is_computed_is_on_the_next(
    use: Use, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*of_a_board: Any) -> list[Standing]:
        made = real(*of_a_board)
        monkeypatch.setattr(actions, "standings", real)
        use("bob", TODAY, 9, 0)
        return made

    async def live() -> None:
        await db.open()
        boards = Boards(db, Config())
        assert tokens(await boards.get("daily", "tokens", TODAY)) == {"alice": (5, 1)}
        assert tokens(await boards.get("daily", "tokens", TODAY)) == {"bob": (9, 1), "alice": (5, 1)}
        await db.close()

    real = actions.standings
    monkeypatch.setattr(actions, "standings", meanwhile)
    use("alice", TODAY, 5, 0)
    asyncio.run(live())


def test_a_box_has_one_set_of_boards(db: Database) -> None:
    memory: dict[str, object] = {}
    assert boards_in(memory, db, Config()) is boards_in(memory, db, Config())


# -- projects


def points(board: Board) -> dict[str, float]:
    return {each.name: each.value for each in board.standings}


def test_people_are_ranked_by_what_their_passed_projects_came_to(judged: Judge, use: Use, look: Look) -> None:
    use("carol", TODAY)
    judged("alice", "tally", "2026-11-16", 4, 3)
    judged("alice", "weigh", TODAY, 5, 5)
    judged("alice", "stub", TODAY, 1, 0)
    judged("bob", "gauge", "2026-11-15", 3, 3)
    assert points(look("weekly", "projects")) == {"alice": 17}
    assert points(look("daily", "projects")) == {"alice": 10}
    assert points(look("all_time", "projects")) == {"alice": 17, "bob": 6}
    assert moved(look("all_time", "projects")) == [(1, "alice", 1), (2, "bob", 2)]
    assert look("all_time", "projects", today="2026-11-15").standings[0].name == "bob"


def test_who_has_projects_alone_is_on_no_board_of_usage(judged: Judge, use: Use, look: Look) -> None:
    use("carol", TODAY)
    judged("alice", "tally", TODAY, 4, 3)
    for metric in ("score", "tokens", "cost", "sessions", "streak"):
        assert [each.name for each in look("weekly", metric).standings] == ["carol"]
    assert [each.name for each in look("weekly", "projects", tool="claude-code").standings] == ["alice"]


def test_a_project_counts_as_it_was_judged_last(judged: Judge, look: Look) -> None:
    judged("alice", "tally", "2026-11-18", 5, 5)
    judged("alice", "tally", "2026-11-19", 3, 3)
    assert points(look("weekly", "projects")) == {"alice": 6}
    assert points(look("weekly", "projects", today="2026-11-18")) == {"alice": 10}
    judged("alice", "tally", TODAY, 2, 2)
    assert points(look("weekly", "projects")) == {}


def test_a_days_projects_end_with_the_day_of_the_box(judged: Judge, look: Look) -> None:
    judged("alice", "tally", "2026-11-20", 5, 5)  # noon UTC is the next day in Kiritimati
    zone = Config(arena=Arena(time_zone="Pacific/Kiritimati"))
    assert points(look("daily", "projects", config=zone)) == {}
    assert points(look("daily", "projects", today="2026-11-21", config=zone)) == {"alice": 10}


def test_a_disabled_persons_projects_do_not_rank(judged: Judge, db: Database, look: Look) -> None:
    judged("alice", "tally", TODAY, 5, 5)
    db.write_sync(lambda conn: accounts.set_disabled(conn, PEOPLE["alice"], NOW, NOW))
    assert points(look("weekly", "projects")) == {}
