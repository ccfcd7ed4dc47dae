"""What the page of the messages that leave the box shows."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from arena.accounts.rules import in_words
from arena.core.config import Config
from arena.deliveries.models import Delivery, Waiting
from arena.deliveries.rules import masked

PAGE = 50
STATES = {"queued": "Waiting", "running": "Being sent", "sent": "Sent", "dead": "Given up"}
KINDS = {"mail": "Mail", "webhook": "Webhook"}


class Row(Struct, frozen=True):
    """One message; ``to`` names its recipient in a way that tells nobody an address."""

    id: str
    kind: str
    to: str
    topic: str
    state: str
    state_words: str
    attempts: int
    next_at: int
    next_words: str
    """In how long it is tried next."""
    problem: str
    created_at: int
    settled_at: int | None
    may_go_again: bool


class DeliveriesPage(Struct, frozen=True):
    """What `operations/deliveries.html` shows. ``state`` and ``kind`` are what was asked for; empty means any."""

    rows: tuple[Row, ...]
    state: str
    kind: str
    states: dict[str, str]
    kinds: dict[str, str]
    waiting: int
    dead: int
    oldest_at: int | None
    mail_by: str
    """The configured mail server; empty if there is none."""
    targets: tuple[str, ...]
    """The configured webhooks."""
    here: str
    """The query of this very page, for the forms on it."""
    more_href: str
    newest_href: str
    said: str
    problem: str
    now: int
    zone: str


def deliveries_page(
    found: Sequence[Delivery],
    waiting: Waiting,
    config: Config,
    *,
    state: str,
    kind: str,
    before: str,
    said: str,
    problem: str,
    now: int,
) -> DeliveriesPage:
    """Make a page of the messages that were asked for; one more than a page holds says that there are more."""
    asked = {"state": state, "kind": kind}
    mail = config.mail
    return DeliveriesPage(
        rows=tuple(_row(each, now) for each in found[:PAGE]),
        state=state,
        kind=kind,
        states=STATES,
        kinds=KINDS,
        waiting=sum(number for (state, _), number in waiting.states.items() if state in ("queued", "running")),
        dead=sum(number for (state, _), number in waiting.states.items() if state == "dead"),
        oldest_at=waiting.oldest_at,
        mail_by=f"{mail.host}:{mail.port}" if mail.host else "",
        targets=tuple(target for target in ("slack", "json") if config.webhooks.url(target)),
        here=_query(**asked, before=before),
        more_href=f"/admin/deliveries{_query(**asked, before=found[PAGE - 1].id)}" if len(found) > PAGE else "",
        newest_href=f"/admin/deliveries{_query(**asked)}" if before else "",
        said=said,
        problem=problem,
        now=now,
        zone=config.arena.time_zone,
    )


def _row(each: Delivery, now: int) -> Row:
    return Row(
        id=each.id,
        kind=KINDS[each.kind],
        to=masked(each.recipient),
        topic=each.topic.replace("_", " "),
        state=each.state,
        state_words=STATES[each.state],
        attempts=each.attempts,
        next_at=each.next_at,
        next_words=f"in {in_words(each.next_at - now)}" if each.next_at > now else "now",
        problem=each.problem or "",
        created_at=each.created_at,
        settled_at=each.settled_at,
        may_go_again=each.state == "dead" and each.has_content,
    )


def _query(**asked: Any) -> str:
    chosen = urlencode({name: value for name, value in asked.items() if value})
    return f"?{chosen}" if chosen else ""
