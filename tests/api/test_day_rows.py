"""The door of ccusage's day rows: what it takes, what it refuses, and what it says."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from arena.wire import BODY_LIMIT, ROWS_PER_REQUEST
from tests.flows.serving import Person, Serving, post


def a_row(date: str = "2026-02-01", **fields: Any) -> dict[str, Any]:
    known = {"date": date, "tool": "claude-code", "inputTokens": 100, "outputTokens": 50, "cacheReadTokens": 7}
    return {**known, "models": ["claude-opus-4-6"], "totalCost": 0.5, **fields}


def sync(person: Person, body: Any, **headers: str) -> httpx.Response:
    """Send as any program may: with a bearer key and no signature."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = post(
        f"{person.box.url}/v1/sync", content=raw, headers={"Authorization": f"Bearer {person.key}", **headers}
    )
    assert answer.status_code < 500, answer.text
    return answer


def told(person: Person, body: Any) -> dict[str, Any]:
    answer = sync(person, body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def of_day(ahead: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


def test_days_are_stored_grown_and_known(alice: Person) -> None:
    assert told(alice, {"entries": [a_row(), a_row("2026-02-02")]}) == {"success": True, "stored": 2, "timeZone": "UTC"}
    grown = told(alice, {"entries": [a_row(), a_row("2026-02-02", outputTokens=60)]})
    assert grown == {"success": True, "grown": 1, "known": 1, "timeZone": "UTC"}
    assert alice.totals() == (200, 110, 0)


def test_the_tool_s_cost_is_kept_beside_ours(alice: Person) -> None:
    told(alice, {"entries": [a_row()]})
    [(ours, theirs)] = alice.box.ask(
        "SELECT r.cost, r.cost_recorded FROM usage_records r JOIN users u ON u.id = r.user_id WHERE u.username = :name",
        name=alice.name,
    )
    assert theirs == 0.5
    assert ours != theirs * 10**9


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("body", [b"[]", b'{"entries":[]}', b'{"entries":[],"machine":"m"}'])
def test_no_days_are_no_mistake(alice: Person, body: bytes) -> None:
    assert told(alice, body) == {"success": True, "timeZone": "UTC"}


def test_the_list_of_days_may_come_alone(alice: Person) -> None:
    assert told(alice, [a_row()])["stored"] == 1


def test_machines_add_up(alice: Person) -> None:
    for machine in ("one", "two", "one"):
        told(alice, {"machine": machine, "entries": [a_row()]})
    assert alice.totals() == (200, 100, 0)


def test_tomorrow_may_have_begun_somewhere_and_the_day_after_has_not(alice: Person) -> None:
    data = told(alice, {"entries": [a_row(of_day(1)), a_row(of_day(2))]})
    assert (data["stored"], data["failed"]) == (1, 1)
    [problem] = data["problems"]
    assert problem["entry"] == 1
    assert problem["reason"].startswith(f"date: {of_day(2)} lies in the future")


def test_a_bad_row_is_named_and_costs_its_neighbours_nothing(alice: Person) -> None:
    bad: dict[str, Any] = {
        "date: is missing": {"inputTokens": 1, "outputTokens": 1},
        "date: 2026-02-30 is in no calendar": a_row("2026-02-30"),
        "date: expected str matching regex": a_row("01.02.2026"),
        "date: lies before the year 2000": a_row("1999-12-31"),
        "inputTokens: expected int >= 0": a_row(inputTokens=-1),
        "inputTokens: expected int, got float": a_row(inputTokens=1.5),
        "inputTokens: is missing": {"date": "2026-02-01", "outputTokens": 1},
        "outputTokens: expected int, got str": a_row(outputTokens="50"),
        "totalCost: expected float >= 0": a_row(totalCost=-0.01),
        "modelBreakdowns: add up to more than the row itself": a_row(
            modelBreakdowns=[{"modelName": "a", "inputTokens": 101, "outputTokens": 1}]
        ),
        "modelBreakdowns[0]": a_row(modelBreakdowns=[7]),
        "a row must be an object": 7,
    }
    data = told(alice, {"entries": [a_row(), *bad.values(), a_row("2026-02-02")]})
    assert (data["stored"], data["failed"]) == (2, len(bad))
    for at, (reason, problem) in enumerate(zip(bad, data["problems"], strict=True), 1):
        assert problem["entry"] == at
        assert reason.split("[")[0] in problem["reason"]
    assert alice.totals() == (200, 100, 0)


@pytest.mark.usefixtures("nothing_stored")
def test_only_bad_rows_are_refused_as_a_whole(alice: Person) -> None:
    answer = sync(alice, {"entries": [a_row("soon"), a_row(inputTokens=-1)]})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert error["message"].startswith("entries: none could be taken; entry 0: date: ")
    assert [each.partition(": ")[0] for each in error["details"]["errors"]["entries"]] == ["entry 0", "entry 1"]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("raw", "headers", "status"),
    [
        (b"", {}, 400),
        (b"null", {}, 400),
        (b"{}", {}, 400),
        (b'{"entries":null}', {}, 400),
        (b'{"entries":{}}', {}, 400),
        (b'{"entries":[], "machine": 7}', {}, 400),
        (b'{"entries":NaN}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"entries":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", {}, 400),
        (b"\xff", {}, 400),
        (json.dumps([a_row()] * (ROWS_PER_REQUEST + 1)).encode(), {}, 400),
        (b" " * (BODY_LIMIT + 1), {}, 413),
        (gzip.compress(b" " * (BODY_LIMIT + 1)), {"Content-Encoding": "gzip"}, 413),
        (gzip.compress(b"[]")[:-9], {"Content-Encoding": "gzip"}, 400),
    ],
    ids="empty null object no-list no-list-either machine NaN arrays inner-arrays utf-8 many large bomb cut".split(),
)
def test_a_body_that_is_no_report_is_refused_in_one_sentence(
    alice: Person, raw: bytes, headers: dict[str, str], status: int
) -> None:
    answer = sync(alice, raw, **headers)
    assert answer.status_code == status
    assert len(answer.json()["error"]["message"]) < 250


def test_a_packed_body_is_taken(alice: Person) -> None:
    answer = sync(alice, gzip.compress(json.dumps([a_row()]).encode()), **{"Content-Encoding": "gzip"})
    assert answer.json()["data"]["stored"] == 1


@pytest.mark.usefixtures("nothing_stored")
def test_without_a_good_key_nothing_is_taken(alice: Person, box: Serving) -> None:
    raw = json.dumps([a_row()]).encode()
    assert post(f"{box.url}/v1/sync", content=raw).status_code == 401
    wrong = {"Authorization": "Bearer modu_arena_00000000_" + "0" * 32}
    assert post(f"{box.url}/v1/sync", content=raw, headers=wrong).status_code == 401
    alice.post("/api/v1/keys/revoke", {})
    assert sync(alice, raw).status_code == 401


def test_the_security_log_has_a_row_a_request_with_something_new(alice: Person) -> None:
    for _ in range(2):
        told(alice, [a_row(), a_row("2026-02-02"), a_row("soon")])
    rows = alice.box.ask(
        "SELECT l.event_type, l.details FROM security_audit_log l JOIN users u ON u.id = l.user_id "
        "WHERE u.username = :name AND l.event_type LIKE '%stored%'",
        name=alice.name,
    )
    assert [(event, json.loads(details)["stored"], json.loads(details)["failed"]) for event, details in rows] == [
        ("day_rows_stored", 2, 1)
    ]


def test_every_day_of_ten_years_is_taken_at_once(alice: Person) -> None:
    days = [(datetime(2016, 3, 1, tzinfo=UTC) + timedelta(days=number)).date().isoformat() for number in range(3650)]
    assert told(alice, [a_row(day) for day in days])["stored"] == 3650
    assert alice.totals() == (365_000, 182_500, 0)
