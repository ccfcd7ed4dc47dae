"""What a spreadsheet may not take for a formula."""

import csv

import pytest

from arena.core.spreadsheet import line_of_csv


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=cmd|"/C calc"!A0'])
def test_no_cell_is_a_formula(cell: str) -> None:
    (row,) = (
        csv.reader([line_of_csv(["a", cell, "b"])], strict=True)
        if "\n" not in cell and "\r" not in cell
        else (next(csv.reader(line_of_csv(["a", cell, "b"]).splitlines(keepends=True))),)
    )
    assert row == ["a", f"'{cell}", "b"]


def test_other_cells_are_as_they_were() -> None:
    cells = ["plain", "a, b", 'say "yes"', "1-2", "", "가나"]
    assert next(csv.reader([line_of_csv(cells)])) == cells
