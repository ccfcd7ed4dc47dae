"""``python -m tests.house.write_doors``: write who may open which door to ``docs/doors.md``."""

from pathlib import Path

from arena.doors import DOORS, Door
from tests.api.test_matrix import FIRST, IN, ROLES, expected

FILE = Path(__file__).parents[2] / "docs" / "doors.md"
PAGE = """# Who may open which door

Made from [`arena/doors.py`](../arena/doors.py); `tests/api/test_matrix.py` tries every line as every role, on a box
that serves. "yes" is let in, "sign in" is led to the sign-in page, "401" and "403" are refused. Metered doors name
their limit of `[limits]`; pages, static files and streams are not metered. `/metrics` lets in who sends its token,
else only the machine itself.

{table}
"""
SAID = {IN: "yes", FIRST: "sign in"}


def page() -> str:
    """The whole page."""
    head = ("Method", "Address", *(role.capitalize() for role in ROLES), "Limit")
    rows = [head, ("---",) * len(head), *map(_row, DOORS)]
    return PAGE.format(table="\n".join(f"| {' | '.join(row)} |" for row in rows))


def _row(door: Door) -> tuple[str, ...]:
    told = (expected(door, role) for role in ROLES)
    cells = (SAID.get(each) or ("403" if "may not" in each else "401") for each in told)
    return (door.method, f"`{door.path}`", *cells, door.limit or "")


if __name__ == "__main__":
    FILE.write_text(page())
