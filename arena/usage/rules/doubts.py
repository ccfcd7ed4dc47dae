"""What is doubted: sessions far above what is usual, and what no model can give."""

from arena.usage.models import TOOL_BY_ID, Reason, Road, StoredRecord, StoredSession, Totals

RECENT = 30
"""Sessions that the rolling mean is of."""
RECENT_AT_LEAST = 10
"""Sessions without which there is no mean: whoever just began would be flagged for getting into it."""
TIMES_USUAL = 10
"""Source: product description, section Ranking, Anomaly."""
GROWN_SINCE = 2
"""A session that was found fine is doubted again when it holds more than so many times what it held then."""
OUTPUT_OF_RESPONSE, INPUT_OF_RESPONSE = 1_000_000, 20_000_000
"""Tokens that one response of a model may hold: ten times the largest that are sold."""
RUNS = frozenset(TOOL_BY_ID[id].number for id in ("copilot", "droid", "goose"))
"""Tools that note sums only: a record of theirs is a whole run or session."""
OUTPUT_AT_ONCE, OUTPUT_PER_SECOND = 100_000, 5_000
"""Tokens that a session may write: about fifty streams at the speed of a fast model, and what was ready before."""
OUTPUT_PER_DAY = 100_000_000
"""Tokens that a person may write in a day: ten fast streams that never stop."""


class Usual:
    """What a person's sessions usually hold: the rolling mean over the last 30 that count.

    The last are those that the box heard of last. ``recent`` has their input and output tokens by number, in order.
    """

    def __init__(self, recent: dict[int, int]) -> None:
        self.recent = dict(recent)
        self.is_short = False
        """Whether one fell out, and one from before the others belongs there instead."""
        self._sum = sum(recent.values())

    def mean(self, without: int) -> float | None:
        """The mean of their tokens, one session left out; None if fewer than 10 are left."""
        count = len(self.recent) - (without in self.recent)
        return (self._sum - self.recent.get(without, 0)) / count if count >= RECENT_AT_LEAST else None

    def put(self, number: int, tokens: int) -> None:
        """Put a session among them as it is now. Without tokens it does not count, and falls out."""
        before = self.recent.get(number)
        self._sum += tokens - (before or 0)
        if tokens == 0:
            self.is_short |= before is not None and len(self.recent) == RECENT
            self.recent.pop(number, None)
            return
        is_last = before is not None or not self.recent or number > next(reversed(self.recent))
        self.recent[number] = tokens
        if not is_last:
            self.recent = dict(sorted(self.recent.items()))
        if len(self.recent) > RECENT:
            self._sum -= self.recent.pop(next(iter(self.recent)))


def doubts(
    session: StoredSession, totals: Totals, usual: float | None, *, is_beyond: bool, fills_day: bool
) -> list[Reason]:
    """Say why a session should be looked at: far above what is usual, or more than can be done while it lasts.

    ``is_beyond``: it has a response that no model can give; ``fills_day``: it took its day beyond what can be written.
    """
    found: list[Reason] = []
    if usual and totals.input + totals.output > TIMES_USUAL * usual:
        found.append("size")
    if is_beyond:
        found.append("response")
    seconds = max(session.duration_seconds, (session.ended_at - session.started_at) // 1000)
    if seconds and totals.output > OUTPUT_AT_ONCE + OUTPUT_PER_SECOND * seconds:
        found.append("rate")
    if fills_day:
        found.append("day")
    return found


def is_beyond_response(record: StoredRecord) -> bool:
    """Whether a record that is one response holds more than any model takes in or writes in one."""
    if record.road not in (Road.TRANSCRIPTS, Road.TELEMETRY) or record.tool in RUNS:
        return False
    taken = record.input_tokens + record.cache_write_5m + record.cache_write_1h + record.cache_read_tokens
    return record.output_tokens > OUTPUT_OF_RESPONSE or taken > INPUT_OF_RESPONSE
