"""Seasons and boards of what is over under the hand: the list, neighbours, and the picture of one's own places."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from arena.accounts.actions import keys
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.leaderboard.pages.board import MONTHS
from arena.leaderboard.rules import window
from tests.browser.conftest import NARROW, Open, join, settled, sign_in
from tests.flows.serving import Person, Serving, arena, session

TODAY = clock.Days("UTC").of(clock.now())
LAST = clock.shift(window("monthly", TODAY)[0], -1)
BEFORE = clock.shift(window("monthly", LAST)[0], -1)


@pytest.fixture(scope="module")
def past(box: Serving, browser: Any) -> Serving:
    """Alice, who runs the box, bob and carol: bob won the month before last, alice the last one."""
    context = browser.new_context(base_url=box.url)
    join(context.new_page(), box.first_link())
    context.close()
    [(id,)] = box.ask("SELECT id FROM users WHERE username = 'alice'")
    key = box.write(lambda conn: keys.make_key(conn, user_id=id, caller=OPERATOR, now=clock.now()))
    people = {"alice": Person(box, "alice", key), "bob": box.add("bob"), "carol": box.add("carol")}
    for day, order in ((BEFORE, ("bob", "alice", "carol")), (LAST, ("alice", "bob"))):
        for place, name in enumerate(order, 1):
            sent = session(sessionId=f"{name}-{day}", endedAt=f"{day}T12:00:00Z", outputTokens=900 // place)
            people[name].send(sent)
    assert arena("admin", "rankings", "freeze", "--data", str(box.data)).returncode == 0
    return box


def month(day: str) -> str:
    return MONTHS[int(day[5:7]) - 1]


@pytest.mark.parametrize("scripts", [True, False])
def test_one_turns_from_the_list_to_a_season_and_on_to_its_neighbours(
    past: Serving, open_page: Open, scripts: bool
) -> None:
    with open_page(past, java_script_enabled=scripts) as page:
        page.goto("/")
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Seasons").click()
        page.get_by_role("link", name=month(LAST)).first.click()
        expect(page).to_have_url(f"{past.url}/seasons/{LAST[:7]}")
        expect(page.locator("h1")).to_contain_text(f"Alice won {month(LAST)}")
        expect(page.locator("#r-alice .mv")).to_contain_text("+1")
        page.get_by_role("link", name=month(BEFORE)).click()
        expect(page).to_have_url(f"{past.url}/seasons/{BEFORE[:7]}")
        expect(page.locator("h1")).to_contain_text(f"bob won {month(BEFORE)}")
        page.locator("#head_tokens").click()
        expect(page).to_have_url(f"{past.url}/seasons/{BEFORE[:7]}?metric=tokens")
        page.go_back()
        expect(page).to_have_url(f"{past.url}/seasons/{BEFORE[:7]}")
        expect(page.locator("header.top")).to_be_visible()


def test_a_search_on_a_day_that_is_over_stays_there(past: Serving, open_page: Open) -> None:
    with open_page(past, width=NARROW) as page:
        page.goto(f"/?period=daily&on={LAST}")
        expect(page.locator("#board tbody tr")).to_have_count(2)
        page.get_by_label("Find a person").fill("bob")
        expect(page.locator("#board tbody tr")).to_have_count(1)
        expect(page).to_have_url(f"{past.url}/?period=daily&on={LAST}&metric=score&q=bob".replace("&metric=score", ""))


def test_ones_own_places_are_drawn_by_week_and_by_month(past: Serving, open_page: Open) -> None:
    with open_page(past) as page:
        sign_in(page)
        page.goto("/dashboard")
        ranks = page.locator("#ranks")
        expect(ranks.locator("h2")).to_contain_text("Rank by week")
        ranks.get_by_role("link", name="Month").click()
        expect(ranks.locator("h2")).to_contain_text(f"best 1st, in {month(LAST)}")
        settled(page)
        ranks.get_by_text("Table", exact=True).click()
        expect(ranks.get_by_role("row", name=month(BEFORE))).to_contain_text("2")
        ranks.locator(".mark").first.focus()
        expect(ranks.locator(".mark").first).to_be_focused()
        page.goto("/seasons")
        expect(page.locator("h1")).to_contain_text("Your best place is 1st")


def test_an_open_board_begins_anew_when_the_day_does(past: Serving, open_page: Open) -> None:
    said = "".join(f'event: presence\ndata: {{"coding":0,"day":"{day}"}}\n\n' for day in ("1", "2"))
    streams = []

    def answer(route: Route) -> None:
        streams.append(route)
        if len(streams) == 1:  # a second one, which would ask anew by itself, never begins
            route.fulfill(content_type="text/event-stream", body=said)

    with open_page(past) as page:
        page.route("**/live", answer)
        with page.expect_request(lambda request: request.headers.get("hx-target") == "board"):
            page.goto("/")
