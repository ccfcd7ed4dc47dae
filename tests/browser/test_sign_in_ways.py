"""Each way in, as a person goes it in a real browser: password, one-time link, OpenID Connect, GitHub.

The providers stand on another site (localhost, the box on 127.0.0.1), so cookies, the policy of forms and fetch
metadata act as they do between strangers.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.browser.conftest import Open, join, sign_in
from tests.flows.conftest import Serve
from tests.flows.serving import Serving
from tests.peers import github, openid

ELSEWHERE = ("ERR_FAILED", "autocomplete attributes", "status of 404")
"""What the provider's own pages are told of: fonts on hosts that no test reaches, a missing icon."""


@pytest.fixture(scope="module")
def hub() -> Iterator[github.GitHub]:
    made = github.GitHub()
    yield made
    made.close()


@pytest.fixture(scope="module")
def provider() -> Iterator[openid.OpenID]:
    made = openid.OpenID()
    yield made
    made.stop()


@pytest.fixture
def team(serve: Serve, hub: github.GitHub, provider: openid.OpenID) -> Serving:
    """A box that knows both."""
    return serve(
        ARENA_OAUTH__GITHUB__CLIENT_ID="arena",
        ARENA_OAUTH__GITHUB__CLIENT_SECRET=github.SECRET,
        ARENA_OAUTH__GITHUB__URL=hub.url,
        ARENA_OAUTH__OIDC__CLIENT_ID="arena",
        ARENA_OAUTH__OIDC__CLIENT_SECRET="the secret of arena",
        ARENA_OAUTH__OIDC__ISSUER=provider.issuer,
        ARENA_OAUTH__OIDC__NAME="Team ID",
    )


def invite(box: Serving) -> str:
    token = box.write(lambda conn: links.invite(conn, name=None, days=1, caller=OPERATOR, now=clock.now()))
    return f"{box.url}/join/{token}"


def sign_out(page: Page) -> None:
    page.locator(".you_menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("header .sign_in")).to_be_visible()


def at_the_provider(page: Page, way: str, login: str) -> None:
    """Leave for the OpenID provider, sign in there, and agree."""
    page.route(re.compile(r"^https?://(?!localhost|127\.)"), lambda route: route.abort())
    page.get_by_role("link", name=way).click()
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button").first.click()
    page.get_by_role("button", name="Continue").click()


def test_a_password(serve: Serve, open_page: Open) -> None:
    box = serve()
    with open_page(box) as page:
        join(page, box.first_link())
        sign_out(page)
        page.goto("/dashboard")
        assert page.url.endswith("/sign-in?next=%2Fdashboard")
        sign_in(page)
        page.goto("/settings")
        page.get_by_label("Current password").fill("correct horse battery")
        page.get_by_label("New password").fill("battery staple")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_text("Your password is set.")).to_be_visible()


def test_a_one_time_link(serve: Serve, open_page: Open) -> None:
    box = serve()
    with open_page(box) as page, open_page(box, complaints=("status of 404",)) as others:
        join(page, box.first_link())
        link = invite(box)
        join(others, link, "bob")
        others.goto("/settings")
        expect(others.get_by_role("heading", name="Browsers")).to_be_visible()
        others.goto(link)
        expect(others.get_by_text("This link has been used already.")).to_be_visible()


def test_github(team: Serving, open_page: Open) -> None:
    with open_page(team, complaints=(*ELSEWHERE, "status of 403")) as page:
        page.goto(team.first_link())
        page.get_by_role("link", name="Continue with GitHub").click()
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_label("User name")).to_have_value("octocat")
        page.get_by_label("User name").fill("octo")
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Your arena is running.")
        sign_out(page)

        page.goto("/dashboard")
        page.get_by_role("link", name="Continue with GitHub").click()
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url("**/dashboard")
        sign_out(page)

        page.goto("/sign-in")
        page.get_by_role("link", name="Continue with GitHub").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("GitHub was not allowed to say who you are")
        expect(page.get_by_label("User name")).to_be_visible()


def test_openid_connect(team: Serving, open_page: Open) -> None:
    with open_page(team) as page, open_page(team, complaints=(*ELSEWHERE, "status of 403")) as others:
        join(page, team.first_link())
        others.goto("/sign-in?next=/dashboard")
        at_the_provider(others, "Continue with Team ID", "jane")
        expect(others.get_by_role("alert")).to_contain_text("jane opens no account here.")

        others.goto(invite(team))
        others.get_by_role("link", name="Continue with Team ID").click()
        expect(others.get_by_text("Team ID knows you as jane")).to_be_visible()
        expect(others.get_by_label("Shown name")).to_have_value("Jane of the team")
        others.get_by_role("button", name="Join").click()
        expect(others.locator(".you_menu summary")).to_have_text("Jane of the team")
        sign_out(others)
        others.goto("/sign-in?next=/dashboard")
        others.get_by_role("link", name="Continue with Team ID").click()
        others.wait_for_url("**/dashboard")


def test_a_second_way_is_linked_and_the_last_one_stays(team: Serving, open_page: Open) -> None:
    with open_page(team, complaints=(*ELSEWHERE, "status of 409")) as page:
        page.goto(team.first_link())
        page.get_by_role("link", name="Continue with GitHub").click()
        page.get_by_role("button", name="Authorize").click()
        page.get_by_role("button", name="Join").click()
        page.locator(".you_menu summary").click()
        page.get_by_role("link", name="Settings").click()
        page.get_by_role("button", name="Unlink GitHub octocat").click()
        expect(page.get_by_role("alert")).to_contain_text("This is your only way in.")
        at_the_provider(page, "Link Team ID", "jane")
        expect(page.get_by_text("It is linked: you can sign in with it from now on.")).to_be_visible()
        page.get_by_role("button", name="Unlink GitHub octocat").click()
        expect(page.get_by_text("It is unlinked and opens nothing here any more.")).to_be_visible()
        expect(page.get_by_role("button", name="Unlink")).to_have_count(1)


def test_settings_work_without_scripts(team: Serving, open_page: Open) -> None:
    with open_page(team, java_script_enabled=False, complaints=("status of 400",)) as page:
        join(page, team.first_link())
        page.goto("/settings")
        page.get_by_label("Shown name").fill("Alice of the team")
        page.get_by_role("button", name="Save name").click()
        expect(page.get_by_text("You are shown by this name now.")).to_be_visible()
        page.get_by_label("Privacy mode").check()
        page.locator("#privacy").get_by_role("button", name="Save").click()
        expect(page.get_by_label("Privacy mode")).to_be_checked()
        page.get_by_label("Your user name, to confirm").fill("alise")
        page.get_by_role("button", name="Delete my account").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was deleted: type alice to delete this account.")
        expect(page.get_by_label("Your user name, to confirm")).to_have_value("alise")
