"""A receiver of messages, and short words for what happens."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from arena.chat.models import Teller
from arena.core.config import Config, Mail, Secret, Webhooks
from arena.core.db import Database
from arena.deliveries.actions import send_waiting
from tests.conftest import NOW
from tests.leaderboard.conftest import use
from tests.peers.receiver import Receiver

__all__ = ["use"]
ADDRESS = "https://arena.example.org"
Heard = Callable[..., list[Any]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def config(receiver: Receiver) -> Config:
    mail = Mail(host="127.0.0.1", port=1, security="none", sender="arena@example.org")
    return Config(
        mail=mail, webhooks=Webhooks(slack_url=Secret(f"{receiver.url}/slack"), json_url=Secret(f"{receiver.url}/json"))
    )


@pytest.fixture
def teller(config: Config) -> Callable[..., Teller]:
    """Who tells, so many milliseconds from now."""
    return lambda later=0: Teller(config, ADDRESS, NOW + later)


@pytest.fixture
def heard(db: Database, config: Config, receiver: Receiver) -> Heard:
    """Send what waits; what programs, or the chat, heard of it."""

    def hear(target: str = "json", later: int = 0) -> list[Any]:
        before = len(receiver.bodies)
        send_waiting(db, config, lambda: NOW + later)
        new = zip(receiver.paths[before:], receiver.bodies[before:], strict=True)
        return [msgspec.json.decode(body) for path, body in new if path.endswith(target)]

    return hear
