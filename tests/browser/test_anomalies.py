"""An administrator decides on flagged sessions: in place with scripts, and everything is as it would be without."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Open, join
from tests.flows.conftest import Serve
from tests.flows.serving import session


@pytest.mark.parametrize(("width", "scripts"), [(WIDE, True), (NARROW, True), (WIDE, False)])
def test_a_session_is_left_out_and_restored(serve: Serve, open_page: Open, width: int, scripts: bool) -> None:
    box = serve()
    with open_page(box, width=width, java_script_enabled=scripts) as page:
        join(page, box.first_link())
        bob = box.add("bob")
        for number in range(11):
            bob.send(session(sessionId=f"s{number}", inputTokens=90_000 if number == 10 else 900, outputTokens=0))
        page.goto("/admin/anomalies")
        expect(page.locator("h1")).to_contain_text("One session waits to be looked at.")
        row = page.locator("tbody tr")
        expect(row).to_contain_text("100 times the 900 that are usual for them")
        page.get_by_role("button", name=re.compile("Leave out: bob")).click()
        expect(page.get_by_role("status").filter(has_text="The session of bob")).to_contain_text(
            "is left out of ranking."
        )
        expect(row).to_have_count(0)
        assert bob.totals() == (9_000, 0, 10)
        page.get_by_role("link", name="Left out 1").click()
        page.get_by_role("button", name=re.compile("Restore: bob")).click()
        expect(page.get_by_role("status").filter(has_text="The session of bob")).to_contain_text("counts.")
        assert bob.totals() == (99_000, 0, 11)
        page.go_back()
        expect(page.locator("h1")).to_be_visible()
