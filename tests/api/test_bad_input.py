"""Whatever arrives: one clear sentence with the field, never a failure of the box, and nothing is stored."""

import gzip
import json
import time
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.core import ids
from tests.flows.serving import Person, Serving, get, now_iso, post, request, session

SESSIONS = "/api/v1/sessions"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and the sentence; the envelope must be whole."""
    told = answer.json()
    assert told["success"] is False
    assert told["meta"]["timestamp"]
    sentence = told["error"]["message"]
    assert isinstance(sentence, str)
    assert 0 < len(sentence) < 300
    assert "\n" not in sentence
    return answer.status_code, sentence


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"endedAt": None}, "endedAt", "is missing"),
        ({"endedAt": ""}, "endedAt", "is missing"),
        ({"inputTokens": None}, "inputTokens", "is missing"),
        ({"outputTokens": ""}, "outputTokens", "is missing"),
        ({"endedAt": "yesterday"}, "endedAt", "is not a date and time"),
        ({"endedAt": "2026-11-20"}, "endedAt", "has no time zone"),
        ({"endedAt": "2026-11-20T06:35:59"}, "endedAt", "has no time zone"),
        ({"endedAt": "2026-13-40T99:99:99Z"}, "endedAt", "is not a date and time"),
        ({"endedAt": 1_795_176_000}, "endedAt", "expected"),
        ({"endedAt": now_iso(-3_600)}, "endedAt", "lies in the future"),
        ({"endedAt": "9999-12-31T23:59:59Z"}, "endedAt", "lies in the future"),
        ({"endedAt": "9999-12-31T23:59:59-23:59"}, "endedAt", "lies in the future"),
        ({"endedAt": "0001-01-01T00:00:00Z"}, "endedAt", "before the year 2000"),
        ({"endedAt": "0001-01-01T00:00:00+23:59"}, "endedAt", "before the year 2000"),
        ({"startedAt": now_iso(-3_600)}, "startedAt", "is after endedAt"),
        ({"startedAt": "now"}, "startedAt", "is not a date and time"),
        ({"startedAt": "0001-01-01T00:00:00Z"}, "startedAt", "before the year 2000"),
        ({"startedAt": "1999-12-31T00:00:00Z", "durationSeconds": 5}, "startedAt", "before the year 2000"),
        ({"inputTokens": -1}, "inputTokens", ">= 0"),
        ({"inputTokens": 500_000_001}, "inputTokens", "<= 500000000"),
        ({"outputTokens": 100_000_001}, "outputTokens", "<= 100000000"),
        ({"cacheReadTokens": 10**9 + 1}, "cacheReadTokens", "<= 1000000000"),
        ({"cacheCreationTokens": -5}, "cacheCreationTokens", ">= 0"),
        ({"inputTokens": 10**19}, "inputTokens", ""),
        ({"inputTokens": 10**400}, "", ""),
        ({"inputTokens": 1.5}, "inputTokens", "expected `int`"),
        ({"inputTokens": "300"}, "inputTokens", "expected `int`"),
        ({"inputTokens": True}, "inputTokens", "expected `int`"),
        ({"inputTokens": [1]}, "inputTokens", "expected `int`"),
        ({"toolType": "zed"}, "toolType", "is not a tool this box knows"),
        ({"toolType": 5}, "toolType", "expected `str`"),
        ({"modelName": "x" * 101}, "modelName", "length <= 100"),
        ({"modelName": {}}, "modelName", "expected `str`"),
        ({"sessionHash": "abc"}, "sessionHash", "length >= 64"),
        ({"sessionId": "x" * 201}, "sessionId", "length <= 200"),
        ({"anonymousProjectId": "x" * 101}, "anonymousProjectId", "length <= 100"),
        ({"durationSeconds": 604_801}, "durationSeconds", "<= 604800"),
        ({"turnCount": 10_001}, "turnCount", "<= 10000"),
        ({"toolUsage": ["Read"]}, "toolUsage", "expected `object`"),
        ({"toolUsage": {"Read": -1}}, "toolUsage", ">= 0"),
        ({"toolUsage": {"Read": None}}, "toolUsage", "expected `int`"),
        ({"toolUsage": {str(n): 1 for n in range(201)}}, "toolUsage", "length <= 200"),
        ({"codeMetrics": 7}, "codeMetrics", "expected `object`"),
        ({"codeMetrics": {"linesAdded": -1}}, "codeMetrics", ">= 0"),
        ({"codeMetrics": {"linesAdded": "many"}}, "codeMetrics", "expected `int`"),
    ],
)
def test_a_bad_field_is_named_with_its_reason(alice: Person, fields: Any, field: str, reason: str) -> None:
    answer = alice.send(session(**fields))
    status, sentence = refusal(answer)
    assert status == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert reason.replace("`", "") in sentence
    if field:
        assert sentence.startswith(field)
        assert list(answer.json()["error"]["details"]["errors"]) == [field]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{'a': 1}",
        b'{"endedAt": NaN}',
        b'{"inputTokens": Infinity}',
        b'{"inputTokens": 1e999}',
        b'{"modelName": "\xff\xfe"}',
        b'{"modelName": "\\ud800"}',
        b'{"modelName": "\xed\xa0\x80"}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        bytes(range(256)),
        b"\x00" * 1_000,
        gzip.compress(b"{}"),
        b'{"endedAt": "2026-01-01T00:00:00Z", "outputTokens": 1, "inputTokens": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda raw: repr(raw[:24]),
)
@pytest.mark.parametrize("path", [SESSIONS, "/api/v1/sessions/batch", "/api/v1/usage", "/api/v1/forget"])
def test_what_is_no_json_is_refused(alice: Person, raw: bytes, path: str) -> None:
    status, sentence = refusal(alice.post(path, raw))
    assert status == 400
    named = ("body", "a session must be an object", "endedAt", "sessions", "project", "inputTokens")
    assert sentence.partition(":")[0] in named


@pytest.mark.usefixtures("nothing_stored")
def test_an_oversized_body_is_refused(alice: Person) -> None:
    body = json.dumps(session(note="x" * (10 * 2**20))).encode()
    assert refusal(alice.send(body))[0] == 413


@pytest.mark.usefixtures("nothing_stored")
def test_an_oversized_body_of_untold_length_is_refused(alice: Person) -> None:
    raw = json.dumps(session(note="x" * (10 * 2**20))).encode()
    pieces = (raw[at : at + 65_536] for at in range(0, len(raw), 65_536))
    try:
        answer = post(f"{alice.box.url}{SESSIONS}", content=pieces, headers=alice.sign(raw))
    except httpx.WriteError:  # it hung up before we were done, which is an answer too
        return
    assert refusal(answer)[0] == 413


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"X-API-Key": None}, "needs an API key"),
        ({"X-API-Key": ""}, "needs an API key"),
        ({"X-API-Key": "modu_arena_0123abcd_" + "0" * 32}, "not known here"),
        ({"X-API-Key": "nonsense"}, "not known here"),
        ({"X-API-Key": b"modu_arena_\xff\xfe"}, "not known here"),
        ({"X-Timestamp": None}, "must be signed"),
        ({"X-Signature": None}, "must be signed"),
        ({"X-Signature": ""}, "must be signed"),
        ({"X-Signature": "0" * 64}, "does not fit"),
        ({"X-Signature": b"\xff\xfe"}, "does not fit"),
        ({"X-Timestamp": "soon"}, "whole seconds"),
        ({"X-Timestamp": "-5"}, "whole seconds"),
        ({"X-Timestamp": "1e9"}, "whole seconds"),
        ({"X-Timestamp": "٣" * 10}, "whole seconds"),
        ({"X-Timestamp": "9" * 400}, "whole seconds"),
        ({"X-Timestamp": str(int(time.time() * 1000))}, "seconds"),
    ],
)
def test_a_request_that_is_not_signed_well_is_refused(alice: Person, changes: Any, sentence: str) -> None:
    raw = json.dumps(session()).encode()
    headers: dict[str, Any] = {**alice.sign(raw), **changes}
    sent = {
        name.encode(): value if isinstance(value, bytes) else value.encode()
        for name, value in headers.items()
        if value is not None
    }
    answer = post(f"{alice.box.url}{SESSIONS}", content=raw, headers=list(sent.items()))
    status, said = refusal(answer)
    assert (status, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert sentence in said


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("seconds", [-302, -86_400, 302, 86_400])
def test_a_signature_of_another_time_is_refused_and_told_the_time(alice: Person, seconds: int) -> None:
    raw = json.dumps(session()).encode()
    answer = post(f"{alice.box.url}{SESSIONS}", content=raw, headers=alice.sign(raw, at=int(time.time()) + seconds))
    assert refusal(answer)[0] == 401
    assert abs(answer.json()["error"]["details"]["serverTime"] - time.time()) < 30


@pytest.mark.parametrize("seconds", [-290, 290])
def test_a_clock_that_is_nearly_five_minutes_off_is_accepted(alice: Person, seconds: int) -> None:
    raw = json.dumps(session()).encode()
    headers = alice.sign(raw, at=int(time.time()) + seconds)
    assert post(f"{alice.box.url}{SESSIONS}", content=raw, headers=headers).status_code == 201


@pytest.mark.usefixtures("nothing_stored")
def test_somebody_elses_key_does_not_fit_my_signature(alice: Person, bob: Person) -> None:
    raw = json.dumps(session()).encode()
    headers = {**alice.sign(raw), "X-API-Key": bob.key}
    assert refusal(post(f"{alice.box.url}{SESSIONS}", content=raw, headers=headers))[0] == 401


@pytest.mark.usefixtures("nothing_stored")
def test_a_disabled_person_is_refused(alice: Person) -> None:
    from arena.accounts.actions import people
    from arena.audit.models import OPERATOR
    from arena.core import clock

    alice.box.write(lambda conn: people.disable_user(conn, name=alice.name, caller=OPERATOR, now=clock.now()))
    assert refusal(alice.send(session())) == (401, "This account is disabled. Ask an administrator of this arena.")


@pytest.mark.usefixtures("nothing_stored")
def test_a_client_that_is_too_old_is_told_so(alice: Person) -> None:
    status, sentence = refusal(alice.send(session(), **{"X-Arena-Client": "0.0.1"}))
    assert status == 426
    assert "update it" in sentence


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_refused(box: Serving, method: str) -> None:
    assert refusal(request(method, f"{box.url}{SESSIONS}"))[0] == 405


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v1/sessions/x/y"])
def test_an_unknown_address_is_not_found(box: Serving, path: str) -> None:
    assert refusal(get(f"{box.url}{path}"))[0] in (404, 405)


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in?next=//[",
        "/theme?to=dark&next=http://[",
        "/?q=%00%ff&page=-5",
        "/join/%00%ff",
        "/?page=" + "9" * 30,
    ],
)
def test_a_strange_address_never_breaks_a_page(box: Serving, path: str) -> None:
    assert get(f"{box.url}{path}").status_code < 500


def test_a_strange_address_that_htmx_tells_never_breaks_a_page(box: Serving) -> None:
    answer = get(f"{box.url}/dashboard", headers={"HX-Request": "true", "HX-Current-URL": "http://["})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://["},
        {"Origin": "null"},
        {"Cookie": "arena=garbage; arena-form=x.y.z"},
        {"X-CSRF-Token": b"\xff\xfe"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "multipart/form-data; boundary=a"},
        {"Content-Type": "nonsense"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=repr,
)
def test_a_strange_form_never_breaks_a_page(box: Serving, headers: Any) -> None:
    answer = post(f"{box.url}/sign-in", content=b"--a\r\nname=\xff&csrf=%ED%A0%80", headers=headers)
    assert answer.status_code in (400, 403)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(now_iso()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    "endedAt startedAt inputTokens outputTokens cacheReadTokens toolType modelName sessionId sessionHash deviceId "
    "anonymousProjectId durationSeconds turnCount toolUsage codeMetrics sessions records machine key at".split()
)
BODIES = st.dictionaries(NAMES, JSON, max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(fields=BODIES, path=st.sampled_from(["sessions", "sessions/batch", "usage", "forget"]))
def test_no_body_breaks_the_box(box: Serving, fields: dict[str, Any], path: str) -> None:
    person = _fuzzer(box)
    whole = session(**fields)
    body = {"sessions": [whole, fields]} if path in ("sessions/batch", "usage") else whole
    answer = person.post(f"/api/v1/{path}", json.dumps(body, ensure_ascii=True).encode("utf-8", "replace"))
    assert answer.status_code in (200, 201, 400)
    if answer.status_code == 400:
        refusal(answer)


def _fuzzer(box: Serving) -> Person:
    key = "modu_arena_" + "0" * 8 + "_" + "f" * 32
    if not box.ask("SELECT 1 FROM users WHERE username = 'fuzzer'"):
        box.add("fuzzer")
        box.write(
            lambda conn: conn.execute(
                "UPDATE api_keys SET key_hash = :hash WHERE user_id = (SELECT id FROM users WHERE username = 'fuzzer')",
                {"hash": ids.digest(key)},
            )
        )
    return Person(box, "fuzzer", key)
