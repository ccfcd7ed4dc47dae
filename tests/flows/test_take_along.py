"""What a person takes along: everything that the box keeps of them, and nothing of anybody else."""

import json

from arena.accounts import store
from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import clock
from tests.flows.conftest import Serve
from tests.flows.serving import Visitor, now_iso, session

PAGE = 5_000


def test_a_person_takes_along_all_that_is_kept_of_them(serve: Serve) -> None:
    box = serve()
    link = box.first_link()
    bob = box.add("bob")
    with Visitor(box) as alice:
        alice.join(link, "alice")
        key = alice.make_key()
        laptop = type(bob)(box, "alice", key)
        for number in range(3):
            laptop.send(session(sessionId=f"one-{number}", inputTokens=100 + number, endedAt=now_iso(number)))
        bob.send(session(sessionId="of-bob", inputTokens=77_777))
        id = box.ask("SELECT id FROM users WHERE username = 'alice'")[0][0]
        row = {"provider": "github", "issuer": "https://github.com", "subject": "583231", "login": "octocat"}
        box.write(lambda conn: store.add_identity(conn, "i", id, **row, email="octocat@example.org", now=0))
        by_root = Caller("203.0.113.7", "the browser of root")
        box.write(lambda conn: note(conn, "sessions_ended", id, by_root, clock.now(), sessions=1, by="root's id"))
        answer = alice.get("/settings/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="arena-alice.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = json.loads(answer.text)
    assert told["account"]["username"] == "alice"
    assert told["account"]["created_at"].endswith("Z")
    assert [each["login"] for each in told["identities"]] == ["octocat"]
    assert [each["prefix"] for each in told["api_keys"]] == [key[:19]]
    assert [each["ip_address"] for each in told["web_sessions"]] == ["127.0.0.1"]
    assert len(told["sessions"]) == len(told["records"]) == told["totals"]["total_sessions"] == 3
    assert sorted(each["input_tokens"] for each in told["records"]) == [100, 101, 102]
    assert sum(each["input_tokens"] for each in told["days"]) == 303
    assert {"user_created", "user_signed_in", "api_key_generated"} <= {
        each["event_type"] for each in told["security_log"]
    }
    assert {"user_exported", "sessions_ended"} <= {each["event_type"] for each in told["security_log"]}
    elsewhere = ("203.0.113.7", "the browser of root", "77777")
    for secret in (key, "correct horse battery", alice.cookies["arena"], "argon2", "token_hash", *elsewhere):
        assert secret not in answer.text


def test_somebody_with_more_records_than_a_piece_holds_gets_each_once(serve: Serve) -> None:
    box = serve()
    link = box.first_link()
    with Visitor(box) as alice:
        alice.join(link, "alice")
        assert json.loads(alice.get("/settings/export").text)["records"] == []
        id = box.ask("SELECT id FROM users WHERE username = 'alice'")[0][0]
        columns = [row[1] for row in box.ask("PRAGMA table_info(usage_records)")]
        notnull = {row[1]: row[2] for row in box.ask("PRAGMA table_info(usage_records)") if row[3]}
        values = {name: "" if kind == "TEXT" else 0 for name, kind in notnull.items()} | {"user_id": id}
        names = [name for name in columns if name in values or name == "key"]
        statement = f"INSERT INTO usage_records ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"
        rows = [{**values, "key": number.to_bytes(16, "big")} for number in range(2 * PAGE + 1)]
        box.write(lambda conn: conn.executemany(statement, rows))
        told = json.loads(alice.get("/settings/export").text)
    assert len(told["records"]) == len({each["key"] for each in told["records"]}) == 2 * PAGE + 1
