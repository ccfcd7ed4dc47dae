"""Projects in a browser: submitted by the form, followed while they are judged, quiet and whole at every width."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Open, join
from tests.flows.conftest import Serve
from tests.flows.serving import Serving
from tests.peers.model import README, Model, verdict

TOO_WIDE = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
LONG = "a-project-with-a-name-that-goes-on-and-on-" * 3


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.close()


def submit(box: Serving, who: str, *names: str) -> None:
    person = box.add(who)
    for name in names:
        sent = {"projectName": name, "description": README, "localScore": 5, "localEvaluationSummary": "all green"}
        answer = httpx.post(f"{box.url}/api/v1/evaluate", timeout=30, **person.request(sent))
        assert answer.status_code == 200, answer.text


def test_a_project_is_submitted_and_followed(serve: Serve, model: Model, open_page: Open) -> None:
    box = serve(**model.env())
    link = box.first_link()
    model.says = [verdict(5, 5), verdict(5, 4), verdict(4, 3), verdict(4, 3)]
    submit(box, "bob", "gem", LONG)
    with open_page(box) as page:
        page.goto(link)
        join(page, link)
        page.goto("/projects")
        page.get_by_role("link", name="Submit a project").click()
        page.get_by_label("Name", exact=True).fill("tally")
        page.get_by_label("README").fill(README)
        model.delay, model.says = 1.0, [verdict(5, 4), verdict(3, 4)]
        page.get_by_role("button", name="Submit").click()
        expect(page.locator(".progress")).to_contain_text("The first reading is done")  # the stream told
        expect(page.locator("h1")).to_contain_text("passed with 7 of 10", timeout=15_000)
        expect(page.locator(".differ")).to_have_text("The two readings gave 5 and 3; the lower one counts.")
        tally = page.url
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width in (WIDE, NARROW):
                page.set_viewport_size({"width": width, "height": 800})
                for address in ("/projects", "/projects/new", tally):
                    page.goto(address, wait_until="load")
                    expect(page.locator("h1")).to_be_visible()
                    assert page.evaluate(TOO_WIDE) <= 0, f"{address} is wider than {width} pixels"
