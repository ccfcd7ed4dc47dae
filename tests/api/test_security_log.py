"""What programs do leaves its mark in the security log: once, from where it was done, and never a secret."""

import json
from typing import Any

from arena.audit.actions import verify
from arena.core.db import Database
from tests.flows.serving import Person, Serving, get, post, session, wait_until

Row = tuple[str, dict[str, Any], str | None, str | None]


def rows(person: Person, *events: str) -> list[Row]:
    """What is noted about somebody since they got their key: event, details, address, agent."""
    found = person.box.ask(
        """
        SELECT l.event_type, l.details, l.ip_address, l.user_agent
        FROM security_audit_log l JOIN users u ON u.id = l.user_id
        WHERE u.username = :name ORDER BY l.seq
        """,
        name=person.name,
    )
    made = [(row[0], json.loads(row[1]), row[2], row[3]) for row in found[2:]]
    return [row for row in made if not events or row[0] in events]


def soon(person: Person, event: str, number: int = 1) -> list[Row]:
    """The same, once there are so many: nobody waits for what is only noted."""
    wait_until(lambda: len(rows(person, event)) >= number, 5)
    return rows(person, event)


def test_a_session_is_noted_once_when_it_is_first_stored(alice: Person) -> None:
    told = alice.send(session(sessionId="s"), **{"User-Agent": "a hook/1.0"}).json()
    assert alice.send(session(sessionId="s", inputTokens=900)).status_code == 201
    prefix = alice.key[:19]
    assert rows(alice) == [
        ("session_created", {"prefix": prefix, "sessions": [told["sessionId"]]}, "127.0.0.1", "a hook/1.0")
    ]


def test_a_session_without_anything_new_is_a_duplicate_noted_the_first_and_the_tenth_time(alice: Person) -> None:
    body = session(sessionId="s")
    for _ in range(12):
        alice.send(body)
    noted = soon(alice, "session_duplicate", 2)
    assert [details for _, details, _, _ in noted] == [
        {"prefix": alice.key[:19]},
        {"prefix": alice.key[:19], "times": 10},
    ]


def test_a_batch_has_one_row_however_large_it_is(alice: Person) -> None:
    sessions = [session(sessionId=f"s{n}") for n in range(100)]
    alice.batch(*sessions[:3])
    alice.batch(*sessions[:98], {"inputTokens": "many"})
    alice.batch(*sessions[:98])
    assert [details for _, details, _, _ in rows(alice, "batch_sessions_created")] == [
        {"prefix": alice.key[:19], "stored": 3},
        {"prefix": alice.key[:19], "stored": 95, "known": 3, "failed": 1},
    ]
    assert len(soon(alice, "session_duplicate")) == 1
    assert rows(alice, "session_created") == []


def test_a_key_that_is_asked_about_and_good_is_noted(alice: Person) -> None:
    for _ in range(3):
        alice.get("/api/v1/verify")
    assert [details for _, details, _, _ in soon(alice, "api_key_validated")] == [{"prefix": alice.key[:19]}]


def test_a_good_key_with_a_bad_signature_is_noted_with_the_reason(alice: Person) -> None:
    body = json.dumps(session()).encode()
    for headers in (
        alice.sign(body) | {"X-Signature": "0" * 64},
        alice.sign(body, at=1_700_000_000),
        alice.sign(body) | {"X-Signature": "1" * 64},
    ):
        assert post(f"{alice.box.url}/api/v1/sessions", content=body, headers=headers).status_code == 401
    (_, details, address, _) = soon(alice, "hmac_signature_invalid")[0]
    assert (details, address) == ({"reason": "does not fit", "prefix": alice.key[:19]}, "127.0.0.1")
    (_, details, _, _) = soon(alice, "hmac_timestamp_expired")[0]
    assert details["reason"].startswith("-")
    assert len(rows(alice, "hmac_signature_invalid", "hmac_timestamp_expired")) == 2


def test_a_key_that_revokes_itself_is_noted_without_being_told(alice: Person) -> None:
    alice.post("/api/v1/keys/revoke", {})
    assert rows(alice) == [("api_key_revoked", {"prefix": alice.key[:19]}, "127.0.0.1", rows(alice)[0][3])]
    assert get(f"{alice.box.url}/api/v1/verify", headers={"X-API-Key": alice.key}).status_code == 401
    assert soon(alice, "api_key_invalid")[0][1] == {"reason": "revoked", "prefix": alice.key[:19]}


def test_what_was_forgotten_is_noted_without_saying_of_which_project(alice: Person) -> None:
    alice.send(session(anonymousProjectId="ab" * 8))
    for _ in range(2):
        alice.post("/api/v1/forget", {"project": "ab" * 8})
    assert [details for _, details, _, _ in rows(alice, "usage_forgotten")] == [
        {"prefix": alice.key[:19], "sessions": 1, "records": 1}
    ]


def test_a_stranger_who_tries_keys_costs_the_log_a_few_rows(box: Serving) -> None:
    keys = [f"modu_arena_{n:08x}_{n:032x}" for n in range(30)]
    for key in keys:
        assert get(f"{box.url}/api/v1/verify", headers={"X-API-Key": key}).status_code == 401

    def strangers() -> list[tuple[Any, ...]]:
        sql = "SELECT details, ip_address FROM security_audit_log WHERE user_id IS NULL AND event_type = :event"
        return box.ask(sql, event="api_key_invalid")

    wait_until(lambda: len(strangers()) == 2, 5)
    assert strangers() == [
        ('{"reason":"unknown"}', "127.0.0.1"),
        ('{"reason":"unknown","times":10}', "127.0.0.1"),
    ]


def test_all_this_is_one_whole_chain_without_a_key_in_it(box: Serving, alice: Person) -> None:
    alice.send(session())
    db = Database(box.data / "arena.db")
    assert verify(db).problem is None
    assert verify(db).rows > 3
    db.close_sync()
    text = repr(box.ask("SELECT * FROM security_audit_log"))
    assert alice.key[:19] in text
    assert alice.key[20:] not in text
    assert alice.name not in text
