"""The security log in a browser: narrowed in place, gone back, and read further."""

from playwright.sync_api import Page, expect

from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.browser.conftest import Open, join
from tests.flows.conftest import Serve


def rows(page: Page) -> int:
    return page.locator("#audit tbody tr").count()


def test_the_log_is_narrowed_in_place_and_back_shows_it_all_again(serve: Serve, open_page: Open) -> None:
    box = serve()

    def fill(conn: object) -> None:
        for number in range(60):
            note(conn, "session_duplicate", None, OPERATOR, clock.now(), number=number)  # type: ignore[arg-type]

    with open_page(box, complaints=("status of 422",)) as page:
        join(page, box.first_link())
        box.write(fill)
        page.goto("/admin/audit")
        assert rows(page) == 50
        page.get_by_label("Event").select_option("user_signed_in")
        page.wait_for_url("**/admin/audit?event=user_signed_in")
        expect(page.locator("#audit tbody tr")).to_have_count(1)
        expect(page.get_by_role("link", name="alice")).to_be_visible()
        page.go_back()
        expect(page.locator("#audit tbody tr")).to_have_count(50)
        page.get_by_role("link", name="Older").click()
        expect(page.get_by_role("link", name="user_signed_in")).to_be_visible()
        page.get_by_label("Person").fill("nobody-here")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("Nobody has this user name.")).to_be_visible()
        expect(page.get_by_label("Person")).to_have_value("nobody-here")
