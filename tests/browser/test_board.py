"""The board under the hand: tabs, metric, search and pages, with scripts and without."""

from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.browser.conftest import NARROW, PASSWORD, Open, join, settled, sign_in
from tests.flows.serving import Serving, Visitor, now_iso, session

PEOPLE = 55


@pytest.fixture(scope="module")
def crowd(box: Serving, browser: Any) -> Serving:
    """Alice, who runs the box, and fifty-five others on the board; number 7 has worked long ago too."""
    context = browser.new_context(base_url=box.url)
    join(context.new_page(), box.first_link())
    context.close()
    for number in range(PEOPLE):
        person = box.add(f"p-{number:02}")
        person.send(session(inputTokens=1_000 + number, outputTokens=500))
        if number == 7:
            person.send(session(inputTokens=10**6, outputTokens=10**6, endedAt=now_iso(70 * 86_400)))
    return box


def first_row(page: Page) -> Any:
    return page.locator("#board tbody tr").first


def test_tabs_swap_the_board_and_back_shows_a_whole_page(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd) as page:
        page.goto("/")
        page.evaluate("window.opened = 'before'")
        asked = []
        page.on("request", lambda request: asked.append(request.headers.get("hx-target")))
        page.get_by_role("link", name="All time", exact=True).click()
        expect(page).to_have_url(f"{crowd.url}/?period=all_time")
        expect(first_row(page)).to_have_id("r-p-07")
        assert page.evaluate("window.opened") == "before"
        assert "board" in asked
        page.get_by_role("link", name="Today", exact=True).click()
        expect(page).to_have_url(f"{crowd.url}/?period=daily")
        expect(page.locator("#tab_daily")).to_have_attribute("aria-current", "page")
        page.go_back()
        expect(page).to_have_url(f"{crowd.url}/?period=all_time")
        expect(first_row(page)).to_have_id("r-p-07")
        page.go_back()
        expect(page).to_have_url(f"{crowd.url}/")
        expect(page.locator("header.top")).to_be_visible()
        expect(page.locator("#board")).to_have_count(1)
        expect(first_row(page)).not_to_have_id("r-p-07")


def test_back_from_another_page_shows_the_whole_page(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd) as page:
        page.goto("/")
        page.get_by_role("link", name="All time", exact=True).click()
        expect(page).to_have_url(f"{crowd.url}/?period=all_time")
        page.goto("/install")
        page.go_back()
        expect(page.locator("header.top")).to_be_visible()
        expect(first_row(page)).to_have_id("r-p-07")
        page.reload()
        expect(page.locator("header.top")).to_be_visible()


def test_metric_and_search_swap_the_board(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd) as page:
        page.goto("/")
        page.locator("#head_tokens").click()
        expect(page).to_have_url(f"{crowd.url}/?metric=tokens")
        expect(first_row(page)).to_have_id("r-p-54")
        page.get_by_label("Find a person").press_sequentially("p-3", delay=20)
        expect(page.locator("#board tbody tr")).to_have_count(10)
        expect(page).to_have_url(f"{crowd.url}/?metric=tokens&q=p-3")
        expect(page.get_by_label("Find a person")).to_be_focused()
        expect(page.get_by_label("Find a person")).to_have_value("p-3")
        page.get_by_label("Find a person").fill("nobody like this")
        expect(page.get_by_text("Nobody on this board is called")).to_be_visible()
        page.get_by_role("link", name="Show everyone").click()
        expect(page.locator("#board tbody tr")).to_have_count(50)


def test_a_phone_chooses_the_metric_from_a_list(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd, width=NARROW) as page:
        page.goto("/?period=monthly")
        page.get_by_label("Rank by").select_option("tokens")
        expect(page).to_have_url(f"{crowd.url}/?period=monthly&metric=tokens")
        expect(first_row(page)).to_have_id("r-p-54")
        settled(page)
        page.get_by_label("Rank by").select_option("score")
        expect(page).to_have_url(f"{crowd.url}/?period=monthly")


def test_pages_turn_in_place(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd) as page:
        page.goto("/?metric=tokens")
        page.get_by_role("link", name="Next", exact=True).click()
        expect(page.locator("#board tbody tr")).to_have_count(PEOPLE - 50)
        expect(first_row(page).locator(".rk")).to_have_text("51")
        expect(page).to_have_url(f"{crowd.url}/?metric=tokens&page=2")
        page.get_by_role("link", name="Previous", exact=True).click()
        expect(page.locator("#board tbody tr")).to_have_count(50)


def test_everything_works_without_scripts(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_role("link", name="All time", exact=True).click()
        expect(first_row(page)).to_have_id("r-p-07")
        page.locator("#head_tokens").click()
        page.get_by_label("Find a person").fill("p-3")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.locator("#board tbody tr")).to_have_count(10)
        assert "period=all_time" in page.url
        assert "metric=tokens" in page.url
        page.goto("/")
        page.get_by_role("link", name="Next", exact=True).click()
        expect(page.locator("#board tbody tr")).to_have_count(PEOPLE - 50)
        expect(page.locator("header.top")).to_be_visible()
        sign_in(page)
        page.goto("/dashboard")
        page.get_by_label("Key name").fill("no scripts")
        page.get_by_role("button", name="Make a key").click()
        expect(page.locator(".fresh code").first).to_contain_text("modu_arena_")
        page.get_by_role("button", name="Revoke no scripts").click()
        expect(page.get_by_role("button", name="Revoke no scripts")).to_have_count(0)
        page.locator(".you_menu summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in").first).to_be_visible()


def test_a_change_waits_while_somebody_reads_and_then_comes(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd) as page:
        page.goto("/?metric=tokens&q=p-54")
        page.locator("#r-p-54 .nm").hover()
        expect(page.locator("#live")).to_be_visible()
        crowd.add("late").send(session(inputTokens=5, outputTokens=5))
        page.mouse.move(1, 1)
        page.goto("/?metric=tokens")
        first_row(page).hover()
        expect(page.locator("#live")).to_be_visible()
        crowd.add("later").send(session(inputTokens=90_000, outputTokens=5))
        bar = page.locator("#held button")
        expect(bar).to_contain_text("while you were reading", timeout=5_000)
        expect(page.locator("#r-later")).to_have_count(0)
        bar.click()
        expect(first_row(page)).to_have_id("r-later")


def test_a_name_that_was_hidden_is_a_change_that_waits_as_any_other(crowd: Serving, open_page: Open) -> None:
    link = partial(links.sign_in_link, name="p-54", days=1, caller=OPERATOR, now=clock.now())
    with Visitor(crowd) as visitor, open_page(crowd) as page:
        visitor.post(
            address := f"/join/{crowd.write(link)}", data={"csrf": visitor.csrf(address), "password": PASSWORD}
        )
        page.goto("/?metric=tokens&period=daily")
        row = page.locator("#r-p-54")
        expect(page.locator("#live")).to_be_visible()
        first_row(page).hover()
        visitor.post("/settings/privacy", data={"csrf": visitor.csrf("/dashboard"), "privacy_mode": "on"})
        expect(page.locator("#held button")).to_have_text("1 change while you were reading. Show", timeout=5_000)
        page.locator("#held button").click()
        expect(row).to_have_count(0)
        expect(page.locator("tbody tr", has_text="Anonymous")).to_have_count(1)
        page.mouse.move(1, 1)
        visitor.post("/settings/privacy", data={"csrf": visitor.csrf("/dashboard")})
        expect(row).to_have_count(1, timeout=5_000)


def test_the_theme_is_switched_and_remembered(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd, color_scheme="light") as page:
        page.goto("/?metric=tokens")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("link", name="Dark theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page).to_have_url(f"{crowd.url}/?metric=tokens")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        page.goto("/install")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("link", name="Light theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_signing_in_leads_back_and_signing_out_ends_it(crowd: Serving, open_page: Open) -> None:
    with open_page(crowd, complaints=("status of 401",)) as page:
        page.goto("/dashboard")
        expect(page).to_have_url(f"{crowd.url}/sign-in?next=%2Fdashboard")
        page.get_by_label("User name").fill("alice")
        page.get_by_label("Password").fill("wrong password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("is wrong")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{crowd.url}/dashboard")
        page.locator(".you_menu summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
        page.go_back()
        page.reload()
        expect(page).to_have_url(f"{crowd.url}/sign-in?next=%2Fdashboard")
