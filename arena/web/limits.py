"""How often one person, key or address may ask: a sliding window for each, in memory, gone with a restart.

A window is divided into slices; a call is counted for the window's length and at most one slice (a fiftieth) longer,
so that within any stretch of that length never more calls pass than are allowed. Calls that were refused do not count.
Only so many windows are kept, the ones asked for last: whoever has more addresses than that has no use for each of
them to be limited.
"""

from collections import OrderedDict

from msgspec import Struct, structs

from arena.core import config

SLICES = 50
KEPT = 20_000
"""Windows of one limit, for people and again for addresses. Each takes about half a kilobyte, a busy one three."""


class Quota(Struct, frozen=True):
    """What became of a call: out of ``limit``, ``remaining`` are left. Milliseconds.

    ``reset`` is the time until the earliest calls leave the window; ``wait`` the same for a call that was refused,
    and 0 for one that passed.
    """

    limit: int
    remaining: int
    reset: int
    wait: int

    def headers(self, now: int) -> list[tuple[bytes, bytes]]:
        """The headers that tell programs. ``X-RateLimit-Reset`` is an instant in epoch milliseconds."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % (now + self.reset)),
        ]


class _Window:
    """The calls of one caller: how many in each slice, oldest first, and in all."""

    __slots__ = ("slices", "total")

    def __init__(self) -> None:
        self.slices: dict[int, int] = {}
        self.total = 0


class Meter:
    """One limit, and the windows of all who were counted against it."""

    def __init__(self, rate: config.Rate, kept: int = KEPT) -> None:
        self.rate = rate
        self._width = rate.milliseconds // SLICES
        self._kept = kept
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def take(self, who: str, ticks: int) -> Quota:
        """Count a call if it may pass. ``ticks`` are milliseconds of a clock that only goes forward."""
        here, number = ticks // self._width, self.rate.number
        window = self._windows.get(who)
        if window is None:
            window = self._open(who, here)
        else:
            self._windows.move_to_end(who)
        slices = window.slices
        while slices and (oldest := next(iter(slices))) < here - SLICES:
            window.total -= slices.pop(oldest)
        passes = window.total < number
        if passes:
            slices[here] = slices.get(here, 0) + 1
            window.total += 1
        reset = (next(iter(slices)) + SLICES + 1) * self._width - ticks
        return Quota(number, number - window.total, reset, 0 if passes else reset)

    def __len__(self) -> int:
        """How many windows are kept."""
        return len(self._windows)

    def _open(self, who: str, here: int) -> _Window:
        windows = self._windows
        while windows:
            oldest = next(iter(windows.values()))
            if len(windows) < self._kept and next(reversed(oldest.slices)) >= here - SLICES:
                break
            windows.popitem(last=False)
        made = windows[who] = _Window()
        return made


class Limits:
    """Every limit of the configuration by its name, for callers who are known and, apart from them, for addresses.

    Apart, so that no crowd of addresses takes the place of people. A limit that is off has no meter.
    """

    def __init__(self, limits: config.Limits) -> None:
        rates = {name: config.rate(value) for name, value in structs.asdict(limits).items()}
        self.known = {name: Meter(rate) for name, rate in rates.items() if rate is not None}
        self.strangers = {name: Meter(rate) for name, rate in rates.items() if rate is not None}
