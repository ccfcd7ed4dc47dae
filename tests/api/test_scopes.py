"""Boards of one team and of one tool, read by programs and by browsers from a box that keeps its answers."""

from typing import Any

import pytest

from arena.audit.models import OPERATOR
from arena.core import clock
from arena.teams import actions
from tests.flows.serving import Person, Serving, get, session


@pytest.fixture(scope="module")
def people(box: Serving) -> dict[str, Person]:
    """Ann and bea are in Search, dora too but private; cleo is in none and uses Codex, as ann does."""
    made = {name: box.add(name, private=name == "dora") for name in ("ann", "bea", "cleo", "dora")}
    for number, person in enumerate(made.values(), 1):
        person.send(session(inputTokens=number * 1_000, outputTokens=500))
    for name in ("ann", "cleo"):
        made[name].send(session(inputTokens=7, outputTokens=3, toolType="codex"))

    def write(conn: Any) -> None:
        actions.create_team(conn, name="Search", caller=OPERATOR, now=clock.now())
        for name in ("ann", "bea", "dora"):
            actions.assign(conn, name=name, slug="search", caller=OPERATOR, now=clock.now())

    box.write(write)
    return made


def items(box: Serving, query: str) -> list[dict[str, Any]]:
    answer = get(f"{box.url}/api/leaderboard?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["items"]
    return found


def names(box: Serving, query: str) -> list[str]:
    return sorted(item["username"] for item in items(box, query))


@pytest.mark.usefixtures("people")
def test_a_board_is_narrowed_to_a_team_a_tool_or_both(box: Serving) -> None:
    assert names(box, "metric=tokens") == ["Anonymous", "ann", "bea", "cleo"]
    assert names(box, "team=search") == ["ann", "bea"]
    assert names(box, "tool=codex") == ["ann", "cleo"]
    assert names(box, "team=search&tool=codex") == ["ann"]
    assert names(box, "team=&tool=") == names(box, "")
    [ann] = items(box, "team=search&tool=codex&period=all_time")
    assert (ann["totalTokens"], ann["weeklyTokens"], ann["sessionCount"]) == (10, 10, 1)


@pytest.mark.usefixtures("people")
def test_an_item_names_the_team_of_those_who_may_be_named(box: Serving) -> None:
    assert {item["username"]: item["team"] for item in items(box, "")} == {
        **{"ann": "Search", "bea": "Search", "cleo": None, "Anonymous": None}
    }


@pytest.mark.usefixtures("people")
def test_nothing_of_somebody_private_is_on_their_teams_board(box: Serving) -> None:
    [id] = box.ask("SELECT id FROM users WHERE username = 'dora'")
    for address in ("/api/leaderboard?team=search", "/?team=search", "/?team=search&tool=claude-code&period=all_time"):
        text = get(f"{box.url}{address}").text
        assert "dora" not in text.lower()
        assert str(id[0]) not in text
        assert ">Anonymous<" not in text
        assert "4,500" not in text
    assert "<b>2</b> people" in get(f"{box.url}/?team=search").text


@pytest.mark.usefixtures("people")
def test_whoever_changes_teams_is_on_the_other_board_at_once(box: Serving) -> None:
    def write(conn: Any, slug: str | None) -> None:
        actions.assign(conn, name="cleo", slug=slug, caller=OPERATOR, now=clock.now())

    for address in ("/api/leaderboard?team=search", "/?team=search"):
        assert "cleo" not in get(f"{box.url}{address}").text
        box.write(lambda conn: write(conn, "search"))
        assert "cleo" in get(f"{box.url}{address}").text
        box.write(lambda conn: write(conn, None))
        assert "cleo" not in get(f"{box.url}{address}").text


@pytest.mark.usefixtures("people")
def test_a_narrowed_board_is_kept_like_any_other(box: Serving) -> None:
    address = f"{box.url}/?team=search&tool=codex"
    mark = get(address).headers["etag"]
    assert get(address, headers={"If-None-Match": mark}).status_code == 304


@pytest.mark.parametrize("place", ["/", "/api/leaderboard"])
def test_a_team_that_is_not_there_is_not_found_and_a_tool_that_is_none_is_refused(box: Serving, place: str) -> None:
    gone = get(f"{box.url}{place}?team=nowhere")
    assert gone.status_code == 404
    assert "There is no team at this address" in gone.text
    wrong = get(f"{box.url}{place}?tool=abacus")
    assert wrong.status_code == 400
    assert "tool: must be one of claude-code" in wrong.text
    assert get(f"{box.url}{place}?team={'%F0%9F%92%A9' * 300}").status_code == 404
