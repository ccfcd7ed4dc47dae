"""One session at a time, as hooks and plugins of other programs send it."""

import json
from typing import Any

import pytest

from tests.flows.serving import Person, Serving, now_iso, post, session


def test_a_session_is_recorded_and_its_answer_is_mirrored_at_the_top(alice: Person) -> None:
    answer = alice.send(session(sessionId="s"))
    told = answer.json()
    assert answer.status_code == 201
    assert told["success"] is True
    assert told["data"]["message"] == told["message"] == "Session recorded successfully"
    assert told["data"]["sessionId"] == told["sessionId"]
    assert told["meta"]["timestamp"].endswith("Z")
    assert alice.totals() == (300, 120, 1)


def test_the_answer_may_be_read_from_any_site_and_is_not_kept(alice: Person) -> None:
    headers = alice.send(session()).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "X-Signature" in headers["access-control-allow-headers"]
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "write",
    [
        lambda body: json.dumps(body).encode(),
        lambda body: json.dumps(body, separators=(",", ":")).encode(),
        lambda body: json.dumps(body, ensure_ascii=False, indent=2).encode(),
    ],
    ids=["with spaces", "compact", "raw UTF-8 on many lines"],
)
def test_the_signature_is_over_the_raw_bytes(alice: Person, write: Any) -> None:
    assert alice.send(write(session(modelName="클로드 소네트"))).status_code == 201
    assert alice.totals() == (300, 120, 1)


def test_the_same_bytes_written_otherwise_do_not_fit_the_signature(alice: Person) -> None:
    body = session()
    headers = alice.sign(json.dumps(body).encode())
    other = json.dumps(body, separators=(",", ":")).encode()
    answer = post(f"{alice.box.url}/api/v1/sessions", content=other, headers=headers)
    assert answer.status_code == 401
    assert alice.totals() == (0, 0, 0)


def test_a_key_of_the_older_generation_is_accepted(alice: Person) -> None:
    older = "moai_rank_0123abcd_" + "0f" * 16
    from arena.core import ids

    digest, id = ids.digest(older), alice.box.ask("SELECT id FROM users WHERE username = :n", n=alice.name)[0][0]
    alice.box.write(
        lambda conn: conn.execute(
            "UPDATE api_keys SET key_hash = :digest WHERE user_id = :id", {"digest": digest, "id": id}
        )
    )
    assert Person(alice.box, alice.name, older).send(session()).status_code == 201


def test_a_session_that_grows_replaces_itself(alice: Person) -> None:
    """What a hook at every stop of an assistant sends: the whole session so far, again and again."""
    first = alice.send(session(sessionId="stop", inputTokens=300, outputTokens=120)).json()["data"]
    second = alice.send(session(sessionId="stop", inputTokens=310, outputTokens=123, endedAt=now_iso()))
    assert second.status_code == 201
    assert second.json()["data"]["sessionId"] == first["sessionId"]
    assert alice.totals() == (310, 123, 1)


def test_a_late_smaller_copy_does_not_shrink_a_session(alice: Person) -> None:
    alice.send(session(sessionId="s", outputTokens=120))
    late = alice.send(session(sessionId="s", inputTokens=10, outputTokens=5))
    assert (late.status_code, late.json()["message"]) == (200, "Session already recorded")
    assert alice.totals() == (300, 120, 1)


def test_the_same_session_again_is_already_recorded(alice: Person) -> None:
    body = session()
    assert [alice.send(body).status_code for _ in range(3)] == [201, 200, 200]
    assert alice.totals() == (300, 120, 1)


def test_without_a_session_id_the_start_tells_sessions_apart(alice: Person) -> None:
    began = now_iso(600)
    alice.send(session(startedAt=began, inputTokens=1, outputTokens=1))
    alice.send(session(startedAt=began, inputTokens=2, outputTokens=2))
    alice.send(session(startedAt=now_iso(599), inputTokens=5, outputTokens=5))
    assert alice.totals() == (7, 7, 2)


def test_two_people_may_send_the_same_session(alice: Person, bob: Person) -> None:
    body = session(sessionId="shared")
    assert [who.send(body).status_code for who in (alice, bob)] == [201, 201]
    assert alice.totals() == bob.totals() == (300, 120, 1)


def test_one_session_id_in_two_tools_is_two_sessions(alice: Person) -> None:
    for tool in ("claude-code", "codex"):
        alice.send(session(sessionId="s", toolType=tool))
    assert alice.totals() == (600, 240, 2)


@pytest.mark.parametrize("offset", ["Z", "+00:00", "+09:00", "-05:30"])
def test_any_offset_of_rfc_3339_is_understood(alice: Person, offset: str) -> None:
    answer = alice.send(session(endedAt=f"2026-03-05T12:00:00.123456{offset}"))
    assert answer.status_code == 201
    day = alice.box.ask(
        "SELECT stat_date FROM daily_user_stats JOIN users ON users.id = user_id WHERE username = :n", n=alice.name
    )
    assert day == [("2026-03-05",)]


def test_days_are_those_of_the_box_not_of_the_sender(alice: Person) -> None:
    alice.send(session(endedAt="2026-03-05T03:00:00+09:00"))
    assert [day["date"] for day in alice.get(f"/api/users/{alice.name}")["dailyActivity"]] == ["2026-03-04"]


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_optional_field_is_as_good_as_absent(alice: Person, nothing: Any) -> None:
    names = "toolType startedAt durationSeconds sessionHash sessionId deviceId anonymousProjectId modelName turnCount "
    names += "toolUsage codeMetrics cacheCreationTokens cacheReadTokens"
    assert alice.send(session(**dict.fromkeys(names.split(), nothing))).status_code == 201
    assert alice.totals() == (300, 120, 1)


def test_null_code_metrics_count_as_none(alice: Person) -> None:
    metrics = {"linesAdded": 7, "linesDeleted": None, "filesModified": None, "filesCreated": None}
    assert alice.send(session(codeMetrics=metrics)).status_code == 201
    assert alice.get(f"/api/users/{alice.name}")["codeMetrics"]["linesAdded"] == 7


def test_unknown_keys_are_kept_out(alice: Person) -> None:
    secret = "/home/alice/secret-project"
    body = session(cwd=secret, branch=secret, modelUsage={secret: {"input": 1}}, prompt=secret, userId="somebody")
    assert alice.send(body).status_code == 201
    assert alice.totals() == (300, 120, 1)
    assert secret.encode() not in b"".join(file.read_bytes() for file in alice.box.data.glob("arena.db*"))


def test_names_of_mcp_tools_are_not_stored(alice: Person) -> None:
    calls = {"mcp__secret-server__query": 2, "mcp__other__x": 3, "Read": 4}
    assert alice.send(session(sessionId="mcp", toolUsage=calls)).status_code == 201
    usage = {each["toolName"]: each["count"] for each in alice.get(f"/api/users/{alice.name}")["toolUsage"]}
    assert usage == {"mcp": 5, "Read": 4}


def test_history_sent_with_the_time_of_sending_is_on_its_own_day(alice: Person) -> None:
    """A Python client puts the time of submission into endedAt; start and duration are true."""
    body = session(startedAt="2026-04-01T10:00:00Z", durationSeconds=600)
    assert alice.send(body).status_code == 201
    assert [day["date"] for day in alice.get(f"/api/users/{alice.name}")["dailyActivity"]] == ["2026-04-01"]
    again = alice.send({**body, "endedAt": now_iso()})
    assert again.status_code == 200
    assert alice.totals() == (300, 120, 1)


def test_a_late_session_is_not_lost(alice: Person) -> None:
    assert alice.send(session(endedAt=now_iso(3 * 86_400))).status_code == 201


def test_a_clock_that_is_a_little_ahead_is_forgiven(alice: Person) -> None:
    assert alice.send(session(endedAt=now_iso(-200))).status_code == 201


@pytest.mark.parametrize("tool", ["claude-code", "claude-desktop", "opencode", "gemini", "codex", "crush"])
def test_every_tool_of_the_protocol_is_known(alice: Person, tool: str) -> None:
    alice.send(session(toolType=tool, cacheReadTokens=80))
    assert alice.get("/api/v1/rank")["usage"]["toolBreakdown"] == [{"tool": tool, "tokens": 500}]


def test_a_model_without_a_name_is_one_unknown_model(alice: Person) -> None:
    for name in ("", "unknown", " Unknown ", None):
        alice.send(session(modelName=name, sessionId=f"m{name}"))
    assert [each["modelName"] for each in alice.get(f"/api/users/{alice.name}")["modelUsage"]] == ["unknown"]


def test_the_largest_figures_of_the_protocol_are_taken(alice: Person) -> None:
    body = session(
        inputTokens=500_000_000, outputTokens=100_000_000, cacheReadTokens=1_000_000_000, cacheCreationTokens=10**9
    )
    assert alice.send(body).status_code == 201
    assert alice.get("/api/v1/rank")["stats"]["totalTokens"] == 2_600_000_000


def test_sums_are_sums_of_the_records(box: Serving, alice: Person) -> None:
    alice.send(session(sessionId="sum"))
    by_day = box.ask("SELECT SUM(input_tokens), SUM(output_tokens), SUM(session_count) FROM daily_user_stats")
    by_person = box.ask("SELECT SUM(total_input_tokens), SUM(total_output_tokens), SUM(total_sessions) FROM user_stats")
    by_session = box.ask("SELECT SUM(input_tokens), SUM(output_tokens), COUNT(*) FROM token_usage")
    by_record = box.ask("SELECT SUM(input_tokens), SUM(output_tokens), COUNT(*) FROM usage_records WHERE counted = 1")
    assert by_day == by_person == by_session == by_record
