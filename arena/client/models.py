"""The rows of the laptop's ledger: what was counted in one transcript, as compact arrays."""

from typing import Literal, NamedTuple

import msgspec

Sure = Literal["exact", "derived", ""]
"""How far a figure can be known: as the tool itself wrote it, worked out from what it wrote, or not at all."""


class Keeps(NamedTuple):
    """How far each figure of a tool can be known; what `docs/tools.md` is made of.

    ``cost`` is exact where the tool notes what it was billed, and derived where the box has to price tokens. ``note``
    is what else one should know.
    """

    tokens: Sure = ""
    cache: Sure = ""
    cost: Sure = ""
    calls: Sure = ""
    lines: Sure = ""
    note: str = ""


class Figures(msgspec.Struct, array_like=True, gc=False):
    """The front of a `Copy`, which is all that sums need and half as dear to decode and to hold.

    ``key`` is the record's identity in 16 bytes, ``at`` epoch milliseconds, ``session`` an index into the
    transcript's `Stretch` list.
    """

    key: bytes
    at: int
    model: str
    session: int
    sidechain: bool = False
    input: int = 0
    output: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0


class Copy(Figures, array_like=True, gc=False):
    """What one transcript says about one response; other transcripts may hold other copies of it."""

    turns: int = 0
    tools: dict[str, int] | None = None
    lines_added: int = 0
    lines_deleted: int = 0
    files_created: int = 0
    files_modified: int = 0
    web_searches: int = 0
    has_request: bool = False
    speed: str | None = None
    service_tier: str | None = None
    region: str | None = None
    cost_recorded: float | None = None


class Stretch(msgspec.Struct, array_like=True, gc=False):
    """One session as far as a transcript shows it: its hash, first and last instant, and where it began to work."""

    session: str
    started_at: int
    ended_at: int
    cwd: str = ""


class Reading(msgspec.Struct):
    """What a reader found from an offset on: copies by key, sessions, folders, and where to go on next time.

    ``state`` is the reader's own memory of what is still open at ``offset``; only the reader understands it. What is
    read whole leaves both empty.
    """

    copies: dict[bytes, Copy]
    stretches: list[Stretch]
    cwds: list[str]
    offset: int = 0
    state: bytes = b""


def merge(old: Copy, new: Copy) -> Copy:
    """Make one of two copies, in whatever order they come.

    A main-chain copy beats a sidechain's, then more output, then a larger sum; the instant is the earlier one. What
    hangs on the response but comes later (tool calls, lines, turns, cost) is the larger of the two, each by itself.
    """
    old_size, new_size = size(old), size(new)
    winner, loser = (new, old) if new_size > old_size else (old, new)
    if winner == loser:
        return old
    return msgspec.structs.replace(
        winner,
        at=min(old.at, new.at),
        turns=max(old.turns, new.turns),
        tools=_larger(winner.tools, loser.tools),
        lines_added=max(old.lines_added, new.lines_added),
        lines_deleted=max(old.lines_deleted, new.lines_deleted),
        files_created=max(old.files_created, new.files_created),
        files_modified=max(old.files_modified, new.files_modified),
        web_searches=max(old.web_searches, new.web_searches),
        cost_recorded=max((cost for cost in (old.cost_recorded, new.cost_recorded) if cost is not None), default=None),
    )


def size(copy: Figures) -> tuple[bool, int, int]:
    """Order copies of one record: the larger one is the better known."""
    return (not copy.sidechain, copy.output, total(copy))


def total(copy: Figures) -> int:
    """Add up all tokens of a copy; 0 stands for a tool that does not keep them."""
    return copy.input + copy.output + copy.cache_write_5m + copy.cache_write_1h + copy.cache_read


def _larger(one: dict[str, int] | None, other: dict[str, int] | None) -> dict[str, int] | None:
    if not one or not other:
        return one or other
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in sorted({*one, *other})}
