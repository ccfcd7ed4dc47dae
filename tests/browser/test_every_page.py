"""Every page, for an administrator and for nobody, light and dark, wide and narrow: quiet, whole, and not too wide."""

import pytest
from playwright.sync_api import Page, expect

from arena.audit.models import OPERATOR
from arena.budgets import actions as budgets
from arena.chat import store as slack
from arena.core import clock
from arena.core.ids import digest
from arena.leaderboard.rules import window
from arena.teams import actions as teams
from tests.browser.conftest import NARROW, WIDE, Open, join
from tests.flows.conftest import Serve
from tests.flows.serving import Serving, arena, session

PROJECTS = ("/projects", "/projects/new", "/?metric=projects")
EVERYBODYS = ("/", "/leaderboard?period=all_time", "/?metric=tokens&q=zzz", "/install", "/sign-in", "/sign-in/forgot")
TODAY = clock.Days("UTC").of(clock.now())
THEN = clock.shift(window("monthly", TODAY)[0], -1)
"""The last day of last month."""
PAST = ("/seasons", f"/seasons/{TODAY[:7]}", f"/seasons/{THEN[:7]}", f"/?period=daily&on={THEN}", f"/?on={THEN}&q=zzz")
TEAM = "platform-and-infrastructure-of-the-northern-region"
NARROWED = (f"/?team={TEAM}", f"/?team={TEAM}&tool=codex")
MEMBERS = (
    *("/", "/?period=monthly&metric=streak", "/dashboard", "/dashboard?ranks=monthly", "/dashboard/roads"),
    *("/settings", "/install", "/sign-in?again=yes&next=%2Fsettings"),
)
ADMINS = (
    *("/admin", "/admin?q=nobody-like-this", "/admin/people/ye-jin", "/admin/people/alice"),
    *("/admin/teams", f"/admin/teams/{TEAM}", "/admin/keys"),
    *("/admin/keys?state=revoked", "/admin/sessions", "/admin/sessions?person=alice"),
    *(
        "/admin/audit",
        "/admin/audit?q=nothing-like-this",
        "/admin/anomalies",
        "/admin/anomalies?show=excluded",
        "/admin/deliveries",
        "/admin/jobs",
        "/admin/prices",
        "/admin/evaluations",
        "/admin/evaluations?show=failed",
        "/admin/usage",
        "/admin/budgets",
        "/admin/chat",
        "/admin/usage?by=day&by=person&by=team&by=project&by=tool&by=model",
    ),
)
ASKED = (
    "redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&state=s&label=a-machine-with-a-rather-long-name-of-its-own"
)
TERMINALS = (f"/api/auth/cli?{ASKED}", "/device", "/device?code=BCDF-GHJK", "/slack/key/a-token")
ERRORS = ("/nothing-here", "/join/nothing", "/?period=never", "/api/auth/cli?redirect_uri=http://evil.example/")
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (WIDE, NARROW)]
TOO_WIDE = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"


@pytest.fixture(scope="module")
def link(box: Serving) -> str:
    """The first link, with some people on the board beside: long names, other scripts, a private one."""
    found = box.first_link()
    for name, private in (("bob", False), ("x" * 50, False), ("carol", True), ("ye-jin", False)):
        person = box.add(name, private=private)
        for sent in ({}, {"endedAt": f"{THEN}T12:00:00Z"}):
            person.send(session(inputTokens=10**8, outputTokens=10**7, cacheReadTokens=10**9, **sent))
    assert arena("admin", "rankings", "freeze", "--data", str(box.data)).returncode == 0
    rename = "UPDATE users SET display_name = '가나다라 마바사 شخص ما' WHERE username = 'ye-jin'"
    box.write(lambda conn: conn.execute(rename))
    team, do = TEAM.replace("-", " "), {"caller": OPERATOR, "now": clock.now()}
    box.write(lambda conn: teams.create_team(conn, name=team, **do))
    for name in ("bob", "ye-jin", "x" * 50):
        box.write(lambda conn, name=name: teams.assign(conn, name=name, slug=team, **do))
    box.write(lambda conn: budgets.set_team_budget(conn, slug=team, amount="300", **do))
    box.write(lambda conn: budgets.set_person_budget(conn, name="x" * 50, amount="1,234,567.89", **do))
    asked = {"workspace": "T1", "slack_user": "U1", "slack_name": "x" * 50, "expires_at": 2**62}
    box.write(lambda conn: slack.add_link(conn, digest("a-token"), **asked))
    return found


def look(page: Page, paths: tuple[str, ...], width: int) -> None:
    for path in paths:
        page.goto(path, wait_until="load")
        expect(page.locator("main")).to_be_visible()
        assert page.evaluate(TOO_WIDE) <= 0, f"{path} is wider than {width} pixels"


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_for_everybody_are_quiet_and_fit(
    box: Serving, link: str, open_page: Open, scheme: str, width: int
) -> None:
    with open_page(box, width=width, color_scheme=scheme) as page:
        look(page, (*EVERYBODYS, *PAST, *NARROWED), width)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_pages_that_say_no_are_quiet_and_fit(box: Serving, link: str, open_page: Open, width: int) -> None:
    with open_page(box, width=width, complaints=("status of 404", "status of 400")) as page:
        look(page, ERRORS, width)


def test_pages_for_an_administrator_are_quiet_and_fit(box: Serving, link: str, open_page: Open) -> None:
    with open_page(box) as page:
        page.goto(link)
        assert page.evaluate(TOO_WIDE) <= 0
        join(page, link)
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            look(page, (*MEMBERS, *PAST, *PROJECTS, *TERMINALS, *ADMINS), width)
        page.goto("/admin/system")
        expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_pages_of_an_empty_box_are_quiet_and_fit(serve: Serve, open_page: Open, scheme: str, width: int) -> None:
    box = serve()
    with open_page(box, width=width, color_scheme=scheme) as page:
        look(page, (*EVERYBODYS, *PAST), width)
        join(page, box.first_link())
        look(page, (*MEMBERS, *PROJECTS), width)
        page.goto("/dashboard")
        page.get_by_role("button", name="Make a key").click()
        expect(page.locator(".fresh code").first).to_be_visible()
        assert page.evaluate(TOO_WIDE) <= 0


def test_a_violation_of_the_policy_would_be_noticed(box: Serving, open_page: Open) -> None:
    inline = (
        "const s = document.createElement('script'); s.textContent = 'window.x = 1'; document.body.append(s); window.x"
    )
    with pytest.raises(AssertionError, match="violates"), open_page(box) as page:  # noqa: PT012
        page.goto("/install")
        assert page.evaluate(inline) is None
