"""A mail server, a receiver of webhooks, and a configuration that leads to them."""

from collections.abc import Callable, Iterator

import pytest

from arena.core.clock import MINUTE
from arena.core.config import Config, Mail, Secret, Webhooks
from arena.core.db import Database
from arena.deliveries.actions import send_waiting
from arena.deliveries.store import deliveries
from tests.conftest import NOW
from tests.peers.mailbox import Mailbox
from tests.peers.receiver import Receiver

Sent = Callable[..., list[tuple[str, int, str | None]]]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def config(mailbox: Mailbox, receiver: Receiver) -> Config:
    return Config(
        mail=Mail(host="127.0.0.1", port=mailbox.port, security="none", sender="Arena <arena@example.org>"),
        webhooks=Webhooks(
            slack_url=Secret(receiver.url),
            json_url=Secret(receiver.url),
            signing_secret=Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ),
    )


@pytest.fixture
def sent(db: Database, config: Config) -> Sent:
    """Send what is due so many minutes from now; state, attempts and problem of every message, the newest first."""

    def send(minutes: float = 0, by: Config = config) -> list[tuple[str, int, str | None]]:
        send_waiting(db, by, lambda: NOW + int(minutes * MINUTE))
        return [
            (each.state, each.attempts, each.problem)
            for each in db.read_sync(lambda conn: deliveries(conn, "", "", "", 100))
        ]

    return send
