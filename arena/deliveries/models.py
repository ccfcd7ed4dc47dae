"""What is sent, and what is known of it. Times are epoch milliseconds."""

from typing import Literal

from msgspec import Struct

Kind = Literal["mail", "webhook"]
State = Literal["queued", "running", "sent", "dead"]
Target = Literal["slack", "json"]


class Mail(Struct, frozen=True):
    """A mail to one person: plain text, and the same as HTML where there is some."""

    to: str
    """An address that `arena.deliveries.rules.mail_address` wrote."""
    name: str
    """How its reader is called; may be empty."""
    subject: str
    text: str
    html: str = ""
    unsubscribe: str = ""
    """The address that ends mail of this kind by one click."""


class Webhook(Struct, frozen=True):
    """A message to an address of the configuration: the text of a JSON value, as it is posted."""

    target: Target
    payload: str


class Delivery(Struct, frozen=True):
    """A row of `deliveries`, without what it says."""

    id: str
    kind: Kind
    recipient: str
    topic: str
    has_content: bool
    user_id: str | None
    state: State
    attempts: int
    next_at: int
    expires_at: int
    problem: str | None
    created_at: int
    settled_at: int | None


class Claimed(Struct, frozen=True):
    """A delivery that is ours to make until its lease ends."""

    id: str
    claim: str
    kind: Kind
    recipient: str
    content: str
    attempts: int
    """This one included."""
    created_at: int


class Waiting(Struct, frozen=True):
    """How deliveries stand: how many by state and kind, how trying went by kind and outcome, since when one waits."""

    states: dict[tuple[str, str], int]
    outcomes: dict[tuple[str, str], int]
    oldest_at: int | None
