"""Numbers, dates and ranks as people read them: pure functions, used in templates as filters and as functions.

The pages speak English; figures follow it (comma for thousands, point for decimals, U+2212 for minus).
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from arena.core.clock import written

__all__ = [
    "ago",
    "cost",
    "day",
    "day_range",
    "exact",
    "gauge",
    "instant",
    "moment",
    "ordinal",
    "plural",
    "score",
    "short",
    "signed",
    "size",
    "tier",
    "weekday",
]

MINUS = "\u2212"
DAY = 86_400_000
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TIERS = ((800, "Diamond"), (600, "Platinum"), (400, "Gold"), (200, "Silver"), (0, "Bronze"))


def short(number: int) -> str:
    """Write a count in three figures ("2.19M"), exactly below 10,000."""
    if abs(number) < 10_000:
        return exact(number)
    return (MINUS if number < 0 else "") + "".join(_scaled(abs(number), "KMBT"))


def exact(number: int) -> str:
    """Write every figure of a count ("2,190,000")."""
    return f"{number:,}".replace("-", MINUS)


def score(number: float) -> str:
    """Write a score with its two decimals."""
    return f"{number:,.2f}".replace("-", MINUS)


def cost(nanodollars: int, unpriced: int) -> str:
    """Write a cost (billionths of a US dollar) as money: "$1,004.22", "$30.19+" with records of unknown cost beside.

    A cost of which nothing is known is "unknown", one below a cent "<$0.01"; a half cent is rounded up.
    """
    if unpriced and not nanodollars:
        return "unknown"
    cents = (nanodollars + 5_000_000) // 10_000_000
    written = f"${cents // 100:,}.{cents % 100:02}" if cents or not nanodollars else "<$0.01"
    return written + "+" if unpriced else written


def signed(number: int) -> str:
    """Write a change with its sign ("+3", U+2212 for minus); nothing has no sign."""
    return f"+{number:,}" if number > 0 else exact(number)


def size(number: int) -> str:
    """Write a number of bytes in three figures ("1.24 GB", in powers of ten)."""
    if number < 1000:
        return plural(number, "byte", "bytes")
    return "{} {}B".format(*_scaled(number, "kMGT"))


def ordinal(number: int) -> str:
    """Write a place ("7th")."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def plural(number: int, one: str, many: str) -> str:
    """Write a count with its noun ("1 session", "1,037 sessions")."""
    return f"{exact(number)} {one if number == 1 else many}"


def day(iso: str) -> str:
    """Write a day ("20 Nov 2026")."""
    return _day(date.fromisoformat(iso))


def weekday(iso: str) -> str:
    """Name the day of the week ("Thursday")."""
    return WEEKDAYS[date.fromisoformat(iso).weekday()]


def day_range(start: str, end: str) -> str:
    """Write two days and what lies between, saying month and year once where they are shared ("16–22 Nov 2026")."""
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if first == last:
        return _day(last)
    if first.year != last.year:
        return f"{_day(first)} – {_day(last)}"
    if first.month != last.month:
        return f"{first.day} {MONTHS[first.month - 1]} – {_day(last)}"
    return f"{first.day}–{_day(last)}"


def instant(ms: int, zone: str) -> str:
    """Write an instant (epoch milliseconds) on the clock of a zone, to the minute, with the zone's name."""
    return written(ms, zone)


def moment(ms: int, zone: str) -> str:
    """Write an instant on the clock of a zone, to the second ("20 Nov 2026, 14:03:27")."""
    local = datetime.fromtimestamp(ms / 1000, ZoneInfo(zone))
    return f"{_day(local.date())}, {local:%H:%M:%S}"


def ago(ms: int, now: int, zone: str = "UTC") -> str:
    """Say how long ago an instant was ("12 s ago"); from a day on, its date in the zone."""
    passed = max(0, now - ms)
    if passed >= DAY:
        return _day(datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone)).date())
    seconds = passed // 1000
    if seconds < 60:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3600 else f"{seconds // 3600} h ago"


def tier(points: float) -> str:
    """Name the tier of a score."""
    return next((name for least, name in TIERS if points >= least), "Bronze")


def gauge(points: float) -> float:
    """How far the tier gauge is filled, in its own units: five cells 12 wide, 2 apart, 200 points each."""
    cells, rest = divmod(min(max(points, 0.0), 1000.0), 200)
    return round(min(cells * 14 + rest / 200 * 12, 68), 1)


def _scaled(number: float, units: str) -> tuple[str, str]:
    """Three figures of a number, and the unit of a thousand, a million ... that they are in."""
    number /= 1000
    digits = 2 if round(number, 2) < 10 else 1 if round(number, 1) < 100 else 0
    if round(number, digits) >= 1000 and len(units) > 1:
        return _scaled(number, units[1:])
    return f"{number:.{digits}f}", units[0]


def _day(of: date) -> str:
    return f"{of.day} {MONTHS[of.month - 1]} {of.year}"
