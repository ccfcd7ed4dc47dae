"""The page on which everybody sees what came by which road, and what of it counts."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.usage.models import TOOL_BY_ID, Road, Totals
from arena.usage.pages.roads import is_month, roads
from arena.wire import record_key, session_hash
from tests.api.test_day_rows import a_row, sync
from tests.flows.conftest import box, pytest_runtest_makereport
from tests.flows.serving import Person, Serving, Visitor, get, session

__all__ = ["box", "pytest_runtest_makereport"]
CLAUDE, CODEX, UNKNOWN = (TOOL_BY_ID[name].number for name in ("claude-code", "codex", "unknown"))


def sums(**fields: int) -> Totals:
    return Totals(**{"sessions": 1, "records": 1, "input": 10, "output": 5, **fields})


def test_of_each_tool_and_day_one_road_counts_and_the_others_say_why_not() -> None:
    by_tool = {
        CODEX: {(Road.SESSION_API, 0): sums(input=30), (Road.DAY_ROWS, 0): sums()},
        CLAUDE: {(Road.TRANSCRIPTS, 1): sums(input=100), (Road.TELEMETRY, 0): sums(), (Road.DAY_ROWS, 0): sums()},
        UNKNOWN: {(Road.DAY_ROWS, 0): sums()},
    }
    found = {"2026-11-19": {CODEX: {(Road.DAY_ROWS, 0): sums()}}, "2026-11-20": by_tool}
    page = roads("2026-11", found, before="2026-09", after=None, zone="UTC")
    assert [day.day for day in page.days] == ["2026-11-20", "2026-11-19"]
    assert [(each.tool, each.is_first, each.road, each.counts, each.why) for each in page.days[0].brought] == [
        ("Claude Code", True, "transcripts", False, "left out of ranking by an administrator"),
        ("Claude Code", False, "OpenTelemetry", False, "transcripts go first"),
        ("Claude Code", False, "ccusage", False, "transcripts go first"),
        ("Codex", True, "session API", True, "counts"),
        ("Codex", False, "ccusage", False, "the session API goes first"),
        ("Tool not told", True, "ccusage", False, "may be part of what a tool told itself"),
    ]
    assert (page.counted, page.beside, page.left_out) == (35 + 15, 4 * 15, 105)
    assert page.month == "November 2026"
    assert page.before is not None
    assert (page.before.label, page.before.href, page.after) == (
        "September 2026",
        "/dashboard/roads?month=2026-09",
        None,
    )


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "202611", "2026-11-01", "x", "٢٠٢٦-11", "2026-11\n"])
def test_what_is_no_month_is_none(text: str) -> None:
    assert not is_month(text)


# -- over a real box


@pytest.fixture(scope="module")
def ada(box: Serving) -> Iterator[Visitor]:
    """Somebody whose machine sent two days by three roads."""
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "ada")
        person = Person(box, "ada", visitor.make_key())
        today = clock.iso(clock.now())[:10]
        record: dict[str, Any] = {"key": record_key("m", "r"), "at": clock.now(), "model": "claude-x"}
        stretch: dict[str, Any] = {"tool": "claude-code", "session": session_hash("claude-code", "s")}
        stretch |= {"started_at": clock.now(), "ended_at": clock.now()}
        person.post("/api/v1/usage", {"sessions": [{**stretch, "records": [{**record, "input": 7_000, "output": 77}]}]})
        person.send(session(sessionId="other", inputTokens=5_000, outputTokens=55))
        sync(person, [a_row(today, inputTokens=3_000), a_row("2026-02-01", inputTokens=2_000)])
        yield visitor


def rows(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200
    found = re.findall(r"<tr.*?</tr>", answer.text, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


def test_a_person_sees_every_road_and_which_one_counts(ada: Visitor) -> None:
    shown = rows(ada.get("/dashboard/roads"))
    assert shown[2].startswith("Claude Code transcripts 7,000 77 0 1 ")
    assert shown[2].endswith(" counts")
    assert re.fullmatch(r"Claude Code session API 5,000 55 0 1 \S+ transcripts go first", shown[3])
    assert re.fullmatch(r"Claude Code ccusage 3,000 50 7 – \S+ transcripts go first", shown[4])
    assert len(shown) == 5


def test_other_months_are_a_link_away_and_empty_ones_are_passed_over(ada: Visitor) -> None:
    first = ada.get("/dashboard/roads")
    assert 'href="/dashboard/roads?month=2026-02" rel="prev">February 2026</a>' in first.text
    earlier = ada.get("/dashboard/roads?month=2026-02")
    assert rows(earlier)[1:] == ["Sunday, 1 Feb 2026", rows(earlier)[2]]
    assert 'rel="next"' in earlier.text
    assert 'rel="prev"' not in earlier.text
    empty = ada.get("/dashboard/roads?month=2025-12")
    assert "Nothing came in December 2025." in empty.text
    assert "<table" not in empty.text
    assert ada.get("/dashboard/roads?month=now").status_code == 404


def test_the_dashboard_leads_there_and_nobody_else_is_let_in(ada: Visitor, box: Serving) -> None:
    assert 'href="/dashboard/roads"' in ada.get("/dashboard").text
    answer = get(f"{box.url}/dashboard/roads", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_the_page_of_one_person_shows_nothing_of_another(ada: Visitor, box: Serving) -> None:
    with Visitor(box) as visitor:
        visitor.join(box.write(_link), "eve")
        assert "Nothing came in" in visitor.get("/dashboard/roads").text


def _link(conn: Any) -> str:
    token = links.invite(conn, name=None, days=1, caller=OPERATOR, now=clock.now())
    return f"/join/{token}"
