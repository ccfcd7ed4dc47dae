"""Figures as a terminal shows them: counts in three figures, money, moves, times past.

The status line imports this, so it imports nothing.
"""


def short(number: int) -> str:
    """Write a count in three figures ("2.19M"), exactly below 10,000."""
    if number < 10_000:
        return f"{number:,}"
    return _scaled(number / 1000, "KMBT")


def money(dollars: float | None, complete: bool) -> str:
    """Write what something cost: "$4.20", "$4.20+" where some of it is not known, "cost unknown" where nothing is."""
    if dollars is None:
        return "cost unknown"
    written = "<$0.01" if 0 < dollars < 0.005 else f"${dollars:,.2f}"
    return written if complete else written + "+"


def moved(places: int | None) -> str:
    """Write how many places somebody rose or fell since yesterday; nothing for who stayed or is new."""
    if not places:
        return ""
    return f"▲{places}" if places > 0 else f"▼{-places}"


def ago(seconds: float) -> str:
    """Write how long ago something was."""
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min ago"
    return f"{minutes / 60:.0f} h ago" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d ago"


def _scaled(size: float, units: str) -> str:
    digits = 2 if round(size, 2) < 10 else 1 if round(size, 1) < 100 else 0
    if round(size, digits) >= 1000 and len(units) > 1:
        return _scaled(size / 1000, units[1:])
    return f"{size:.{digits}f}{units[0]}"
