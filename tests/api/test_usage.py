"""The laptop's own road: sessions with their records, plain or gzip."""

import gzip
import json
from typing import Any

import pytest

from arena.core import clock
from arena.wire import BODY_LIMIT, record_key, session_hash
from tests.flows.serving import Person, session


def a_record(message: str = "m1", **fields: Any) -> dict[str, Any]:
    known = {"key": record_key(message, "r"), "at": clock.now(), "model": "claude-x", "input": 10, "output": 5}
    return {**known, **fields}


def a_report(*records: Any, name: str = "s1", **fields: Any) -> dict[str, Any]:
    now = clock.now()
    stretch = {"tool": "claude-code", "session": session_hash("claude-code", name), "started_at": now, "ended_at": now}
    return {"sessions": [{**stretch, "records": list(records), **fields}]}


def send(person: Person, body: Any, *, packed: bool = False) -> Any:
    raw = json.dumps(body).encode()
    if packed:
        return person.post("/api/v1/usage", gzip.compress(raw), **{"Content-Encoding": "gzip"})
    return person.post("/api/v1/usage", raw)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_records_are_stored_grown_and_known(alice: Person, packed: bool) -> None:
    first = send(alice, a_report(a_record("m1"), a_record("m2")), packed=packed)
    assert first.status_code == 200
    assert first.json()["data"] == {"success": True, "stored": 2}
    second = send(alice, a_report(a_record("m1"), a_record("m2", output=50), a_record("m3")), packed=packed)
    told = second.json()["data"]
    assert (told["stored"], told["grown"]) == (1, 1)
    assert alice.totals() == (30, 60, 1)


def test_the_same_report_again_is_known(alice: Person) -> None:
    report = a_report(a_record("m1"), a_record("m2"))
    send(alice, report)
    assert send(alice, report).json()["data"] == {"success": True, "known": 2}


def test_the_signature_is_over_the_packed_bytes(alice: Person) -> None:
    plain = json.dumps(a_report(a_record())).encode()
    signed_as_plain = alice.sign(plain)
    answer = alice.post("/api/v1/usage", gzip.compress(plain), **{"Content-Encoding": "gzip"}, **signed_as_plain)
    assert answer.status_code == 401


def test_a_clock_five_minutes_ahead_is_forgiven_and_no_more(alice: Person) -> None:
    near, far = clock.now() + 290_000, clock.now() + 330_000
    told = send(alice, a_report(a_record("near", at=near), a_record("far", at=far), ended_at=far)).json()["data"]
    assert (told["stored"], told["failed"]) == (1, 1)
    [problem] = told["problems"]
    assert (problem["record"], problem["reason"]) == (1, "at: lies in the future; check the clock of the laptop")
    [(ended,)] = alice.box.ask(
        "SELECT s.ended_at FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.username = :name", name=alice.name
    )
    assert ended <= clock.now() + 300_000


def test_a_bad_record_and_a_bad_session_are_named_and_the_rest_is_stored(alice: Person) -> None:
    report = a_report(a_record("m1"), a_record("m2", input=-1), a_record("m3", key="short"), a_record("m4"))
    report["sessions"] += a_report(a_record("m5"), tool="zed")["sessions"]
    report["sessions"] += a_report(a_record("m6"), session="nohash")["sessions"]
    report["sessions"] += a_report(a_record("m7", at=clock.now() + 3_600_000), name="s7")["sessions"]
    told = send(alice, report).json()["data"]
    assert (told["stored"], told["failed"]) == (2, 5)
    places = sorted((each["session"], each["record"]) for each in told["problems"])
    assert places == [(0, 1), (0, 2), (1, -1), (2, -1), (3, 0)]
    fields = {each["reason"].partition(":")[0] for each in told["problems"]}
    assert fields == {"input", "key", "tool", "session", "at"}
    assert alice.totals() == (20, 10, 1)


def test_a_field_that_the_box_does_not_know_is_refused_not_kept(alice: Person) -> None:
    told = send(alice, a_report(a_record(prompt="secret"))).json()["data"]
    assert (told.get("stored", 0), told["failed"]) == (0, 1)
    assert "prompt" in told["problems"][0]["reason"]


def test_transcripts_of_a_day_count_and_the_session_api_does_not_beside_them(alice: Person) -> None:
    alice.send(session(sessionId="hook", inputTokens=999, outputTokens=999))
    assert alice.totals() == (999, 999, 1)
    send(alice, a_report(a_record(at=clock.now())))
    assert alice.totals() == (10, 5, 1)
    alice.send(session(sessionId="hook", inputTokens=1999, outputTokens=1999))
    assert alice.totals() == (10, 5, 1)


def test_a_forgotten_project_is_gone(alice: Person) -> None:
    send(alice, a_report(a_record("m1"), name="s1", project="ab" * 8))
    send(alice, a_report(a_record("m2"), name="s2"))
    answer = alice.post("/api/v1/forget", {"project": "ab" * 8})
    assert answer.json()["data"] == {"sessions": 1, "records": 1}
    assert alice.totals() == (10, 5, 1)


def test_a_key_that_was_just_revoked_forgets_nothing(alice: Person) -> None:
    send(alice, a_report(a_record("m1"), project="ab" * 8))
    assert alice.post("/api/v1/keys/revoke", {}).status_code == 200
    assert alice.post("/api/v1/forget", {"project": "ab" * 8}).status_code == 401
    assert alice.box.ask("SELECT COUNT(*) FROM usage_records WHERE user_id = :id", id=_id(alice)) == [(1,)]


def _id(person: Person) -> str:
    found: str = person.box.ask("SELECT id FROM users WHERE username = :name", name=person.name)[0][0]
    return found


def test_a_client_may_take_its_own_key_back(alice: Person) -> None:
    assert alice.post("/api/v1/keys/revoke", {}).json()["data"] == {"revoked": True}
    assert send(alice, a_report(a_record())).status_code == 401


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("raw", "headers", "status", "reason"),
    [
        (gzip.compress(b" " * (BODY_LIMIT + 1)), {"Content-Encoding": "gzip"}, 413, "larger than 10 MiB"),
        (gzip.compress(gzip.compress(bytes(200 * 2**20), 1)), {"Content-Encoding": "gzip"}, 400, "body: "),
        (b" " * (BODY_LIMIT + 1), {}, 413, "larger"),
        (gzip.compress(b'{"sessions":[]}')[:-9], {"Content-Encoding": "gzip"}, 400, "body: the gzip ends"),
        (gzip.compress(b'{"sessions":[]}') * 2, {"Content-Encoding": "GZIP"}, 400, "body: something follows the gzip"),
        (b'{"sessions":[]}', {"Content-Encoding": "gzip"}, 400, "body: is not gzip"),
        (gzip.compress(b'{"sessions":[]}'), {}, 400, "body: is not a report of usage"),
        (b'{"sessions":[]}', {"Content-Encoding": "br"}, 400, "Content-Encoding: 'br' is not taken here"),
        (b'{"sessions":' + b"[" * 100_000, {}, 400, "body: is not a report of usage"),
        (b'{"a":' * 100_000, {}, 400, "body: is not a report of usage"),
        (b'{"sessions":[{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", {}, 400, "body: is not a report of usage"),
        (b"", {}, 400, "body: is not a report of usage"),
        (b"null", {}, 400, "body: is not a report of usage"),
        (b'{"sessions":NaN}', {}, 400, "body: is not a report of usage"),
        (b'{"machine":"\xff\xfe","sessions":[]}', {}, 400, "body: is not a report of usage"),
        (b'{"machine":"\\ud800","sessions":[]}', {}, 400, "body: is not a report of usage"),
    ],
    ids=(
        "bomb nested-bomb oversized truncated twice not-gzip unsaid-gzip brotli arrays objects inner-arrays empty null "
        "NaN utf-8 surrogate"
    ).split(),
)
def test_a_body_that_is_no_report_is_refused_in_one_sentence(
    alice: Person, raw: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = alice.post("/api/v1/usage", raw, **headers)
    assert answer.status_code == status
    assert reason in answer.json()["error"]["message"]
    assert len(answer.json()["error"]["message"]) < 200
