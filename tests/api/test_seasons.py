"""Boards of what is over, seasons and rank histories, as pages and as programs read them."""

import re
from typing import Any

import pytest

from arena.core import clock
from arena.leaderboard.rules import window
from tests.flows.serving import Person, Serving, Visitor, arena, get, session

TODAY = clock.Days("UTC").of(clock.now())
THEN = clock.shift(window("monthly", TODAY)[0], -1)
"""The last day of last month."""
SEASON = THEN[:7]


@pytest.fixture(scope="module")
def people(box: Serving) -> dict[str, Person]:
    """Ann beat bea last month, and hid is private; frozen."""
    made = {name: box.add(name, private=name == "hid") for name in ("ann", "bea", "hid")}
    for number, person in enumerate(made.values(), 1):
        used = {"inputTokens": 1000 // number, "outputTokens": 900 // number}
        person.send(session(sessionId=f"then-{number}", endedAt=f"{THEN}T12:00:00Z", **used))
    made["bea"].send(session(sessionId="now"))
    done = arena("admin", "rankings", "freeze", "--data", str(box.data))
    assert done.returncode == 0, done.stderr
    return made


def items(box: Serving, **query: Any) -> list[tuple[int, str]]:
    answer = get(f"{box.url}/api/leaderboard", params=query)
    assert answer.status_code == 200, answer.text
    return [(each["rank"], each["username"]) for each in answer.json()["data"]["items"]]


@pytest.mark.usefixtures("people")
def test_programs_read_boards_of_what_is_over(box: Serving) -> None:
    was = [(1, "ann"), (2, "bea"), (3, "Anonymous")]
    for period in ("daily", "weekly", "monthly"):
        for metric in ("score", "tokens"):
            if window(period, THEN)[1] < TODAY:
                assert items(box, period=period, metric=metric, on=THEN) == was
    assert items(box, period="monthly", on=TODAY) == [(1, "bea")]
    assert items(box, period="daily", on=clock.shift(THEN, -1)) == []
    item = get(f"{box.url}/api/leaderboard", params={"period": "monthly", "on": THEN}).json()["data"]["items"][2]
    assert (item["userId"], item["displayName"], item["team"]) == ("private", "Anonymous", None)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "query",
    ["period=all_time&on=2026-01-01", "on=2999-01-01", "on=soon", "period=daily&on=0001-01-01", "on=2026-13-40"],
)
def test_days_that_are_none_are_refused(box: Serving, query: str) -> None:
    for path in ("/api/leaderboard", "/"):
        answer = get(f"{box.url}{path}?{query}")
        assert answer.status_code == 400
        assert "on: must be a day that has begun" in answer.text


@pytest.mark.usefixtures("people")
def test_a_month_that_is_over_is_a_season(box: Serving) -> None:
    answer = get(f"{box.url}/", params={"period": "monthly", "on": THEN, "metric": "tokens"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/seasons/{SEASON}?metric=tokens")
    page = get(f"{box.url}/seasons/{SEASON}").text
    assert "<bdi>ann</bdi> won" in page
    assert f"<code>{box.url}/seasons/{SEASON}</code>" in page
    assert "frozen anew each night until" in page
    assert "hid" not in re.findall(r'title="(\w+)"', page)


@pytest.mark.usefixtures("people")
def test_the_season_that_runs_and_the_list_show_who_leads(box: Serving) -> None:
    page = get(f"{box.url}/seasons/{TODAY[:7]}").text
    assert "leads" in page.partition("</h1>")[0]
    assert "· running" in page
    listed = get(f"{box.url}/seasons").text
    assert listed.index(f"/seasons/{TODAY[:7]}") < listed.index(f"/seasons/{SEASON}")
    assert "Anonymous" in listed
    assert "not final yet" in listed


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("month", ["2999-01", "2026-13", "now", "0001-01", "1999-12", f"{SEASON}-01"])
def test_what_is_no_season_is_not_found(box: Serving, month: str) -> None:
    answer = get(f"{box.url}/seasons/{month}")
    assert answer.status_code == 404
    assert "A season is a month that has begun" in answer.text


def test_a_profile_tells_how_its_place_moved(box: Serving, people: dict[str, Person]) -> None:
    told = get(f"{box.url}/api/users/bea").json()["data"]["rankHistory"]
    (place,) = told["monthly"]["places"]
    assert (place["periodStart"], place["rank"], place["totalParticipants"]) == (f"{SEASON}-01", 2, 3)
    assert told["monthly"]["best"] == place
    assert place["compositeScore"] > 0
    assert set(told) == {"daily", "weekly", "monthly"}
    assert get(f"{box.url}/api/users/hid").status_code == 404


def test_a_person_sees_their_own_places_and_takes_them_along(box: Serving, people: dict[str, Person]) -> None:
    token = arena("admin", "users", "invite", "bea", "--data", str(box.data)).stdout.split()[-1]
    with Visitor(box) as bea:
        bea.post(token, data={"csrf": bea.csrf(token), "password": "correct horse battery"})
        listed = bea.get("/seasons").text
        assert "Your best place is <mark>1st</mark>" in listed
        assert "<mark>You were 2nd</mark>" in bea.get(f"/seasons/{SEASON}").text
        shown = bea.get("/dashboard?ranks=monthly").text
        assert "Rank by month" in shown
        assert re.search(r"<title>\w+( \d+)?: 2nd of 3</title>", shown)
        assert bea.get("/dashboard?ranks=yearly").status_code == 400
        assert bea.get("/api/me/stats").json()["data"]["rankHistory"]["monthly"]["best"]["rank"] == 2
        taken = bea.get("/settings/export").json()["rankings"]
        assert [each["rank_position"] for each in taken if each["period_type"] == "monthly"] == [2]


def test_a_kept_season_is_not_given_once_its_winner_hid(box: Serving, people: dict[str, Person]) -> None:
    hide = "UPDATE users SET privacy_mode = :private WHERE username = 'ann'"
    for path in ("/seasons", f"/seasons/{SEASON}", f"/api/leaderboard?period=monthly&on={THEN}"):
        for _ in range(2):
            assert "ann" in get(box.url + path).text
        box.write(lambda conn: conn.execute(hide, {"private": 1}))
        assert "ann" not in get(box.url + path).text.replace("Anonymous", "").replace("cannot", "")
        box.write(lambda conn: conn.execute(hide, {"private": 0}))
