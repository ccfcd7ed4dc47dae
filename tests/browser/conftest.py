"""A real browser in front of a real box. Without Chromium these tests fail: a test that is skipped proves nothing.

``ARENA_CHROMIUM`` names the browser; otherwise it is looked for where it usually is.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.flows.conftest import box, laptop, pytest_runtest_makereport, serve, tree
from tests.flows.serving import Serving

__all__ = ["box", "laptop", "pytest_runtest_makereport", "serve", "tree"]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TELL_VIOLATIONS = """
    addEventListener("securitypolicyviolation", (e) =>
        console.error(`refused by the policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
"""
WIDE, NARROW = 1280, 390
PASSWORD = "correct horse battery"

Open = Callable[..., Any]


def chromium() -> str:
    """The browser of this machine."""
    found = os.environ.get("ARENA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "there is no Chromium here; install one or name it in ARENA_CHROMIUM"
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this folder; it ends with them, because it keeps an event loop running."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Open:
    """Open a window of somebody new; at its end nothing may stand in the console and nothing be refused."""

    @contextmanager
    def window(box: Serving, *, width: int = WIDE, complaints: tuple[str, ...] = (), **options: Any) -> Iterator[Page]:
        context = browser.new_context(
            base_url=box.url, viewport={"width": width, "height": 800}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(8_000)
        context.add_init_script(TELL_VIOLATIONS)
        page, said = context.new_page(), []
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda problem: said.append(str(problem)))
        page.on("response", lambda answer: said.append(answer.url) if answer.status >= 500 else None)
        try:
            yield page
        finally:
            context.close()
        assert [each for each in said if not any(known in each for known in complaints)] == []

    return window


def join(page: Page, link: str, name: str = "alice") -> None:
    """Fill in the form of a one-time link."""
    page.goto(link)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Shown name").fill(name.title())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(lambda address: "/join/" not in address)


def settled(page: Page) -> None:
    """Wait until what was swapped in listens: htmx binds its controls a moment after they are shown."""
    expect(page.locator(".htmx-settling, .htmx-added")).to_have_count(0)


def sign_in(page: Page, name: str = "alice") -> None:
    """Sign in by name and password."""
    page.goto("/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/sign-in" not in address)
