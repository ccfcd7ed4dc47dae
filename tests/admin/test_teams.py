"""``arena admin teams``."""

import json

import pytest

from tests.admin.conftest import Run


@pytest.fixture
def people(run: Run) -> None:
    for name in ("alice", "bob"):
        assert run("users", "add", name).code == 0


@pytest.mark.usefixtures("people")
def test_teams_are_made_filled_renamed_and_deleted(run: Run) -> None:
    assert run("teams", "create", "Data Platform").out.endswith("its board is at /?team=data-platform.\n")
    assert run("teams", "assign", "bob", "data platform").out == "bob is in Data Platform.\n"
    assert run("teams", "rename", "Data-Platform", "Search").out.startswith("The team is called Search now")
    assert run("teams", "list").out.splitlines()[1].split() == ["search", "1", *run_date(run), "Search"]
    assert run("teams", "assign", "bob").out == "bob is in no team.\n"
    assert run("teams", "assign", "alice", "search").code == 0
    assert run("teams", "delete", "search").out == "Search is deleted; 1 person is in no team now.\n"
    assert run("teams", "list", "--json").out == "[]\n"


def run_date(run: Run) -> list[str]:
    created: str = json.loads(run("teams", "list", "--json").out)[0]["created_at"]
    return created[:16].split("T")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("create", "!"), "A team's name needs a letter or a digit."),
        (("create", "data"), "There is a team called Data already."),
        (("rename", "nothing", "Data"), "There is no team called nothing."),
        (("delete", "nothing"), "There is no team called nothing."),
        (("assign", "bob", "nothing"), "There is no team called nothing."),
        (("assign", "zoe", "data"), "There is nobody called zoe."),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(run: Run, command: tuple[str, ...], sentence: str) -> None:
    assert run("teams", "create", "Data").code == 0
    done = run("teams", *command)
    assert (done.code, done.out, done.err) == (1, "", f"arena admin: {sentence}\n")
