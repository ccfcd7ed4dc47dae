"""What the chat room tells and keeps. Times are epoch milliseconds."""

from typing import Any, Literal

from msgspec import Struct

from arena.core.config import Config

EventType = Literal["leader.changed", "week.finished", "budget.reached", "box.ailing", "test"]
EVENTS: dict[EventType, str] = {
    "leader.changed": "Somebody else leads this week or month, for some minutes already; at most once an hour each.",
    "week.finished": "A week is over: its first five, on Monday at nine.",
    "budget.reached": "A team's people have spent 50, 80 or 100% of its budget this month; once each.",
    "box.ailing": "A job of the box has failed several times in a row.",
    "test": "An administrator wants to see whether messages arrive.",
}
"""What is told, and when."""


class Event(Struct, frozen=True):
    """Something that happened, as programs get it: ``time`` is RFC 3339, ``text`` the same in a sentence for people.

    ``data`` by type; nobody private is named in it, ``person`` (a user name) is null for them:

    - leader.changed: period (weekly or monthly), start and end (days), person, name, score, before (who led; or null)
    - week.finished: start, end, people (how many were ranked), top: rank, person, name, score, tokens, movement (places
      won since the week before; null for somebody new)
    - budget.reached: team (its name), month (YYYY-MM), mark (50, 80 or 100), percent, budget, spent and forecast
      (US dollars; forecast may be null), spent_is_complete (false if prices are missing)
    - box.ailing: job, attempts, problem
    - test: by (a user name, or null)
    """

    type: EventType
    id: str
    time: str
    text: str
    data: dict[str, Any]


class Teller(Struct, frozen=True):
    """Who tells, and when: the box by its configuration, at the address where it is reached."""

    config: Config
    address: str
    now: int


class Leader(Struct, frozen=True):
    """Who leads a period that began on a day, since when, and who was told to lead it, when. Ids of people."""

    period: str
    start: str
    told: str | None
    told_at: int
    leader: str | None
    since: int


class Said(Struct, frozen=True):
    """What somebody typed in Slack: who they are there, by ids and by name, the command, and the word after it.

    ``signature`` is that of the request, which no other has.
    """

    workspace: str
    user: str
    name: str
    command: str
    verb: str
    signature: str


class Told(Struct, frozen=True):
    """An answer that only whoever typed the command sees."""

    text: str
    response_type: Literal["ephemeral"] = "ephemeral"


class KeyLink(Struct, frozen=True):
    """A link to a key that was handed to somebody in Slack; ``user_id`` is whom they are linked to, if to anybody."""

    workspace: str
    slack_user: str
    slack_name: str
    expires_at: int
    user_id: str | None


class SlackAccount(Struct, frozen=True):
    """Who somebody is in Slack."""

    workspace: str
    slack_user: str
    linked_at: int
