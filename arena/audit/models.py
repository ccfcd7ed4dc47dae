"""What the audit room is told."""

from msgspec import Struct


class Caller(Struct, frozen=True):
    """Where a request came from; a command of the operator has no address."""

    address: str | None = None
    agent: str | None = None


OPERATOR = Caller(agent="arena admin")
