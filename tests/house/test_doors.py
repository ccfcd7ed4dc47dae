"""The page on security says what the code says, and names only what is there."""

import re
from pathlib import Path
from typing import get_args

from arena.accounts.guards import Who
from arena.doors import DOORS
from tests.house.write_doors import FILE, MAY, page

ROOT = Path(__file__).parents[2]
TEXT = FILE.read_text()


def test_the_matrix_on_the_page_is_that_of_the_doors() -> None:
    assert page(TEXT) == TEXT, "run `python -m tests.house.write_doors`"
    assert all(f"| {door.method} | `{door.path}` |" in TEXT for door in DOORS)


def test_every_word_for_a_caller_has_its_row_of_the_matrix() -> None:
    assert set(MAY) == set(get_args(Who))


def test_what_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:arena|tests|docs|static|templates|requirements)/[\w./-]+)`", TEXT)
    assert len(set(named)) > 50
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_each_requirement_stands_on_the_page_once() -> None:
    requirements = re.findall(r"^\| (\d+\.\d+\.\d+) ", TEXT, re.MULTILINE)
    assert len(requirements) == len(set(requirements)) > 100
    assert requirements == sorted(requirements, key=lambda number: [int(part) for part in number.split(".")])
