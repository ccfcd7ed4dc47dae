"""The page of the messages that leave the box: what an administrator sees of them, and what they can do."""

import re
from collections.abc import Iterator
from functools import partial

import pytest

from arena.core import clock
from arena.deliveries.actions import enqueue
from arena.deliveries.models import Mail, Webhook
from tests.flows.conftest import end
from tests.flows.serving import Serving, Visitor, wait_until
from tests.peers.mailbox import Mailbox

LETTER = Mail("bob@example.org", "Bob", "A subject", "A text with a T0KEN.\n")


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Serving]:
    made = Serving(tmp_path_factory.mktemp("box") / "data", **mailbox.env()).start()
    yield made
    end(made)


@pytest.fixture(scope="module")
def root(box: Serving) -> Iterator[Visitor]:
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        yield visitor


def put(box: Serving, topic: str, **more: bool) -> None:
    box.write(partial(enqueue, message=LETTER, topic=topic, now=clock.now(), **more))


def run(root: Visitor, box: Serving) -> None:
    """Have the worker look now, by any deed that wakes it."""
    root.post("/sign-in/forgot", data={"csrf": root.csrf("/settings"), "who": "nobody"})


def test_a_message_that_was_given_up_is_sent_again(box: Serving, root: Visitor, mailbox: Mailbox) -> None:
    assert "Nothing waits to be sent." in root.get("/admin/deliveries").text
    mailbox.faults = ["rcpt 550 no such user", "rcpt 550 no such user"]
    put(box, "weekly_digest")
    put(box, "password_reset", is_secret=True)
    run(root, box)
    wait_until(lambda: box.ask("SELECT COUNT(*) FROM deliveries WHERE state = 'dead'") == [(2,)], 20)
    page = root.get("/admin/deliveries").text
    assert "2 were given up" in page
    assert "The mail server refused the recipient (550 no such user)." in page
    assert "b…@example.org" in page
    assert "bob@example.org" not in page
    assert "T0KEN" not in page
    assert page.count(">Send again</button>") == 1, "a secret is forgotten"
    assert "held a one-time link" in page
    id = box.ask("SELECT id FROM deliveries WHERE topic = 'weekly_digest'")[0][0]
    again = f"/admin/deliveries/{id}/again?state=dead"
    page = root.post(again, data={"csrf": root.csrf("/admin/deliveries")}).text
    assert "It waits again and is sent in a moment." in page
    wait_until(lambda: len(mailbox.letters) == 1, 20)
    page = root.post(again, data={"csrf": root.csrf("/admin/deliveries")}).text
    assert "not given up any more" in page
    assert "had a message sent again" in root.get("/admin/audit?event=delivery_sent_again").text
    figures = root.get("/metrics").text
    assert 'arena_deliveries{kind="mail",state="dead"} 1.0' in figures
    assert 'arena_delivery_tries_total{kind="mail",outcome="dead"} 2.0' in figures
    assert 'arena_delivery_tries_total{kind="mail",outcome="sent"} 1.0' in figures


def test_messages_are_found_by_state_and_kind_page_by_page(box: Serving, root: Visitor) -> None:
    def write(conn: object) -> None:
        for number in range(60):
            webhook = Webhook("slack", "{}")
            enqueue(conn, webhook, topic=f"news_{number:02}", now=clock.now() + 10**9)  # type: ignore[arg-type]

    box.write(write)
    page = root.get("/admin/deliveries?kind=webhook").text
    assert "60 messages wait" in page
    shown = set(re.findall(r"news \d\d", page))
    assert "weekly digest" not in page
    older = page.partition('id="older" href="')[2].partition('"')[0].replace("&amp;", "&")
    others = set(re.findall(r"news \d\d", root.get(older).text))
    assert (len(shown), len(others), len(shown | others)) == (50, 10, 60)
    assert "No message like this." in root.get("/admin/deliveries?kind=webhook&state=sent").text
    assert root.get("/admin/deliveries?kind=nonsense&state=x&before='").status_code == 200
