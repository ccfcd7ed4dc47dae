"""What a box counts while it serves: plain numbers in memory, from its start on.

They are counted on the way of every answer, so by our own few lines: half a microsecond for a request, where the
counters of prometheus-client take seven. That library writes them down, when somebody asks.
"""

from collections import Counter

from arena.core.spread import Spread

METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"))
"""The methods that are told apart where no route is: anybody can make up others."""


class Counts:
    """The counters of one process."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], Spread] = {}
        """Seconds until an answer began, by method, path template (never the path) and the status's first digit."""
        self.kept: Counter[str] = Counter()
        """Answers that everybody may have: "found" ready, or "made"."""
        self.records: Counter[tuple[str, str]] = Counter()
        """Records that arrived, by road, and by what became of them."""
        self.refused: Counter[str] = Counter()
        """Calls that were one too many, by limit."""

    def answered(self, method: str, door: str, status: int, seconds: float) -> None:
        """Count a request when its answer begins: how long a stream stays open, or a reader reads, is their affair."""
        if not door and method not in METHODS:
            method = "other"
        key = method, door, status // 100
        spread = self.requests.get(key)
        if spread is None:
            spread = self.requests[key] = Spread()
        spread.add(seconds)
