"""The board as programs read it. This module's people are its own, so the board is known in full."""

from typing import Any

import pytest

from tests.flows.serving import Person, Serving, get, session

PERIODS = ("daily", "weekly", "monthly", "all_time", "all-time")
TIED = (1_000, 500)


@pytest.fixture(scope="module")
def people(box: Serving) -> dict[str, Person]:
    """Ann leads, bea and cleo tie, dora is private, eve has sent nothing."""
    made = {name: box.add(name, private=name == "dora") for name in ("ann", "bea", "cleo", "dora", "eve")}
    for name, (tokens_in, tokens_out) in {"ann": (9_000, 9_000), "bea": TIED, "cleo": TIED, "dora": (10, 1)}.items():
        made[name].send(session(inputTokens=tokens_in, outputTokens=tokens_out, cacheReadTokens=5))
    return made


def board(box: Serving, **query: Any) -> dict[str, Any]:
    answer = get(f"{box.url}/api/leaderboard", params=query)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("period", PERIODS)
def test_every_period_shows_who_has_usage_in_order(box: Serving, period: str) -> None:
    items = board(box, period=period, limit=50, offset=0)["items"]
    order = [(1, "ann"), (2, "bea"), (2, "cleo"), (4, "Anonymous")]
    assert [(item["rank"], item["username"]) for item in items] == order
    assert [item["score"] for item in items] == sorted((item["score"] for item in items), reverse=True)


def test_without_parameters_it_is_the_week(box: Serving, people: dict[str, Person]) -> None:
    assert board(box) == board(box, period="weekly", limit=50, offset=0, metric="score")
    assert people["ann"].get("/api/v1/rank")["rankings"]["weekly"]["totalParticipants"] == 4


@pytest.mark.usefixtures("people")
def test_an_item_has_the_fields_of_both_generations(box: Serving) -> None:
    item = board(box)["items"][1]
    assert item["compositeScore"] == item["score"] > 0
    assert item["efficiencyScore"] == 0.5
    assert (item["inputTokens"], item["outputTokens"], item["cacheTokens"]) == (1_000, 500, 5)
    assert item["totalTokens"] == item["weeklyTokens"] == 1_505
    assert (item["sessionCount"], item["streak"], item["isPrivate"]) == (1, 1, False)
    assert item["lastActivityAt"].endswith("Z")


@pytest.mark.usefixtures("people")
def test_a_private_person_is_anonymous_and_cannot_be_joined_with_anything(box: Serving) -> None:
    [id] = box.ask("SELECT id FROM users WHERE username = 'dora'")
    answer = get(f"{box.url}/api/leaderboard").text
    item = board(box)["items"][3]
    assert (item["userId"], item["username"], item["displayName"]) == ("private", "Anonymous", "Anonymous")
    assert item["avatarUrl"] is item["lastActivityAt"] is None
    assert item["isPrivate"] is True
    assert "dora" not in answer.lower()
    assert str(id[0]) not in answer
    assert "dora" not in get(box.url).text.lower()


@pytest.mark.usefixtures("people")
def test_pages_continue_the_ranks(box: Serving) -> None:
    pages = [board(box, limit=1, offset=offset) for offset in range(5)]
    assert [page["items"][0]["rank"] for page in pages[:4]] == [1, 2, 2, 4]
    assert pages[4]["items"] == []
    assert pages[0]["pagination"] == {
        "page": 1,
        "limit": 1,
        "total": 4,
        "totalPages": 4,
        "hasNext": True,
        "hasPrevious": False,
        "hasMore": True,
    }
    assert (pages[3]["pagination"]["hasNext"], pages[3]["pagination"]["hasPrevious"]) == (False, True)
    assert board(box, limit=3, offset=3)["pagination"]["page"] == 2


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("metric", ["score", "tokens", "sessions", "streak"])
def test_every_metric_orders_the_board(box: Serving, metric: str) -> None:
    items = board(box, metric=metric)["items"]
    assert [item["rank"] for item in items] == ([1, 2, 2, 4] if metric in ("score", "tokens") else [1, 1, 1, 1])
    assert items[0]["username"] == "ann"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=yearly", "period"),
        ("metric=cost_of_living", "metric"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=1.5", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999999", "offset"),
        ("offset=here", "offset"),
    ],
)
def test_a_bad_parameter_is_named(box: Serving, query: str, field: str) -> None:
    answer = get(f"{box.url}/api/leaderboard?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert field in answer.json()["error"]["message"].partition("GET /")[0]


def test_privacy_takes_effect_at_once(serve: Any) -> None:
    from arena.accounts import store
    from arena.core import clock

    box = serve()
    gail = box.add("gail")
    gail.send(session())
    assert board(box)["items"][0]["username"] == "gail"
    assert "gail" in get(box.url).text
    [id] = box.ask("SELECT id FROM users")
    box.write(lambda conn: store.set_private(conn, id[0], private=True, now=clock.now()))
    assert board(box)["items"][0]["username"] == "Anonymous"
    assert "gail" not in get(box.url).text.lower()
    assert get(f"{box.url}/api/users/gail").status_code == 404
