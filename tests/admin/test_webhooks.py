"""``arena admin webhooks``."""

import msgspec
import pytest

from tests.admin.conftest import Run
from tests.peers.receiver import Receiver


def test_a_test_message_says_what_came_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("webhooks", "test")
    assert (done.code, done.out) == (1, "")
    assert "no address is configured" in done.err
    receiver = Receiver()
    try:
        monkeypatch.setenv("ARENA_WEBHOOKS__SLACK_URL", receiver.url)
        monkeypatch.setenv("ARENA_WEBHOOKS__JSON_URL", receiver.url)
        done = run("webhooks", "test")
        assert (done.code, done.out, done.err) == (0, "slack: taken.\njson: taken.\n", "")
        said = [msgspec.json.decode(body) for body in receiver.bodies]
        assert said[0]["text"] == said[1]["text"] == "This is a test of arena: messages arrive."
        assert said[1]["type"] == "test"
        receiver.faults = [204, 404]
        done = run("webhooks", "test")
        assert (done.code, done.out) == (1, "slack: taken.\njson: The receiver refused the message (404).\n")
        assert "T0KEN" not in done.out + done.err
    finally:
        receiver.close()
