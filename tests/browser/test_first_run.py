"""From an empty folder to a board that moves by itself, as the first administrator lives it."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open, join
from tests.flows.conftest import Serve
from tests.flows.serving import Laptop
from tests.flows.transcripts import Tree


def test_the_open_board_changes_when_the_first_laptop_sends(
    serve: Serve, open_page: Open, laptop: Laptop, tree: Tree
) -> None:
    box = serve()
    tree.session("one", 20)
    with open_page(box) as page:
        join(page, box.first_link())
        expect(page.get_by_role("heading", level=1)).to_contain_text("Your arena is running.")
        expect(page.get_by_text("Waiting for the first record.")).to_be_visible()

        other = page.context.new_page()
        other.goto("/dashboard")
        other.get_by_label("Key name").fill("work laptop")
        other.get_by_role("button", name="Make a key").click()
        key = other.locator(".fresh code").first.inner_text()
        assert re.fullmatch(r"modu_arena_[0-9a-f]{8}_[0-9a-f]{32}", key)
        expect(other.get_by_role("row").filter(has_text="work laptop")).to_be_visible()
        other.close()

        page.bring_to_front()
        page.evaluate("window.opened = 'before'")
        laptop.run("login", "--server", box.url, "--api-key", key, "--no-hooks")
        row = page.locator("#r-alice")
        expect(row).to_be_visible(timeout=5_000)
        before = row.locator(".tk").get_attribute("title")
        tree.session("two", 300)
        laptop.sync()
        expect(row.locator(".tk")).not_to_have_attribute("title", str(before), timeout=5_000)
        expect(row.locator(".se")).to_have_text("2")
        assert page.evaluate("window.opened") == "before"


def test_an_invitation_is_made_in_place_and_opens_for_somebody_else(serve: Serve, open_page: Open) -> None:
    box = serve()
    with open_page(box) as page, open_page(box) as others:
        join(page, box.first_link())
        page.get_by_role("button", name="Make an invitation link").click()
        link = page.locator("#invitation code")
        expect(link).to_contain_text("/join/")
        assert page.url == f"{box.url}/"
        join(others, link.inner_text(), "bob")
        expect(others.get_by_role("heading", level=1)).to_contain_text("The arena is open.")
        expect(others.get_by_role("button", name="Make an invitation link")).to_have_count(0)


def test_a_wrong_form_says_what_is_wrong_and_keeps_what_was_right(serve: Serve, open_page: Open) -> None:
    box = serve()
    with open_page(box, complaints=("status of 400",)) as page:
        page.goto(box.first_link())
        page.get_by_label("User name").fill("no")
        page.get_by_label("Shown name").fill("Alice")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Join").click()
        expect(page.locator("#e_name")).to_contain_text("3 to 50 characters")
        expect(page.get_by_label("Shown name")).to_have_value("Alice")
