"""Who may call what: keys, signatures, sessions, roles."""

import time
from functools import partial
from typing import Any

import pytest
from litestar import Request, get
from litestar.params import FromPath

from arena.accounts import guards, rules, store
from arena.accounts.actions import keys, people
from arena.core import clock, ids

from .conftest import HERE


def whoami(site, key, **headers):
    return site.client.get("/api/v1/whoami", headers={"x-api-key": key, **headers})


def error(answer):
    return answer.json()["error"]


def key_of(db, key):
    return db.glance(partial(store.user_by_key_hash, key_hash=ids.digest(key)))


def eventually(fact) -> None:
    """Wait for what nobody waits for."""
    until = time.monotonic() + 2
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_key_names_its_person(site, bob) -> None:
    assert whoami(site, site.make_key(bob)).text == "bob"


@get("/api/somebody/{name:str}")
async def somebody(request: Request[Any, Any, Any], name: FromPath[str]) -> str:
    return guards.somebody(request, name).name


@pytest.mark.parametrize("how", ["nobody", "session", "key"])
def test_whoever_is_private_or_disabled_is_looked_for_exactly_as_a_name_that_nobody_has(
    site, db, alice, bob, carol, how: str
) -> None:
    site.client.app.register(somebody)
    if how == "session":
        site.sign_in("alice")
    headers = {"x-api-key": site.make_key(alice)} if how == "key" else {}
    db.write_sync(partial(store.set_private, id=bob.id, private=True, now=1))
    db.write_sync(partial(store.set_disabled, id=carol.id, disabled_at=1, now=1))

    def looked_up(name: str) -> tuple[int, list[str]]:
        said: list[str] = []
        looks = site.client.app.state.box.db._glance
        looks.set_trace_callback(said.append)
        answer = site.client.get(f"/api/somebody/{name}", headers=headers)
        looks.set_trace_callback(None)
        return answer.status_code, [sql.replace(name, "") for sql in said]

    looked_up("nobody")  # whoever asks for the first time is noted as seen
    unknown = looked_up("nobody")
    assert unknown[0] == 404
    assert len(unknown[1]) == (1 if how == "nobody" else 2)
    assert looked_up("bob") == looked_up("carol") == unknown
    assert looked_up("alice")[0] == 200


def test_a_key_of_the_older_program_is_taken(site, db, bob) -> None:
    key = "moai_rank_0123abcd_" + "0f" * 16
    deed = partial(store.add_key, id="k", user_id=bob.id, key_hash=ids.digest(key), prefix=key[:19], label="old")
    db.write_sync(partial(deed, created_at=1))
    assert whoami(site, key).text == "bob"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_key_may_come_as_a_bearer_token(site, bob, scheme: str) -> None:
    key = site.make_key(bob)
    assert site.client.get("/api/v1/whoami", headers={"authorization": f"{scheme} {key}"}).text == "bob"
    for other in (f"Basic {key}", key, "Bearer", f"Bearer {key}x"):
        assert site.client.get("/api/v1/whoami", headers={"authorization": other}).status_code == 401


def test_no_key_is_refused_with_what_to_send(site) -> None:
    answer = site.client.get("/api/v1/whoami")
    assert answer.status_code == 401
    assert error(answer) == {
        "code": "UNAUTHORIZED",
        "message": "This needs an API key in the header X-API-Key, or as a bearer token.",
    }


@pytest.mark.parametrize(
    "key", ["x", "modu_arena_0123abcd_" + "0f" * 16, "sk_live_1234567890123456789012345", "é" * 40]
)
def test_an_unknown_key_is_refused(site, bob, key: str) -> None:
    answer = site.client.get("/api/v1/whoami", headers={"x-api-key": key.encode()})
    assert answer.status_code == 401
    assert "not known here" in error(answer)["message"]


def test_a_revoked_key_is_refused_and_audited_once(site, db, bob, events) -> None:
    key = site.make_key(bob)
    deed = partial(keys.revoke_key, user_id=bob.id, prefix=key, caller=HERE, now=clock.now())
    db.write_sync(deed)
    for _ in range(3):
        answer = whoami(site, key)
        assert answer.status_code == 401
        assert "revoked" in error(answer)["message"]
        eventually(lambda: key_of(db, key).last_refused_at)
    assert [event for event in events() if event[0] == "api_key_invalid"] == [
        ("api_key_invalid", bob.id, {"reason": "revoked", "prefix": key[:19]})
    ]


def test_a_disabled_persons_key_is_refused_and_works_again_when_enabled(site, db, alice, bob) -> None:
    key = site.make_key(bob)
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=clock.now()))
    answer = whoami(site, key)
    assert answer.status_code == 401
    assert "disabled" in error(answer)["message"]
    db.write_sync(partial(people.enable_user, name="bob", caller=HERE, now=clock.now()))
    assert whoami(site, key).text == "bob"


def test_the_last_use_of_a_key_is_noted_once_in_ten_minutes(site, db, bob, monkeypatch) -> None:
    key = site.make_key(bob)
    start = clock.now()
    monkeypatch.setattr(clock, "now", lambda: start)
    whoami(site, key)
    eventually(lambda: key_of(db, key).last_used_at == start)
    monkeypatch.setattr(clock, "now", lambda: start + rules.NOTE_EVERY - 1)
    whoami(site, key)
    time.sleep(0.05)
    assert key_of(db, key).last_used_at == start
    monkeypatch.setattr(clock, "now", lambda: start + rules.NOTE_EVERY)
    whoami(site, key)
    eventually(lambda: key_of(db, key).last_used_at == start + rules.NOTE_EVERY)


def test_the_last_sight_of_a_session_is_noted_once_in_ten_minutes(site, db, bob, monkeypatch) -> None:
    start = clock.now()
    monkeypatch.setattr(clock, "now", lambda: start)
    site.sign_in("bob")

    def seen() -> int:
        return db.read_sync(partial(store.sessions_of, user_id=bob.id))[0].last_seen_at

    monkeypatch.setattr(clock, "now", lambda: start + rules.NOTE_EVERY - 1)
    site.client.get("/page")
    time.sleep(0.05)
    assert seen() == start
    monkeypatch.setattr(clock, "now", lambda: start + rules.NOTE_EVERY)
    site.client.get("/page")
    eventually(lambda: seen() == start + rules.NOTE_EVERY)


def test_a_browser_that_stays_away_is_signed_out_and_one_that_comes_back_is_not_for_thirty_days(
    site, db, bob, monkeypatch
) -> None:
    start = clock.now()
    monkeypatch.setattr(clock, "now", lambda: start)
    site.sign_in("bob")

    def comes(days: int, late: int = 0) -> bool:
        at = start + days * clock.DAY + late
        monkeypatch.setattr(clock, "now", lambda: at)
        there = site.client.get("/page", follow_redirects=False).status_code == 200
        if there:
            eventually(lambda: db.read_sync(partial(store.sessions_of, user_id=bob.id))[0].last_seen_at == at)
        return there

    assert [comes(day) for day in (13, 26, 29)] == [True] * 3
    assert comes(30, -1)
    assert not comes(30)
    site.sign_in("bob")
    start = clock.now()
    assert comes(14, -1)
    assert not comes(28)


def test_a_handler_in_a_thread_knows_who_asks_too(site, bob, monkeypatch) -> None:
    site.sign_in("bob")
    later = clock.now() + rules.NOTE_EVERY
    monkeypatch.setattr(clock, "now", lambda: later)
    assert site.client.get("/threaded").text == "bob"


def test_a_signed_request_is_taken(site, bob) -> None:
    key, timestamp, body = site.make_key(bob), str(clock.now() // 1000), '{"a": "한글"}'.encode()
    headers = {"x-api-key": key, "x-timestamp": timestamp, "x-signature": rules.signature(key, timestamp, body)}
    assert site.client.post("/api/v1/signed", content=body, headers=headers).text == "bob"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x-signature": "0" * 64}, "X-Signature does not fit this key, time and body."),
        ({"x-timestamp": "1700000000"}, "X-Timestamp is more than 300 seconds off: set this machine's clock."),
        ({"x-timestamp": ""}, "This request must be signed: X-Timestamp and X-Signature are missing."),
    ],
)
def test_a_badly_signed_request_is_told_why_and_the_servers_time(site, bob, change, sentence: str) -> None:
    key, timestamp = site.make_key(bob), str(clock.now() // 1000)
    headers = {"x-api-key": key, "x-timestamp": timestamp, "x-signature": rules.signature(key, timestamp, b"{}")}
    answer = site.client.post("/api/v1/signed", content=b"{}", headers=headers | change)
    assert answer.status_code == 401
    assert error(answer)["message"] == sentence
    assert abs(error(answer)["details"]["serverTime"] - int(timestamp)) <= 2


def test_another_persons_signature_is_refused(site, bob, carol) -> None:
    key, timestamp = site.make_key(bob), str(clock.now() // 1000)
    signature = rules.signature(site.make_key(carol), timestamp, b"{}")
    headers = {"x-api-key": key, "x-timestamp": timestamp, "x-signature": signature}
    assert site.client.post("/api/v1/signed", content=b"{}", headers=headers).status_code == 401


def test_an_old_client_is_told_which_version_is_taken(closed_site, bob) -> None:
    key = closed_site.make_key(bob)
    answer = whoami(closed_site, key, **{"x-arena-client": "1.1.9"})
    assert answer.status_code == 426
    assert error(answer)["code"] == "CLIENT_TOO_OLD"
    assert "older than 1.2.0" in error(answer)["message"]
    assert whoami(closed_site, key, **{"x-arena-client": "1.2.0"}).text == "bob"
    assert whoami(closed_site, key).text == "bob"


def test_a_fragment_asked_for_without_a_session_moves_the_whole_page(site) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://arena.test/page?x=1"}
    answer = site.client.get("/page", headers=headers, follow_redirects=False)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fpage%3Fx%3D1"


def test_a_form_sent_without_a_session_is_refused_in_place(site) -> None:
    csrf = site.csrf("/sign-in")
    answer = site.client.post("/form", data={"csrf": csrf}, follow_redirects=False)
    assert answer.status_code == 401
    assert "Sign in to see this." in answer.text


def test_only_an_administrator_passes_the_operators_guard(site, alice, bob) -> None:
    assert site.client.get("/operator", follow_redirects=False).status_code == 303
    site.sign_in("bob")
    assert site.client.get("/operator").status_code == 403
    site.client.cookies.clear()
    site.sign_in("alice")
    assert site.client.get("/operator").text == "the operator's"


def test_everyone_may_look_at_an_open_board(site) -> None:
    assert site.client.get("/board").text == "the board"


def test_a_closed_board_opens_with_a_session_or_a_key(closed_site, bob) -> None:
    assert closed_site.client.get("/board", follow_redirects=False).status_code == 303
    assert closed_site.client.get("/board", headers={"x-api-key": "made up"}).status_code == 401
    assert closed_site.client.get("/board", headers={"x-api-key": closed_site.make_key(bob)}).text == "the board"
    closed_site.sign_in("bob")
    assert closed_site.client.get("/board").text == "the board"


def test_a_forged_cookie_is_nobody(site, bob) -> None:
    site.client.cookies.set("arena", "bob.forged")
    assert site.client.get("/page", follow_redirects=False).status_code == 303


def unauthorized(events) -> list:
    return [(person, details) for event, person, details in events() if event == "unauthorized_access"]


def test_a_member_at_the_operators_door_is_audited_with_the_door(site, bob, events) -> None:
    site.sign_in("bob")
    for _ in range(3):
        assert site.client.get("/operator?secret=1").status_code == 403
    eventually(lambda: unauthorized(events))
    assert unauthorized(events) == [(bob.id, {"door": "GET /operator", "reason": "not an administrator"})]


def test_a_form_of_another_site_is_audited_with_whom_it_was_aimed_at(site, bob, events) -> None:
    site.sign_in("bob")
    answer = site.client.post("/form", data={"csrf": "0" * 64}, headers={"origin": "https://evil.test"})
    assert answer.status_code == 403
    eventually(lambda: unauthorized(events))
    ((person, details),) = unauthorized(events)
    assert (person, details["door"]) == (bob.id, "POST /form")


def test_who_is_led_to_the_sign_in_page_is_not_audited_and_who_sends_without_a_session_is(site, bob, events) -> None:
    site.client.get("/operator")
    csrf = site.csrf("/sign-in")
    site.client.post("/form", data={"csrf": csrf}, follow_redirects=False)
    eventually(lambda: unauthorized(events))
    assert unauthorized(events) == [(None, {"door": "POST /form", "reason": "nobody is signed in"})]
