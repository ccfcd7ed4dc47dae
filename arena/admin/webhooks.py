"""``arena admin webhooks``: whether messages arrive, tried from the machine itself."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import asyncio

from arena.admin.command import Opened, Refused, verb
from arena.chat.actions.events import targets
from arena.chat.models import Event
from arena.chat.rules import events as rules
from arena.core import clock, ids
from arena.core.sending import Unsent
from arena.deliveries.models import Target

import msgspec


def main(argv: list[str]) -> int:
    """Send a test message to every address."""
    made, verbs = command.parser("webhooks", "Chats and programs that are told what happens.")
    verb(verbs, "test", "send a test message to each, and say what came of it", _test, "webhooks test")
    return command.run(made, argv)


def _test(box: Opened, _: argparse.Namespace) -> int:
    configured = targets(box.config)
    if not configured:
        raise Refused("no address is configured; set [webhooks] slack_url or json_url.")
    now, failed = clock.now(), 0
    said = f"This is a test of {box.config.arena.name}: messages arrive."
    event = Event("test", ids.uuid7(), clock.iso(now), said, {"by": None})
    for target in configured:
        problem = asyncio.run(_sent(box, target, event, now))
        failed += bool(problem)
        print(f"{target}: {problem or 'taken.'}")
    return 1 if failed else 0


async def _sent(box: Opened, target: Target, event: Event, now: int) -> str:
    """Post an event; what went wrong, or nothing."""
    from arena.core import webhooks  # now: it costs a fifth of a second

    address, config = box.place.reached_at(box.config.server), box.config.webhooks
    body = (
        rules.slack(event, address, box.config.arena.name).encode() if target == "slack" else msgspec.json.encode(event)
    )
    key = config.key if target == "json" else None
    try:
        await webhooks.post(config.url(target), body, id=event.id, at=now // 1000, secret=key)
    except Unsent as no:
        return no.sentence
    return ""
