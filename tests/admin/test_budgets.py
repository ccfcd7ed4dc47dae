"""``arena admin budgets``."""

import json

import pytest

from tests.admin.conftest import Run


@pytest.fixture
def people(run: Run) -> None:
    assert run("users", "add", "alice").code == 0
    assert run("teams", "create", "Data Platform").code == 0


@pytest.mark.usefixtures("people")
def test_budgets_are_set_shown_and_taken_away(run: Run) -> None:
    assert run("budgets", "team", "data platform", "1,200.50").out == "Data Platform may cost $1200.50 a month.\n"
    assert run("budgets", "person", "ALICE", "150").out == "alice may cost $150 a month.\n"
    lines = [line.split() for line in run("budgets", "list").out.splitlines()]
    assert lines[1:] == [
        ["team", "data-platform", "$1,200.50", "$0.00", "0%", "-"],
        ["person", "alice", "$150.00", "$0.00", "0%", "-"],
    ]
    found = json.loads(run("budgets", "list", "--json").out)
    assert [(each["whose"], each["budget"], each["forecast"]) for each in found] == [
        ("team", 1200.5, None),
        ("person", 150.0, None),
    ]
    assert run("budgets", "person", "alice", "0").out == "alice has no budget.\n"
    assert len(run("budgets", "list").out.splitlines()) == 2


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("person", "zoe", "5"), "There is nobody called zoe."),
        (("team", "zoe", "5"), "There is no team called zoe."),
        (("person", "alice", "five"), "An amount is written like 500 or 1,200.50, in US dollars."),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(run: Run, command: tuple[str, ...], sentence: str) -> None:
    done = run("budgets", *command)
    assert (done.code, done.out, done.err) == (1, "", f"arena admin: {sentence}\n")
