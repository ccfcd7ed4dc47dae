"""The administrator's pages in a browser: what changes in place, what is refused, what stays typed."""

from playwright.sync_api import Dialog, expect

from tests.browser.conftest import Open, join, settled
from tests.flows.conftest import Serve
from tests.flows.serving import session


def test_a_team_is_made_and_filled_in_place_and_its_board_is_chosen_from_the_select(
    serve: Serve, open_page: Open
) -> None:
    box = serve()
    with open_page(box, complaints=("status of 40", "Error Code 40")) as page:
        join(page, box.first_link())
        for number, name in enumerate(("bob", "carol"), 1):
            box.add(name).send(session(inputTokens=number * 1_000, outputTokens=500))
        page.goto("/admin/teams")
        page.evaluate("window.opened = 'before'")
        page.get_by_label("Name").fill("Search")
        page.get_by_role("button", name="Make a team").click()
        expect(page.locator(".done")).to_have_text("There is a team Search now. Open it to put people in.")
        page.get_by_label("Name").fill("SEARCH")
        page.get_by_role("button", name="Make a team").click()
        expect(page.locator("#toasts")).to_contain_text("There is a team called Search already.")
        expect(page.get_by_label("Name")).to_have_value("SEARCH")
        assert page.evaluate("window.opened") == "before"

        page.get_by_role("link", name="Search", exact=True).click()
        page.get_by_label("User name").fill("bob")
        page.get_by_role("button", name="Put in").click()
        expect(page.locator(".done")).to_have_text("bob is in Search.")
        expect(page.get_by_role("row").filter(has_text="bob")).to_be_visible()
        page.get_by_label("User name").fill("bobby")
        page.get_by_role("button", name="Put in").click()
        expect(page.locator("#toasts")).to_contain_text("There is nobody called bobby.")
        expect(page.get_by_label("User name")).to_have_value("bobby")

        page.goto("/")
        page.get_by_label("Team").select_option("search")
        expect(page).to_have_url(f"{box.url}/?team=search")
        expect(page.locator("#board tbody tr")).to_have_count(1)
        expect(page.locator("#r-bob")).to_be_visible()
        page.get_by_role("link", name="All time", exact=True).click()
        expect(page).to_have_url(f"{box.url}/?period=all_time&team=search")
        settled(page)
        page.get_by_label("Team").select_option("")
        expect(page).to_have_url(f"{box.url}/?period=all_time")
        expect(page.locator("#board tbody tr")).to_have_count(2)
        expect(page.locator("#r-bob .team")).to_have_text("Search")


def test_a_teams_board_moves_by_itself_and_takes_in_who_joins(serve: Serve, open_page: Open) -> None:
    box = serve()
    with open_page(box) as page:
        join(page, box.first_link())
        people = {name: box.add(name) for name in ("bob", "carol")}
        for person in people.values():
            person.send(session(inputTokens=1_000, outputTokens=500))
        other = page.context.new_page()
        other.goto("/admin/teams")
        other.get_by_label("Name").fill("Search")
        other.get_by_role("button", name="Make a team").click()
        expect(other.locator(".done")).to_be_visible()
        other.goto("/admin/people/bob")
        other.get_by_label("In", exact=True).select_option("search")
        other.get_by_role("button", name="Save").click()
        expect(other.locator(".done")).to_have_text("bob is in Search.")

        page.goto("/?team=search&metric=tokens")
        expect(page.locator("#board tbody tr")).to_have_count(1)
        expect(page.locator("#live")).to_be_visible()
        people["bob"].send(session(inputTokens=7_000, outputTokens=500))
        expect(page.locator("#r-bob .tk")).to_have_attribute("title", "9,000", timeout=8_000)
        other.goto("/admin/people/carol")
        other.get_by_label("In", exact=True).select_option("search")
        other.get_by_role("button", name="Save").click()
        expect(other.locator(".done")).to_be_visible()
        people["bob"].send(session(inputTokens=1, outputTokens=1))
        expect(page.locator("#r-carol")).to_be_visible(timeout=8_000)


def test_people_are_narrowed_as_one_types_and_changed_in_place(serve: Serve, open_page: Open) -> None:
    box = serve()
    with open_page(box) as page:
        join(page, box.first_link())
        for name in ("bob", "carol"):
            box.add(name)
        page.locator(".you_menu summary").click()
        page.get_by_role("link", name="Admin", exact=True).click()
        expect(page).to_have_url(f"{box.url}/admin")
        page.get_by_label("Name", exact=True).press_sequentially("car", delay=20)
        expect(page.locator(".people tbody tr")).to_have_count(1)
        expect(page).to_have_url(f"{box.url}/admin?q=car")
        expect(page.get_by_label("Name", exact=True)).to_be_focused()
        page.get_by_label("User name").fill("dave")
        page.get_by_role("button", name="Make a link").click()
        expect(page.locator("#invitation code")).to_contain_text("/join/")
        expect(page).to_have_url(f"{box.url}/admin?q=car")

        page.get_by_role("link", name="carol").click()
        page.get_by_role("button", name="Make an administrator").click()
        expect(page.locator(".done")).to_have_text("carol is an administrator.")
        page.get_by_role("button", name="Disable").click()
        expect(page.locator(".done")).to_contain_text("carol is disabled")
        page.get_by_label("Type carol to confirm").fill("carol")
        page.get_by_role("button", name="Delete").click()
        expect(page.locator("#people .done")).to_have_text("carol is deleted, with everything of theirs.")
        expect(page.locator(".people tbody tr")).to_have_count(2)


def test_a_key_is_revoked_after_a_question(serve: Serve, open_page: Open) -> None:
    box = serve()
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    with open_page(box) as page:
        join(page, box.first_link())
        box.add("bob")
        page.on("dialog", answer)
        page.goto("/admin/keys?state=live")
        page.get_by_role("button", name="Revoke").click()
        expect(page.locator(".done")).to_contain_text("of bob is revoked")
        expect(page.get_by_text("No key like this.")).to_be_visible()
        assert asked == ["Revoke laptop of bob? The machine that uses it stops sending."]
        settled(page)
        page.get_by_label("State").select_option("revoked")
        expect(page.get_by_role("row").filter(has_text="bob")).to_be_visible()
        expect(page).to_have_url(f"{box.url}/admin/keys?state=revoked")
