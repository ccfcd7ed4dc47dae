"""A person's public profile."""

import pytest

from tests.flows.serving import Person, Serving, get, now_iso, session


def test_a_profile_adds_up_what_was_sent(alice: Person) -> None:
    code = {"linesAdded": 40, "linesDeleted": 10, "filesModified": 2, "filesCreated": 1}
    alice.send(session(cacheCreationTokens=20, cacheReadTokens=800, codeMetrics=code, toolUsage={"Read": 3, "Edit": 1}))
    told = alice.get(f"/api/users/{alice.name}")
    assert told["username"] == alice.name
    assert told["stats"]["totalTokens"] == 1_240
    assert told["stats"]["currentRank"] >= 1
    assert told["stats"]["compositeScore"] > 0
    assert told["tokenBreakdown"]["cacheCreationTokens"] == 20
    assert told["tokenBreakdown"]["cacheReadTokens"] == 800
    assert told["modelUsage"] == [{"modelName": "claude-sonnet-4-5", "sessionCount": 1, "percentage": 100.0}]
    assert told["codeMetrics"] == {**code, "productivity": 30, "refactorRatio": 0.25}
    assert told["toolUsage"][0] == {"toolName": "Read", "count": 3, "percentage": 75.0}
    assert told["vibeStyle"]["primaryStyle"] == "explorer"
    assert told["agentBreakdown"] == [{"toolType": "claude-code", "tokens": 1_240, "sessions": 1, "percentage": 100.0}]
    assert told["streak"] == {"currentStreak": 1, "longestStreak": 1, "lastActiveDate": now_iso()[:10]}
    assert told["isPrivate"] is False


def test_patterns_have_all_hours_and_weekdays(alice: Person) -> None:
    alice.send(session(endedAt="2026-03-05T23:10:00Z"))  # a Thursday
    told = alice.get(f"/api/users/{alice.name}")
    assert [each["hour"] for each in told["hourlyActivity"]] == list(range(24))
    assert told["dayOfWeekActivity"][0]["dayName"] == "Sunday"
    assert told["hourlyActivity"][23] == {"hour": 23, "tokens": 420, "sessions": 1}
    assert told["dayOfWeekActivity"][4]["avgTokensPerSession"] == 420


def test_a_profile_without_usage_is_empty_not_broken(alice: Person) -> None:
    told = alice.get(f"/api/users/{alice.name}")
    assert told["stats"]["totalTokens"] == 0
    assert told["codeMetrics"] is told["vibeStyle"] is None
    assert told["dailyActivity"] == told["modelUsage"] == told["agentBreakdown"] == []


def test_a_name_is_found_in_any_case(alice: Person) -> None:
    assert alice.get(f"/api/users/{alice.name.upper()}")["username"] == alice.name


def test_a_private_person_is_not_found_just_as_nobody_is(box: Serving) -> None:
    box.add("shy", private=True).send(session())
    private = get(f"{box.url}/api/users/shy")
    nobody = get(f"{box.url}/api/users/nobody")
    assert private.status_code == nobody.status_code == 404
    assert private.json()["error"] == nobody.json()["error"] == {"code": "NOT_FOUND", "message": "User not found"}


@pytest.mark.parametrize("name", ["a%00b", "%ff", "x" * 3_000, "..%2f..", "%ED%A0%80", "'; DROP TABLE users;--"])
def test_a_strange_name_is_not_found(box: Serving, name: str) -> None:
    assert get(f"{box.url}/api/users/{name}").status_code == 404
