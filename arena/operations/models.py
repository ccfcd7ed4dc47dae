"""What an administrator asks of the security log, and what is found."""

from msgspec import Struct

from arena.audit.models import Chain, Entry


class Asked(Struct, frozen=True):
    """The filters as they were typed; days are YYYY-MM-DD in the zone of the box, ``to`` included."""

    event: str = ""
    person: str = ""
    address: str = ""
    since: str = ""
    until: str = ""
    words: str = ""


class Log(Struct, frozen=True):
    """A page of the security log, newest first, with the names of whoever is in it as they are now.

    ``names`` holds no id of somebody who is deleted. ``more`` is the place to go on after; ``since`` the time of the
    oldest row there is.
    """

    rows: list[Entry]
    names: dict[str, str]
    more: tuple[int, int] | None
    looked: int
    chain: Chain
    since: int | None
