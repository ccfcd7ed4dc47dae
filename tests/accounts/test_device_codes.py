"""Signing in a machine without a browser: the codes, the page where a person answers, the key."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from arena.accounts import rules, store
from arena.accounts.actions import device_codes, people
from arena.accounts.models import NewCodes, NewKey
from arena.core import ids
from arena.core.errors import ArenaError, TooMany

from .conftest import HERE, NOW, wait

MACHINE = {"user-agent": "arena/9.9.9"}
LIFE, PAUSE = rules.CODE_LIFE, rules.CODE_PAUSE * 1000


def ask(db, label="server", now=NOW) -> NewCodes:
    return db.write_sync(partial(device_codes.ask, label=label, caller=HERE, now=now))


def answer(db, person, code, allow=True, now=NOW):
    """Answer, or (None) only look: the machine, or the sentence that says why not."""
    try:
        said = {"code": code, "allow": allow, "user_id": person.id, "secret": "5e" * 32, "caller": HERE, "now": now}
        return wait(device_codes.answer(db, **said))
    except ArenaError as no:
        return no.sentence


def look(db, person, code, now=NOW):
    return answer(db, person, code, None, now)


def collect(db, codes, now=NOW):
    return db.write_sync(partial(device_codes.collect, device_code=codes.device_code, caller=HERE, now=now))


def keys_of(db, person):
    return db.read_sync(partial(store.keys_of, user_id=person.id))


# -- the codes


def test_codes_are_long_for_machines_and_short_for_people_and_not_in_the_database(db) -> None:
    codes = ask(db)
    assert len(codes.device_code) == 43
    assert re.fullmatch(rf"[{rules.USER_CODE_LETTERS}]{{4}}-[{rules.USER_CODE_LETTERS}]{{4}}", codes.user_code)
    assert not set(rules.USER_CODE_LETTERS) & set("AEIOUY0123456789")
    rows = db.read_sync(lambda conn: [tuple(row) for row in conn.execute("SELECT * FROM device_codes")])
    assert codes.device_code not in str(rows)
    assert codes.user_code not in str(rows)
    assert codes.device_code not in repr(codes)
    assert codes.user_code not in repr(codes)


@pytest.mark.parametrize(
    "typed", [str.lower, lambda c: c.replace("-", ""), lambda c: f" {c[:2]} {c[2:]} ", lambda c: c]
)
def test_a_code_may_be_typed_in_any_way(db, bob, typed) -> None:
    codes = ask(db, "work laptop")
    assert look(db, bob, typed(codes.user_code)).label == "work laptop"


def test_looking_changes_nothing(db, bob) -> None:
    codes = ask(db)
    look(db, bob, codes.user_code)
    assert collect(db, codes) == "authorization_pending"
    assert keys_of(db, bob) == []


# -- yes and no


def test_the_key_is_made_once_when_the_machine_comes_for_it(db, bob, events) -> None:
    codes = ask(db, "work laptop")
    assert collect(db, codes) == "authorization_pending"
    answer(db, bob, codes.user_code)
    assert keys_of(db, bob) == []
    got = collect(db, codes, NOW + PAUSE)
    assert isinstance(got, NewKey)
    (key,) = keys_of(db, bob)
    assert (got.person.name, got.key[:19], key.label) == ("bob", key.prefix, "work laptop")
    assert got.key not in repr(got)
    assert collect(db, codes, NOW + 2 * PAUSE) == "invalid_grant"
    assert len(keys_of(db, bob)) == 1
    noted = [(event, details) for event, _, details in events() if event != "user_created"]
    assert noted[0] == ("device_code_answered", {"allowed": True, "asked_from": HERE.address})
    assert noted[1][0] == "api_key_generated"
    assert noted[1][1]["way"] == "device"


def test_no_makes_no_key(db, bob, events) -> None:
    codes = ask(db)
    answer(db, bob, codes.user_code, allow=False)
    for _ in range(2):
        assert collect(db, codes) == "access_denied"
    assert keys_of(db, bob) == []
    assert events()[-1][2]["allowed"] is False


@pytest.mark.parametrize("allow", [False, True])
def test_a_code_is_answered_once(db, bob, carol, allow: bool) -> None:
    codes = ask(db)
    answer(db, bob, codes.user_code, allow=allow)
    for person in (bob, carol):
        for again in (True, False):
            assert "answered already" in answer(db, person, codes.user_code, allow=again)
        assert "answered already" in look(db, person, codes.user_code)


def test_a_code_lasts_ten_minutes(db, bob) -> None:
    codes = ask(db)
    assert not isinstance(look(db, bob, codes.user_code, NOW + LIFE - 1), str)
    assert "ten minutes" in look(db, bob, codes.user_code, NOW + LIFE)
    assert "ten minutes" in answer(db, bob, codes.user_code, now=NOW + LIFE)
    assert collect(db, codes, NOW + LIFE) == "expired_token"


def test_a_yes_that_the_machine_does_not_come_for_in_time_is_void(db, bob) -> None:
    codes = ask(db)
    answer(db, bob, codes.user_code)
    assert collect(db, codes, NOW + LIFE) == "expired_token"
    assert keys_of(db, bob) == []


def test_a_code_that_nobody_gave_out_is_no_grant(db) -> None:
    assert collect(db, NewCodes("made up", "BCDF-GHJK")) == "invalid_grant"


def test_who_was_shut_out_after_a_yes_gets_no_key(db, alice, bob) -> None:
    codes = ask(db)
    answer(db, bob, codes.user_code)
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=NOW))
    assert collect(db, codes) == "access_denied"
    assert keys_of(db, bob) == []


def test_who_was_deleted_after_a_yes_gets_no_key(db, alice, bob) -> None:
    codes = ask(db)
    answer(db, bob, codes.user_code)
    db.write_sync(partial(people.delete_user, name="bob", caller=HERE, now=NOW))
    assert collect(db, codes) == "invalid_grant"


def test_who_has_as_many_keys_as_may_be_cannot_say_yes_and_can_later(site, db, bob) -> None:
    for _ in range(rules.LIVE_KEYS):
        site.make_key(bob)
    codes = ask(db)
    assert "Revoke one" in answer(db, bob, codes.user_code)
    assert collect(db, codes) == "authorization_pending"
    db.write_sync(partial(store.revoke_keys, user_id=bob.id, prefix=keys_of(db, bob)[0].prefix, now=NOW))
    assert not isinstance(answer(db, bob, codes.user_code), str)
    site.make_key(bob)
    assert collect(db, codes, NOW + PAUSE) == "access_denied"


def test_machines_that_come_for_one_key_at_once_get_one(db, bob) -> None:
    codes = ask(db)
    answer(db, bob, codes.user_code)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: collect(db, codes), range(8)))
    assert sum(isinstance(each, NewKey) for each in got) == 1
    assert len(keys_of(db, bob)) == 1


# -- patience and guesses


def test_whoever_asks_too_often_must_wait_five_seconds_longer_each_time(db, bob) -> None:
    codes, now = ask(db), NOW
    assert collect(db, codes, now) == "authorization_pending"
    assert collect(db, codes, now + PAUSE - 1) == "slow_down"
    now += PAUSE - 1
    assert collect(db, codes, now + 2 * PAUSE - 1) == "slow_down"
    now += 2 * PAUSE - 1
    assert collect(db, codes, now + 3 * PAUSE) == "authorization_pending"


def test_after_a_few_wrong_codes_even_a_right_one_is_not_looked_at(db, bob, carol) -> None:
    codes = ask(db)
    for _ in range(rules.AT_ONE.free):
        assert "No machine waits" in look(db, bob, "BBBB-BBBB")
    assert "Try again in 30 seconds" in look(db, bob, codes.user_code)
    assert "Try again in 30 seconds" in answer(db, bob, codes.user_code)
    assert not isinstance(look(db, carol, codes.user_code), str)
    assert not isinstance(look(db, bob, codes.user_code, NOW + rules.FIRST_WAIT), str)


def test_a_code_that_was_right_once_is_no_guess(db, bob) -> None:
    codes = ask(db)
    answer(db, bob, codes.user_code)
    for _ in range(rules.AT_ONE.free + 5):
        assert "answered already" in look(db, bob, codes.user_code)


def test_not_more_machines_wait_than_may(db, bob, monkeypatch) -> None:
    monkeypatch.setattr(rules, "CODES_WAITING", 2)
    first = ask(db)
    ask(db)
    with pytest.raises(TooMany) as no:
        ask(db)
    assert no.value.retry_after == 60
    answer(db, bob, first.user_code)
    ask(db)
    ask(db, now=NOW + LIFE)


def test_codes_are_tidied_away_at_their_end(db) -> None:
    ask(db)
    assert people.tidy(db, NOW + LIFE - 1) == 0
    assert people.tidy(db, NOW + LIFE) == 1


# -- the doors


def ask_at(site, **how):
    return site.client.post("/api/auth/device", headers=MACHINE, **how)


def token_at(site, device_code, **how):
    how = how or {"json": {"device_code": device_code}}
    return site.client.post("/api/auth/device/token", headers=MACHINE, **how)


def post_code(site, code, **more):
    return site.client.post("/device", data={"csrf": site.csrf("/device"), "code": code, **more})


@pytest.mark.parametrize("how", [{"json": {"label": "server"}}, {"data": {"label": "server", "client_id": "arena"}}])
def test_a_machine_is_signed_in_from_the_page(site, db, bob, how) -> None:
    codes = ask_at(site, **how).json()
    assert codes == {
        "device_code": codes["device_code"],
        "user_code": codes["user_code"],
        "verification_uri": "http://127.0.0.1:8000/device",
        "verification_uri_complete": f"http://127.0.0.1:8000/device?code={codes['user_code']}",
        "expires_in": 600,
        "interval": 5,
    }
    waiting = token_at(site, codes["device_code"])
    assert (waiting.status_code, waiting.json()) == (400, {"error": "authorization_pending"})
    assert token_at(site, codes["device_code"]).json() == {"error": "slow_down"}
    site.sign_in("bob")
    page = site.client.get(f"/device?code={codes['user_code']}")
    assert f'value="{codes["user_code"]}"' in page.text
    assert "server" not in page.text
    confirm = post_code(site, codes["user_code"])
    for part in ("server", "arena/9.9.9", "testclient", codes["user_code"]):
        assert part in confirm.text
    assert keys_of(db, bob) == []
    done = post_code(site, codes["user_code"], answer="yes")
    assert "is being signed in" in done.text
    got = token_at(site, codes["device_code"], data={"device_code": codes["device_code"]}).json()
    assert got["api_key"] == got["access_token"]
    assert (got["username"], got["user_id"], got["token_type"]) == ("bob", bob.id, "api_key")
    assert got["api_key"] not in done.text
    assert site.client.get("/api/v1/whoami", headers={"x-api-key": got["api_key"]}).text == "bob"


def test_the_page_can_say_no(site, db, bob) -> None:
    codes = ask_at(site).json()
    site.sign_in("bob")
    assert "Nothing was" in post_code(site, codes["user_code"], answer="no").text
    assert token_at(site, codes["device_code"]).json() == {"error": "access_denied"}
    assert keys_of(db, bob) == []


def test_a_wrong_code_is_told_beside_its_field_and_kept(site, bob) -> None:
    site.sign_in("bob")
    answer = post_code(site, "BBBB-BBBX")
    assert answer.status_code == 400
    assert "No machine waits behind this code." in answer.text
    assert 'value="BBBB-BBBX"' in answer.text


def test_a_code_cannot_be_answered_from_another_site(site, db, bob) -> None:
    codes = ask_at(site).json()
    site.sign_in("bob")
    data = {"code": codes["user_code"], "answer": "yes"}
    assert site.client.post("/device", data=data).status_code == 403
    data["csrf"] = site.csrf("/device")
    assert site.client.post("/device", data=data, headers={"origin": "http://evil.example"}).status_code == 403
    assert token_at(site, codes["device_code"]).json() == {"error": "authorization_pending"}


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"\xff" * 20}, 400),
        ({"content": b"[" * 5_000}, 400),
        ({"data": {"label": "no code"}}, 400),
        ({"content": b" " * 20_000}, 413),
        ({"content": b"[1]"}, 400),
        ({"json": {"device_code": 5}}, 400),
        ({"content": b""}, 400),
    ],
)
def test_a_machine_that_sends_nonsense_hears_one_string(site, how, status: int) -> None:
    answer = site.client.post("/api/auth/device/token", **how)
    assert answer.status_code == status
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("label", ["", "x" * 500, "a\nb\u202e<b>", "\ud800"])
def test_any_label_of_a_machine_is_shown_on_one_line_or_not_at_all(site, db, bob, label: str) -> None:
    body = '{"label": "\\ud800"}' if label == "\ud800" else None
    answer = ask_at(site, content=body) if body else ask_at(site, json={"label": label})
    if answer.status_code == 400:
        assert label == "\ud800"
        return
    codes = answer.json()
    device = db.glance(partial(store.device_code, device_hash=ids.digest(codes["device_code"])))
    assert device.label == rules.label_of(label)
    assert len(device.label) <= 50
    site.sign_in("bob")
    page = post_code(site, codes["user_code"]).text
    assert "<b>" not in page
    assert "\u202e" not in page
