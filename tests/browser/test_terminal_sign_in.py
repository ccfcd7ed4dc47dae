"""Signing a terminal in with a real browser: on the same machine, and by a code from another."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Open, join
from tests.flows.conftest import Serve
from tests.flows.serving import Laptop, Person, Serving
from tests.flows.test_login import ADDRESS, CODE, Login

QUIET = ("--no-hooks", "--no-sync")


@pytest.fixture
def alices(serve: Serve, browser: Any) -> Serving:
    """A box that alice runs."""
    box = serve()
    context = browser.new_context(base_url=box.url)
    join(context.new_page(), box.first_link())
    context.close()
    return box


def sign_in_here(page: Page) -> None:
    """Fill in the sign-in page that one was led to."""
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def key_of(laptop: Laptop) -> str:
    return str(json.loads((laptop.home / "credentials.json").read_text())["api_key"])


@pytest.mark.parametrize("scripts", [True, False])
def test_the_browser_of_the_machine_signs_its_terminal_in(
    alices: Serving, open_page: Open, laptop: Laptop, scripts: bool
) -> None:
    waiting = Login(laptop, alices, "--label", "work laptop", *QUIET)
    with open_page(alices, java_script_enabled=scripts, complaints=("favicon.ico", "status of 404")) as page:
        page.goto(waiting.hears(ADDRESS))
        sign_in_here(page)
        expect(page.get_by_label("Name of this machine")).to_have_value("work laptop")
        page.get_by_label("Name of this machine").fill("kitchen table")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_text("You may close this page.")).to_be_visible()
        assert page.url.endswith("/done")
        code, said = waiting.ends()
        assert code == 0, said
        key = key_of(laptop)
        assert Person(alices, "alice", key).get("/api/v1/verify")["username"] == "alice"
        assert key not in page.content()
        page.goto(f"{alices.url}/dashboard")
        expect(page.get_by_role("row").filter(has_text="kitchen table")).to_be_visible()


def test_a_no_in_the_browser_reaches_the_terminal(alices: Serving, open_page: Open, laptop: Laptop) -> None:
    waiting = Login(laptop, alices, *QUIET)
    with open_page(alices, complaints=("favicon.ico", "status of 404")) as page:
        page.goto(waiting.hears(ADDRESS))
        sign_in_here(page)
        page.get_by_role("button", name="Do not sign in").click()
        expect(page.get_by_role("heading")).to_have_text("Nothing was signed in.")
    code, said = waiting.ends()
    assert (code, "the answer in the browser was no" in said) == (1, True)


def test_a_code_from_another_machine_signs_it_in(alices: Serving, open_page: Open, laptop: Laptop) -> None:
    waiting = Login(laptop, alices, "--device", "--label", "build server", *QUIET)
    code = waiting.hears(CODE)
    with open_page(alices, complaints=("status of 400",)) as page:
        page.goto("/device")
        sign_in_here(page)
        page.get_by_label("Code").fill("BBBB-BBBB")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#e_code")).to_contain_text("No machine waits behind this code.")
        page.get_by_label("Code").fill(code.lower())
        page.get_by_label("Code").press("Enter")
        expect(page.locator(".facts")).to_contain_text("build server")
        expect(page.locator(".facts")).to_contain_text("127.0.0.1")
        page.get_by_role("button", name="Sign in this machine").click()
        expect(page.get_by_role("heading")).to_contain_text("build server")
        expect(page.get_by_text("You may close this page.")).to_be_visible()
    exit_code, said = waiting.ends()
    assert exit_code == 0, said
    assert Person(alices, "alice", key_of(laptop)).get("/api/v1/verify")["username"] == "alice"
