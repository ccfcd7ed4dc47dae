"""What the board's page says of rows, strands and the visitor, and what it keeps to itself."""

from pathlib import Path

import msgspec
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from arena.leaderboard.models import EVERYONE, Board, Scope, Standing
from arena.leaderboard.pages.board import LeaderboardPage, first_run, href, leaderboard
from arena.leaderboard.rules import overview
from arena.teams.models import Team
from arena.usage.models import TOOL_BY_ID
from arena.web import words

NOW = 1_795_183_200_000  # Friday, 20 Nov 2026, 14:00 UTC
ROOT = Path(__file__).parents[2]
SEARCH = Team("t1", "Search", "search", 0)
CODEX = TOOL_BY_ID["codex"]


def standing(name: str, rank: int, score: float, before: int | None = None, **other: object) -> Standing:
    fields: dict[str, object] = {
        **{"user_id": f"id-{name}", "name": name, "display": name, "private": False, "joined_at": 0},
        **{"input": 1000, "output": 500, "cache": 9, "sessions": 4, "streak": 2, "score": score, "rank": rank},
        **{"tied": False, "value": score, "last_at": 0, "before": before},
    }
    return msgspec.convert({**fields, **other}, Standing)


def board(*standings: Standing, period: str = "weekly", metric: str = "score", scope: Scope = EVERYONE) -> Board:
    days = ("2026-11-16", "2026-11-22", "2026-11-20")
    narrowed = {"scope": scope, "tools": (TOOL_BY_ID["claude-code"], CODEX), "teams": (SEARCH,)}
    return Board(period, metric, *days, "UTC", standings, overview(standings), **narrowed)


def page_of(shown: Board, visitor: str | None = "dana", search: str = "", page: int = 1) -> LeaderboardPage:
    visitor_id = f"id-{visitor}" if visitor else None
    return leaderboard(shown, visitor_id=visitor_id, search=search, page=page, week={}, now=NOW)


def html(page: LeaderboardPage, block: str = "board") -> str:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update({name: getattr(words, name) for name in words.__all__})
    template = environment.get_template("leaderboard/board.html")
    return "".join(template.blocks[block](template.new_context({"page": page, "csrf": "c", "path": "/"})))


WEEK = board(
    standing("carol", 1, 812.46, 2),
    standing("alice", 2, 806.12, 1, last_at=NOW - 60_000),
    standing("secret", 3, 700.0, 3, private=True, last_at=NOW),
    standing("dana", 4, 677.64, 5),
    standing("bob", 5, 500.0, 4, tied=True),
    standing("zoe", 5, 500.0, None, tied=True),
)


def test_strands_run_from_yesterdays_place_to_todays() -> None:
    page = page_of(WEEK)
    assert [row.strand and (row.strand.kind, row.strand.fall) for row in page.rows] == [
        *[("up", 1), ("down", -1), None, ("you", 1), ("down", -1), ("new", 0)]
    ]
    assert [row.place for row in page.rows] == ["1", "2", "3", "4", "5", ""]
    assert [row.moved for row in page.rows] == [1, -1, None, 1, -1, None]
    assert (page.then, page.since) == ("Thu", "Thursday")


def test_without_a_yesterday_nobody_is_new() -> None:
    page = page_of(board(standing("carol", 1, 9.0), standing("dana", 2, 8.0)))
    assert not any(row.new or row.strand for row in page.rows)
    assert page.then == ""


def test_a_private_person_is_anonymous_to_everybody_else() -> None:
    row = page_of(WEEK).rows[2]
    assert (row.display, row.name, row.dom_id, row.strand, row.moved) == ("Anonymous", "", "", None, None)
    assert (row.coding, row.new, row.you) == (False, False, False)
    shown = html(page_of(WEEK))
    assert "secret" not in shown
    assert "secret" not in html(page_of(WEEK, visitor=None))


def test_a_private_person_sees_themselves_and_is_told_what_others_see() -> None:
    row = page_of(WEEK, visitor="secret").rows[2]
    assert (row.display, row.you, row.hidden) == ("secret", True, True)
    assert "others see “Anonymous”" in html(page_of(WEEK, visitor="secret"))


def test_a_search_finds_what_is_shown_and_keeps_the_ranks() -> None:
    assert [row.rank for row in page_of(WEEK, search=" A ").rows] == [1, 2, 3, 4]
    assert page_of(WEEK, search="secret").rows == ()
    assert [row.rank for row in page_of(WEEK, visitor="secret", search="SECRET").rows] == [3]


def test_gaps_are_to_the_one_ahead() -> None:
    assert [row.behind for row in page_of(WEEK).rows] == ["", "6.34", "106.12", "22.36", "177.64", "="]


@pytest.mark.parametrize(
    ("shown", "visitor", "says"),
    [
        (WEEK, "dana", "carol leads week 47 by 6.34. You are 4th, 22.36 behind the one ahead."),
        (WEEK, "bob", "carol leads week 47 by 6.34. You share place 5, 177.64 behind dana."),
        (WEEK, "carol", "You lead week 47 by 6.34. alice is next."),
        (WEEK, "erin", "carol leads week 47 by 6.34. You are not on this board yet."),
        (WEEK, None, "carol leads week 47 by 6.34. Sign in to see where you stand."),
        (board(standing("dana", 1, 9.0)), "dana", "You lead week 47, alone so far."),
        (board(standing("x", 1, 9.0, private=True)), "x", "You lead week 47, alone so far."),
        (
            board(standing("x", 1, 9.0, private=True), standing("dana", 2, 8.5)),
            "dana",
            "An anonymous person leads week 47 by 0.50. You are 2nd, 0.50 behind the one ahead.",
        ),
        (
            board(standing("bob", 1, 9.0, tied=True), standing("dana", 1, 9.0, tied=True)),
            "dana",
            "You and bob share the lead of week 47.",
        ),
        (
            board(standing("bob", 1, 9.0, tied=True), standing("dana", 1, 9.0, tied=True), period="daily"),
            "carol",
            "bob and dana share the lead of today. You are not on this board yet.",
        ),
        (
            board(standing("bob", 1, 9.0, value=2.0), standing("dana", 2, 9.0, value=1.0), metric="streak"),
            "dana",
            "bob leads week 47 by 1 day. You are 2nd, 1 day behind bob.",
        ),
        (board(), "dana", "Nobody is on the board for week 47 yet."),
    ],
)
def test_the_headline_says_who_leads_and_where_i_stand(shown: Board, visitor: str | None, says: str) -> None:
    assert headline_of(html(page_of(shown, visitor))) == says


def headline_of(shown: str) -> str:
    headline = shown.partition("<h1")[2].partition("</h1>")[0].partition(">")[2]
    text = "".join(part.partition(">")[2] if i else part for i, part in enumerate(headline.split("<")))
    return " ".join(text.split())


def test_pages_go_on_counting_and_the_own_row_is_pinned_elsewhere() -> None:
    many = board(*(standing(f"p{n:03}", n, 900.0 - n, n) for n in range(1, 124)))
    first, last = page_of(many, visitor="p090"), page_of(many, visitor="p090", page=99)
    assert (first.first, first.last, first.found, first.pages) == (1, 50, 123, 3)
    assert first.pinned is not None
    assert (first.pinned.rank, first.pinned.strand) == (90, None)
    assert (first.previous_href, first.next_href) == ("", "/?page=2")
    assert (last.page, last.rows[0].rank, last.rows[-1].rank, last.next_href) == (3, 101, 123, "")
    assert page_of(many, visitor="p090", page=2).pinned is None


def test_usual_choices_are_left_out_of_addresses() -> None:
    assert href() == "/"
    assert href("monthly", "tokens", "a b", 2) == "/?period=monthly&metric=tokens&q=a+b&page=2"
    assert [tab.href for tab in page_of(WEEK).tabs] == ["/?period=daily", "/", "/?period=monthly", "/?period=all_time"]


def test_week_bars_have_their_own_scale_and_today_apart() -> None:
    week = {"id-carol": (100, 50, 0, 0, 200, 0, 0)}
    row = leaderboard(WEEK, visitor_id=None, search="", page=1, week=week, now=NOW).rows[0]
    assert (row.week.bars, row.week.today) == ("M4.5 20V10M15.5 20V15", "M48.5 20V0")
    assert row.week.words == "Mon 100, Tue 50, Fri 200"


@pytest.mark.parametrize(
    ("name", "is_admin", "kind"), [("root", True, "admin"), ("dana", False, "member"), (None, False, "visitor")]
)
def test_an_empty_box_says_what_to_do_next(name: str | None, is_admin: bool, kind: str) -> None:
    page = first_run(board(), address="https://a.example", name=name, is_admin=is_admin)
    assert page.first_run is not None
    assert page.first_run.kind == kind
    shown = html(page)
    assert "arena login --server https://a.example" in shown
    assert ("/dashboard/invitations" in shown) == is_admin
    assert ("Ask your administrator for a link, or sign in" in shown) == (name is None)


def test_an_invitation_link_is_a_block_of_its_own() -> None:
    page = first_run(board(), address="", name="root", is_admin=True, invitation_link="https://a.example/join/x")
    assert html(page, "invitation").lstrip().startswith('<div id="invitation"')
    assert "https://a.example/join/x" in html(page, "invitation")


def test_every_link_of_a_narrowed_board_keeps_what_it_is_narrowed_to() -> None:
    many = (standing(f"p{n:03}", n, 900.0 - n) for n in range(1, 60))
    page = page_of(board(*many, scope=Scope(CODEX, SEARCH)), visitor=None)
    links = [*(tab.href for tab in page.tabs), *(head.href for head in page.heads.values())]
    assert all("tool=codex&team=search" in link for link in (*links, page.next_href, page.all_href, page.week_href))
    assert (page.tool, page.team, page.everyone_href) == ("codex", "search", "/")
    assert [(option.value, option.chosen) for option in page.tools] == [
        *[("", False), ("claude-code", False), ("codex", True)]
    ]
    assert [(option.label, option.chosen) for option in page.teams] == [("Everyone", False), ("Search", True)]


def test_without_a_choice_there_is_no_select() -> None:
    lone = msgspec.structs.replace(WEEK, tools=(CODEX,), teams=())
    page = page_of(lone)
    assert (page.tools, page.teams) == ((), ())
    assert '<select id="of_' not in html(page)
    assert page_of(msgspec.structs.replace(lone, scope=Scope(tool=CODEX))).tools != ()


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        (Scope(team=SEARCH), "carol leads week 47 in \u2068Search\u2069 by 6.34. You are not on this board."),
        (Scope(tool=CODEX), "carol leads week 47 with Codex by 6.34. You are not on this board yet."),
    ],
)
def test_the_headline_says_what_the_board_is_narrowed_to(scope: Scope, says: str) -> None:
    shown = board(standing("carol", 1, 812.46), standing("alice", 2, 806.12), scope=scope)
    assert headline_of(html(page_of(shown, "erin"))) == says
    assert "Nobody is on the board for week 47" in html(page_of(board(scope=scope)))


def test_a_team_stands_beside_the_name_but_never_beside_anonymous() -> None:
    shown = board(
        standing("carol", 1, 9.0, team={"id": "t2", "name": "R&D <b>", "slug": "r-d-b", "created_at": 0}),
        standing("secret", 2, 8.0, private=True, team={"id": "t3", "name": "Hush", "slug": "hush", "created_at": 0}),
    )
    page = page_of(shown)
    assert [row.team for row in page.rows] == ["R&D <b>", ""]
    assert "R&amp;D &lt;b&gt;" in html(page)
    assert "Hush" not in html(page)
    assert "Hush" in html(page_of(shown, "secret"))


def test_a_board_of_a_team_says_whom_it_leaves_out() -> None:
    assert "People in privacy mode are left out" in html(
        page_of(board(standing("a", 1, 1.0), scope=Scope(team=SEARCH)))
    )
    assert "People in privacy mode are left out" not in html(page_of(WEEK))


def test_a_board_of_projects_shows_points_in_place_of_sessions() -> None:
    made = board(standing("carol", 1, 9.0, projects=17, value=17), metric="projects")
    shown = html(page_of(made))
    assert '<td class="n pj">17</td>' in shown
    assert 'class="n se"' not in shown
    assert "alone so far" in shown
    assert "The first project that passes in this period opens this board." in html(page_of(board(metric="projects")))
    assert 'class="n pj"' not in html(page_of(WEEK))
