"""Names of teams, and how they stand in addresses."""

import pytest

from arena.teams.rules import name_problem, slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Platform", "platform"),
        ("Data & Search!", "data-search"),
        ("  C++  ", "c"),
        ("R2-D2", "r2-d2"),
        ("플랫폼 팀", "플랫폼-팀"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full-width"),
        ("STRASSE straße", "strasse-strasse"),
        ("हिन्दी", "हिन्दी"),
        ("...", ""),
    ],
)
def test_a_name_stands_in_addresses_without_case_and_signs(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert slug_of(slug) == slug


def test_a_name_needs_something_to_stand_in_addresses() -> None:
    assert name_problem("—") == "A team's name needs a letter or a digit."
    assert name_problem("") == "A team's name needs a letter or a digit."
    assert name_problem("x" * 51) == "A team's name has at most 50 characters; this one has 51."
    assert name_problem("x" * 50) is None
