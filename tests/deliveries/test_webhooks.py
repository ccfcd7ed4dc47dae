"""Webhooks over a real socket: what is posted, how it is signed, and what becomes of it when receivers misbehave."""

import base64
import hmac
import time
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Literal

import pytest

from arena.core import webhooks
from arena.core.clock import MINUTE
from arena.core.config import Config, Secret, Webhooks
from arena.core.db import Database
from arena.deliveries.actions import enqueue
from arena.deliveries.models import Webhook
from tests.conftest import NOW
from tests.deliveries.conftest import Sent
from tests.peers.receiver import Fault, Receiver

PAYLOAD = '{"type":"leader.changed","data":{"name":"bøb"}}'


def put(db: Database, target: Literal["slack", "json"] = "json") -> None:
    db.write_sync(partial(enqueue, message=Webhook(target, PAYLOAD), topic="leader", now=NOW))


def test_a_message_is_posted_and_signed(db: Database, sent: Sent, receiver: Receiver) -> None:
    put(db)
    assert sent() == [("sent", 1, None)]
    assert receiver.bodies == [PAYLOAD.encode()]
    assert receiver.paths == ["/hook/T0KEN"]
    (headers,) = receiver.headers
    id = db.read_sync(lambda conn: conn.execute("SELECT id FROM deliveries").fetchone()[0])
    assert headers["content-type"] == "application/json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (id, str(NOW // 1000))
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = f"{id}.{NOW // 1000}.{PAYLOAD}".encode()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = webhooks.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_slack_is_sent_no_signature(db: Database, sent: Sent, receiver: Receiver) -> None:
    put(db, "slack")
    assert sent() == [("sent", 1, None)]
    assert "webhook-signature" not in receiver.headers[0]


def half(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 20")
    to.close_connection = True


def slow(to: BaseHTTPRequestHandler) -> None:
    time.sleep(0.6)
    to.send_response(204)
    to.end_headers()


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (500, "The receiver is busy or broken (500)."),
        (408, "The receiver is busy or broken (408)."),
        (half, "The address could not be reached, or broke off (RemoteProtocolError)."),
    ],
)
def test_a_message_is_posted_again_as_the_same_message(
    db: Database, sent: Sent, receiver: Receiver, fault: Fault, problem: str
) -> None:
    receiver.faults = [fault]
    put(db)
    assert sent() == [("queued", 1, problem)]
    assert sent(1) == [("sent", 2, None)]
    assert len(receiver.bodies) == 2
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1


def test_a_receiver_that_tells_how_long_to_wait_is_believed(db: Database, sent: Sent, receiver: Receiver) -> None:
    receiver.faults = [(429, {"Retry-After": "600"})]
    put(db)
    assert sent() == [("queued", 1, "The receiver is busy or broken (429).")]
    assert sent(9) == [("queued", 1, "The receiver is busy or broken (429).")]
    assert sent(10) == [("sent", 2, None)]


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_message_that_is_refused_for_good_is_given_up(
    db: Database, sent: Sent, receiver: Receiver, status: int
) -> None:
    receiver.faults = [status]
    put(db)
    assert sent() == [("dead", 1, f"The receiver refused the message ({status}).")]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_led_to_another_address(db: Database, sent: Sent, receiver: Receiver, status: int) -> None:
    other = Receiver()
    receiver.faults = [(status, {"Location": other.url})]
    put(db)
    assert sent() == [("dead", 1, f"The address leads elsewhere ({status}); configure where it leads to.")]
    other.close()
    assert other.bodies == []


def test_a_slow_receiver_is_not_waited_for_for_ever(
    db: Database, sent: Sent, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "WHOLE", 0.2)
    receiver.faults = [slow]
    put(db)
    assert sent() == [("queued", 1, "Nobody answered within 0 seconds.")]


def test_a_receiver_that_is_gone_is_tried_again_and_its_address_told_to_nobody(
    db: Database, sent: Sent, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.close()
    put(db)
    assert sent() == [("queued", 1, "The address could not be reached, or broke off (ConnectError).")]
    assert "T0KEN" not in "".join(capsys.readouterr())


def test_a_target_that_is_not_configured_any_more_is_given_up(db: Database, sent: Sent) -> None:
    put(db, "slack")
    by = Config(webhooks=Webhooks(json_url=Secret("https://example.org/hook")))
    assert sent(by=by) == [("dead", 1, "[webhooks] slack_url is not configured any more.")]


def test_a_webhook_does_not_wait_for_mail(db: Database, config: Config, sent: Sent, receiver: Receiver) -> None:
    put(db)
    stuck = "INSERT INTO deliveries VALUES ('m', 'mail', '', '', '{}', 0, NULL, 'm', 'running', 1, 0, :end, 'c', :end"
    db.write_sync(lambda conn: conn.execute(stuck + ", NULL, 0, NULL)", {"end": NOW + MINUTE}))
    assert [state for state, _, _ in sent()] == ["running", "sent"]
