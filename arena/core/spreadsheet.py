"""How a table is written for a spreadsheet (RFC 4180)."""

import csv
from collections.abc import Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula, in the wide forms of East Asian keyboards too."""


def line_of_csv(cells: Sequence[str]) -> str:
    """Write a row for a spreadsheet, in which no cell can be a formula: what begins like one gets an apostrophe."""
    lines: list[str] = []
    safe = [f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells]
    csv.writer(_Kept(lines)).writerow(safe)
    return lines[0]


class _Kept:
    """What `csv` takes for a file."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append
