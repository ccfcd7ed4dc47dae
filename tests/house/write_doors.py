"""``python -m tests.house.write_doors``: write who may open which door into ``docs/security.md``."""

from pathlib import Path

from arena.accounts.guards import Who
from arena.doors import DOORS, Door

FILE = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- doors: made by `python -m tests.house.write_doors` -->\n", "<!-- end of doors -->\n"
CALLERS = ("nobody", "member", "administrator", "key", "signed key")
MAY: dict[Who, tuple[str, ...]] = {
    "anybody": ("yes", "yes", "yes", "yes", "yes"),
    "reader": ("if public", "yes", "yes", "yes", "yes"),
    "member": ("", "yes", "yes", "", ""),
    "admin": ("", "", "yes", "", ""),
    "key": ("", "", "", "yes", "yes"),
    "signature": ("", "", "", "", "yes"),
    "person": ("", "yes", "yes", "if reading", "yes"),
    "monitor": ("token", "token", "token", "token", "token"),
    "slack": ("Slack", "Slack", "Slack", "Slack", "Slack"),
}


def page(text: str) -> str:
    """The page with the table of today's doors in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def table() -> str:
    """Every door in the order of `arena.doors`, and for each kind of caller whether it opens."""
    head = ("method", "address", *CALLERS, "limit")
    rows = [head, ("---",) * len(head), *(_row(door) for door in DOORS)]
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |").replace("|  |", "| |") for row in rows)


def _row(door: Door) -> tuple[str, ...]:
    return (door.method, f"`{door.path}`", *MAY[door.who], door.limit or "")


if __name__ == "__main__":
    FILE.write_text(page(FILE.read_text()))
