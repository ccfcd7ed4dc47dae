"""What a program asks first: is the box there, is my key good, where do I stand."""

from tests.flows.conftest import Serve
from tests.flows.serving import Person, Serving, get, now_iso, session

PERIODS = ("daily", "weekly", "monthly", "allTime")


def test_anybody_may_ask_for_the_status(box: Serving) -> None:
    told = get(f"{box.url}/api/v1/status").json()
    assert told["success"] is True
    assert told["data"]["status"] == told["status"] == "operational"
    assert told["endpoints"]["sessions"] == "/api/v1/sessions"
    assert told["version"]


def test_a_good_key_is_told_whose_it_is(alice: Person) -> None:
    answer = get(f"{alice.box.url}/api/v1/verify", headers={"X-API-Key": alice.key}).json()
    assert answer["data"]["valid"] is answer["valid"] is True
    assert answer["username"] == alice.name
    assert answer["apiKeyPrefix"] == alice.key[:19]
    assert answer["privacyMode"] is False
    assert answer["createdAt"].endswith("Z")


def test_reading_needs_the_key_alone_and_ignores_a_signature(alice: Person) -> None:
    headers = {"X-API-Key": alice.key, "X-Timestamp": "1", "X-Signature": "00"}
    for path in ("verify", "rank"):
        assert get(f"{alice.box.url}/api/v1/{path}", headers=headers).status_code == 200
        assert get(f"{alice.box.url}/api/v1/{path}").status_code == 401


def test_somebody_without_usage_has_the_place_after_the_last(alice: Person, bob: Person) -> None:
    bob.send(session())
    for ranking in alice.get("/api/v1/rank")["rankings"].values():
        assert ranking["position"] == ranking["totalParticipants"] + 1
        assert ranking["compositeScore"] == 0


def test_a_stored_session_is_in_every_rank_at_the_next_read(alice: Person) -> None:
    alice.send(session(cacheReadTokens=80))
    told = alice.get("/api/v1/rank")
    assert told["username"] == alice.name
    assert tuple(told["rankings"]) == PERIODS
    for ranking in told["rankings"].values():
        assert 1 <= ranking["position"] <= ranking["totalParticipants"]
        assert ranking["compositeScore"] > 0
    assert told["stats"] == {"totalTokens": 500, "totalSessions": 1, "inputTokens": 300, "outputTokens": 120}
    usage = told["usage"]
    assert (usage["totalInputTokens"], usage["totalCacheTokens"], usage["totalTokens"]) == (300, 80, 500)
    assert usage["last7Days"] == usage["last30Days"]
    assert usage["last7Days"][0].keys() == {"date", "inputTokens", "outputTokens", "cacheTokens", "sessions"}
    assert told["overview"] == {"successfulProjectsCount": 0}


def test_the_rank_tells_today_its_cost_and_the_streak(alice: Person) -> None:
    alice.send(session(inputTokens=1_000_000, outputTokens=200_000, cacheReadTokens=80))
    told = alice.get("/api/v1/rank")
    assert (told["streak"], told["today"]["date"]) == (1, told["usage"]["last7Days"][-1]["date"])
    today = {name: told["today"][name] for name in ("inputTokens", "outputTokens", "cacheTokens", "sessions")}
    assert today == {"inputTokens": 1_000_000, "outputTokens": 200_000, "cacheTokens": 80, "sessions": 1}
    assert 5.9 < told["today"]["estimatedCost"] < 6.1
    assert told["usage"]["estimatedCost"] == told["today"]["estimatedCost"]
    assert told["usage"]["costIsComplete"] is told["today"]["costIsComplete"] is True


def test_a_cost_that_nobody_knows_is_null(alice: Person) -> None:
    alice.send(session(modelName="a-model-of-nobody"))
    for told in (alice.get("/api/v1/rank")["today"], alice.get("/api/v1/rank")["usage"]):
        assert (told["estimatedCost"], told["costIsComplete"]) == (None, False)
    alice.send(session(sessionId="known"))
    for told in (alice.get("/api/v1/rank")["today"], alice.get("/api/v1/rank")["usage"]):
        assert told["estimatedCost"] > 0
        assert told["costIsComplete"] is False


def test_somebody_who_has_sent_nothing_has_nothing_today(alice: Person) -> None:
    told = alice.get("/api/v1/rank")
    assert (told["streak"], told["today"]["inputTokens"], told["today"]["estimatedCost"]) == (0, 0, 0)
    assert {place["movement"] for place in told["rankings"].values()} == {None}


def test_a_streak_of_yesterday_still_runs(alice: Person) -> None:
    alice.batch(*(session(endedAt=now_iso(days * 86_400), sessionId=f"d{days}") for days in (1, 2, 4)))
    told = alice.get("/api/v1/rank")
    assert (told["streak"], told["today"]["sessions"]) == (2, 0)


def test_places_won_since_yesterday_are_told(serve: Serve) -> None:
    fresh = serve()
    alice, bob, carol = (fresh.add(name) for name in ("alice", "bob", "carol"))
    yesterday = {"endedAt": now_iso(86_400)}
    alice.send(session(**yesterday, inputTokens=9_000_000, outputTokens=9_000_000, sessionId="a"))
    bob.send(session(**yesterday, sessionId="b"))
    bob.batch(*(session(inputTokens=90_000_000, outputTokens=90_000_000, sessionId=f"b{n}") for n in range(9)))
    carol.send(session(sessionId="c"))
    place = {person.name: person.get("/api/v1/rank")["rankings"]["allTime"] for person in (alice, bob, carol)}
    assert (place[bob.name]["position"], place[carol.name]["movement"]) == (1, None)
    assert (place[alice.name]["movement"], place[bob.name]["movement"]) == (-1, 1)


def test_the_rank_is_mirrored_at_the_top(alice: Person) -> None:
    told = get(f"{alice.box.url}/api/v1/rank", headers={"X-API-Key": alice.key}).json()
    assert told["success"] is True
    for name in ("username", "rankings", "stats", "usage", "overview"):
        assert told[name] == told["data"][name]


def test_the_windows_hold_eight_and_thirty_one_days_in_order(alice: Person) -> None:
    alice.batch(*(session(endedAt=now_iso(days * 86_400), sessionId=f"d{days}") for days in (0, 7, 8, 30, 31)))
    usage = alice.get("/api/v1/rank")["usage"]
    assert (len(usage["last7Days"]), len(usage["last30Days"])) == (2, 4)
    dates = [day["date"] for day in usage["last30Days"]]
    assert dates == sorted(dates)
    assert alice.totals()[2] == 5


def test_a_private_person_still_sees_their_own_rank(box: Serving) -> None:
    hidden = box.add("hidden", private=True)
    hidden.send(session())
    told = hidden.get("/api/v1/rank")
    assert told["username"] == "hidden"
    assert told["rankings"]["allTime"]["position"] >= 1
    assert hidden.get("/api/v1/verify")["privacyMode"] is True
