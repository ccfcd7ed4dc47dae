"""The administrators' page of chats and programs, and a test message over a running box."""

from collections.abc import Iterator

import msgspec
import pytest

from tests.flows.conftest import pytest_runtest_makereport, serve
from tests.flows.serving import Serving, Visitor, wait_until
from tests.peers.receiver import Receiver

__all__ = ["pytest_runtest_makereport", "serve"]


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, hook: Receiver) -> Iterator[Serving]:
    made = Serving(tmp_path_factory.mktemp("box") / "data", ARENA_WEBHOOKS__SLACK_URL=hook.url).start()
    yield made
    assert made.stop() == 0


@pytest.fixture(scope="module")
def admin(box: Serving) -> Iterator[Visitor]:
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        yield visitor


def test_the_page_says_who_is_told_what_and_never_the_address(admin: Visitor, hook: Receiver) -> None:
    page = admin.get("/admin/chat").text
    assert "A chat is told what happens." in page
    assert "leader.changed" in page
    assert "T0KEN" not in page
    assert f"{admin.base_url}".rstrip("/") + "/slack/command" in page
    assert hook.url not in admin.get("/admin/system").text


def test_a_test_message_arrives_and_is_noted(box: Serving, admin: Visitor, hook: Receiver) -> None:
    answer = admin.post("/admin/chat/test", data={"csrf": admin.csrf("/admin/chat")})
    assert "1 test message leaves in a moment." in answer.text
    wait_until(lambda: hook.bodies, 20)
    assert msgspec.json.decode(hook.bodies[0])["text"] == "This is a test of arena: messages arrive."
    assert box.ask("SELECT topic, recipient FROM deliveries") == [("test", "slack")]
    assert box.ask("SELECT COUNT(*) FROM security_audit_log WHERE event_type = 'webhooks_tested'") == [(1,)]
