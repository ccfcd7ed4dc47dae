"""Write messages down and send them: each at least once, or until it is given up.

A row is the truth. Whoever sends a message holds its claim while the lease lasts; when they die in the middle, it is
sent again, as the same message (`Message-ID`, ``webhook-id``), so that a careful receiver sees one.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from functools import partial

import msgspec

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids, mail
from arena.core.clock import DAY
from arena.core.config import Config
from arena.core.db import Database
from arena.core.log import log
from arena.core.sending import Unsent
from arena.deliveries import rules, store
from arena.deliveries.models import Claimed, Delivery, Kind, Mail, Waiting, Webhook

SEND = "arena.deliveries.send"
"""The job that a door wakes."""
LEASE = 60_000
"""Milliseconds for which a message belongs to whoever claimed it: twice what a try may take."""
SOME = 1_000
"""Rows that one write deletes."""
TOO_LATE = "It could not be sent in time."


# -- the queue


def enqueue(
    conn: sqlite3.Connection,
    message: Mail | Webhook,
    *,
    topic: str,
    now: int,
    key: str | None = None,
    user_id: str | None = None,
    is_secret: bool = False,
    lasts: int = rules.LASTS,
) -> bool:
    """Put a message into the queue, in the write of the deed it tells of; False if there is one of this key already.

    ``topic`` says in a word what it is about (``password_reset``), for the operator. A key makes a message one, however
    often it is put in while its row is kept. ``user_id`` is whom it is to or about: it goes when they are deleted.
    ``is_secret``: it holds a one-time link, say, and is forgotten once sent or given up. After ``lasts`` milliseconds
    it is not sent any more. Whoever calls is a door and wakes the worker, or waits up to a minute.
    """
    id = ids.uuid7()
    kind: Kind = "mail" if isinstance(message, Mail) else "webhook"
    recipient = message.to if isinstance(message, Mail) else message.target
    content = msgspec.json.encode(message).decode()
    return store.add(conn, id, kind, recipient, topic, content, is_secret, user_id, key or id, now + lasts, now)


def send_again(conn: sqlite3.Connection, *, id: str, caller: Caller, now: int, by: str) -> bool:
    """Let a message wait that was given up; False if it is not dead, or was secret and is forgotten."""
    is_back = store.put_back(conn, id, now + rules.LASTS, now)
    if is_back:
        note(conn, "delivery_sent_again", None, caller, now, delivery=id, by=by)
    return is_back


def lately(conn: sqlite3.Connection, user_id: str, *, topic: str, since: int) -> int:
    """Count the messages about something that were put in for a person since an instant."""
    return store.lately(conn, user_id, topic, since)


def forget(conn: sqlite3.Connection, user_id: str) -> None:
    """Delete every message to or about a person, those that wait too."""
    store.forget(conn, user_id)


def prune(db: Database, *, days: int, now: int) -> int:
    """Delete messages that were sent or given up so many days ago; return how many. (From a thread: it waits.)"""
    gone = 0
    while dropped := db.write_sync(partial(store.prune, before=now - days * DAY, limit=SOME)):
        gone += dropped
    return gone


def old(conn: sqlite3.Connection, *, days: int, now: int) -> int:
    """How many messages `prune` would delete just now."""
    return store.old(conn, now - days * DAY)


def waiting(conn: sqlite3.Connection) -> Waiting:
    """See how deliveries stand."""
    return Waiting(store.numbers(conn), store.outcomes(conn), store.oldest(conn))


def everything_of(conn: sqlite3.Connection, user_id: str) -> list[Delivery]:
    """All that is kept of messages to or about a person, the oldest first."""
    return store.deliveries_of(conn, user_id)


# -- the worker's part


def send_waiting(db: Database, config: Config, now: Callable[[], int]) -> None:
    """Send what is due, mail and webhooks side by side, until nothing is. (From a thread: it waits.)

    One message of a kind is under way at a time, and none is tried after one that found the mail server down: a server
    that does not answer holds up neither the worker nor the tries of all that waits.
    """
    if db.read_sync(store.oldest) is None:
        return
    asyncio.run(_send_all(db, config, now))


async def _send_all(db: Database, config: Config, now: Callable[[], int]) -> None:
    webhooks = config.webhooks
    async with asyncio.TaskGroup() as both:
        both.create_task(_send_kind(db, config, "mail", config.mail.is_on, now))
        both.create_task(_send_kind(db, config, "webhook", bool(webhooks.slack_url or webhooks.json_url), now))


async def _send_kind(db: Database, config: Config, kind: Kind, is_on: bool, now: Callable[[], int]) -> None:
    while claimed := await asyncio.to_thread(db.write_sync, partial(_claim, kind=kind, is_on=is_on, now=now())):
        no = await _tried(claimed, config, now())
        settle = partial(_settle, claimed=claimed, no=no, chance=random.random(), now=now())  # noqa: S311
        if not await asyncio.to_thread(db.write_sync, settle):
            log().warning("delivery", reason="somebody else sends it")
        if no is not None and no.is_down:
            return


def _claim(conn: sqlite3.Connection, kind: Kind, is_on: bool, now: int) -> Claimed | None:
    store.release(conn, now, LEASE, rules.LONGEST_WAIT)
    if given_up := store.give_up(conn, kind, rules.ATTEMPTS, TOO_LATE, now):
        store.count(conn, kind, "dead", given_up)
    if not is_on or store.running(conn, kind):
        return None
    return store.claim(conn, kind, ids.token(), now + LEASE, now)


async def _tried(claimed: Claimed, config: Config, now: int) -> Unsent | None:
    """Send one message, and say why it did not go, if it did not."""
    try:
        await _send(claimed, config, now)
    except Unsent as no:
        return no
    except Exception as problem:
        log().error("delivery", reason=type(problem).__name__, exc_info=problem)
        return Unsent(f"The box failed ({type(problem).__name__}); its log says where.", again=True)
    return None


async def _send(claimed: Claimed, config: Config, now: int) -> None:
    """Send one message. Raises `Unsent`."""
    if claimed.kind == "mail":
        said = msgspec.json.decode(claimed.content, type=Mail)
        written = mail.message(
            config.mail,
            id=claimed.id,
            at=claimed.created_at,
            to=said.to,
            name=said.name,
            subject=said.subject,
            text=said.text,
            html=said.html,
            unsubscribe=said.unsubscribe,
        )
        await mail.send(config.mail, said.to, written)
        return
    from arena.core import webhooks  # now: it costs a fifth of a second

    hook = msgspec.json.decode(claimed.content, type=Webhook)
    if not (url := config.webhooks.url(hook.target)):
        raise Unsent(f"[webhooks] {hook.target}_url is not configured any more.", again=False)
    key = config.webhooks.key if hook.target == "json" else None
    await webhooks.post(url, hook.payload.encode(), id=claimed.id, at=now // 1000, secret=key)


def _settle(conn: sqlite3.Connection, claimed: Claimed, no: Unsent | None, chance: float, now: int) -> bool:
    """Write down what came of a try; False if the message is not ours any more."""
    if no is None:
        is_ours, outcome = store.sent(conn, claimed, now), "sent"
    elif no.again and claimed.attempts < rules.ATTEMPTS:
        next_at = now + rules.pause(claimed.attempts, no.wait, chance)
        is_ours, outcome = store.again(conn, claimed, no.sentence, next_at), "again"
    else:
        is_ours, outcome = store.dead(conn, claimed, no.sentence, now), "dead"
    if is_ours:
        store.count(conn, claimed.kind, outcome, 1)
    return is_ours
