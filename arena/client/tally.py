"""What every reader needs: a tally of one source, and the times, models and counts in it made good."""

from datetime import UTC, datetime

from arena.client.models import Copy, Reading, Stretch, merge
from arena.wire import session_hash

COUNT_LIMIT = 1_000_000_000
COST_LIMIT = 100_000
EARLIEST, LATEST = 946_684_800_000, 4_102_444_800_000
"""The years 2000 and 2100 in epoch milliseconds; what lies outside is no time at all."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tally:
    """Gathers what one source says: records by key, sessions, and the folders that were worked in."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.copies: dict[bytes, Copy] = {}
        self.stretches: list[Stretch] = []
        self.cwds: dict[str, None] = {}
        self._sessions: dict[str, int] = {}

    def session(self, identity: str, at: int, cwd: str = "") -> int:
        """Note that a session was at work at an instant, and give the number by which its records name it."""
        self.folder(cwd)
        index = self._sessions.get(identity)
        if index is None:
            index = self._sessions[identity] = len(self.stretches)
            self.stretches.append(Stretch(session_hash(self.tool, identity), at, at, cwd))
            return index
        stretch = self.stretches[index]
        stretch.started_at = min(stretch.started_at, at)
        stretch.ended_at = max(stretch.ended_at, at)
        stretch.cwd = stretch.cwd or cwd
        return index

    def folder(self, cwd: str) -> None:
        """Note a folder that was worked in: excluding it excludes this source."""
        if cwd:
            self.cwds[cwd] = None

    def add(self, copy: Copy) -> None:
        """Take in a record; of two with one key the larger stays."""
        old = self.copies.get(copy.key)
        self.copies[copy.key] = copy if old is None else merge(old, copy)

    def reading(self, offset: int = 0, state: bytes = b"") -> Reading:
        """Sum up, for the engine."""
        return Reading(self.copies, self.stretches, list(self.cwds), offset, state)


def instant(written: str | None) -> int:
    """Read an ISO date and time as epoch milliseconds, UTC where it names no zone; 0 where it is none."""
    try:
        moment = datetime.fromisoformat(written or "")
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - EPOCH
    when = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    return when if EARLIEST <= when < LATEST else 0


def at(milliseconds: float | None) -> int:
    """Keep an instant that can be true; 0 where it cannot."""
    return int(milliseconds) if milliseconds and EARLIEST <= milliseconds < LATEST else 0


def true_counts(*counts: int) -> bool:
    """Say whether counts can be true: none negative, none absurd, not all zero."""
    return min(counts) >= 0 and 0 < max(counts) <= COUNT_LIMIT


def true_cost(dollars: float | None) -> float | None:
    """Keep a cost that the tool noted; nothing where it cannot be true. What it means when it is 0, the tool knows."""
    return dollars if dollars is not None and 0 <= dollars <= COST_LIMIT else None


def tool_call(name: str, built_in: frozenset[str]) -> str:
    """Name a call: its built-in tool, or ``mcp`` or ``other`` where the name could tell a secret."""
    if name in built_in:
        return name
    return "mcp" if name.startswith("mcp__") else "other"
