"""What programs may call of accounts: /api/auth/* in bare JSON, /api/me* in the envelope."""

from functools import partial

import pytest

from arena.accounts import rules, store
from arena.accounts.actions import people
from arena.core import clock
from arena.core.config import Accounts, Config, Server

from .conftest import HERE, PASSWORD, serve

LOGIN = "/api/auth/login"


def keys_of(db, person):
    return [key for key in db.read_sync(partial(store.keys_of, user_id=person.id)) if key.revoked_at is None]


def login(site, **said):
    return site.client.post(LOGIN, json={"password": PASSWORD, **said})


def works(site, key: str) -> bool:
    return site.client.get("/api/v1/whoami", headers={"x-api-key": key}).status_code == 200


# -- in


@pytest.mark.parametrize("field", ["username", "email"])
def test_a_program_logs_in_by_password_and_is_known_by_its_cookie(site, db, bob, field: str) -> None:
    answer = login(site, **{field: " Bob"})
    assert answer.status_code == 200
    assert answer.json() == {"user": {"id": bob.id, "username": "bob", "displayName": "bob", "apiKeyPrefix": None}}
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert site.client.get("/api/auth/me").json()["user"]["username"] == "bob"
    assert keys_of(db, bob) == []


def test_a_program_that_asks_for_a_key_gets_one_of_its_own_each_time(site, db, bob, events) -> None:
    first, second = (login(site, username="bob", source="cli").json() for _ in range(2))
    assert first["apiKey"] != second["apiKey"]
    assert works(site, first["apiKey"])
    assert works(site, second["apiKey"])
    assert second["user"]["apiKeyPrefix"] == second["apiKey"][:19]
    assert [key.label for key in keys_of(db, bob)] == ["terminal", "terminal"]
    assert [details["way"] for event, _, details in events() if event == "api_key_generated"] == ["password"] * 2


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"username": "bob", "password": "wrong horse"}, 401),
        ({"username": "nobody", "password": PASSWORD}, 401),
        ({"password": PASSWORD}, 401),
        ({"username": "bob"}, 400),
        ({"username": 5, "password": PASSWORD}, 400),
        ([], 400),
    ],
)
def test_who_cannot_log_in_hears_one_string(site, db, bob, said, status: int) -> None:
    answer = site.client.post(LOGIN, json=said)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert isinstance(answer.json()["error"], str)
    assert "arena" not in answer.cookies
    assert keys_of(db, bob) == []


def test_a_password_is_guessed_at_no_faster_than_on_the_page(site, bob) -> None:
    for _ in range(rules.AT_ONE.free):
        assert login(site, username="bob", password="wrong horse").status_code == 401
    slowed = login(site, username="bob")
    assert slowed.status_code == 429
    assert slowed.headers["retry-after"] == "30"
    assert "Try again in 30 seconds" in slowed.json()["error"]


def test_a_disabled_person_gets_neither_session_nor_key(site, db, alice, bob) -> None:
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=clock.now()))
    answer = login(site, username="bob", source="cli")
    assert answer.status_code == 403
    assert "disabled" in answer.json()["error"]
    assert keys_of(db, bob) == []


def test_who_has_as_many_keys_as_may_be_is_told_and_is_not_half_signed_in(site, db, bob) -> None:
    for _ in range(rules.LIVE_KEYS):
        site.make_key(bob)
    answer = login(site, username="bob", source="cli")
    assert answer.status_code == 409
    assert "Revoke one first" in answer.json()["error"]
    assert "arena" not in answer.cookies
    assert db.read_sync(partial(store.sessions_of, user_id=bob.id)) == []


def test_a_form_of_another_site_logs_nobody_in(site, bob) -> None:
    body = b'{"username": "bob", "password": "correct horse", "x": "="}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = site.client.post(LOGIN, content=body, headers={"content-type": kind})
        assert answer.status_code == 403
        assert "application/json" in answer.json()["error"]
    elsewhere = {"content-type": "application/json", "origin": "https://evil.example"}
    assert site.client.post(LOGIN, content=body, headers=elsewhere).status_code == 403


# -- out, and up


def test_logging_out_ends_the_session(site, db, bob) -> None:
    login(site, username="bob")
    assert site.client.post("/api/auth/logout", json={}).json() == {"success": True}
    assert site.client.get("/api/auth/me").status_code == 401
    assert db.read_sync(partial(store.sessions_of, user_id=bob.id)) == []
    assert site.client.post("/api/auth/logout", json={}).json() == {"success": True}


@pytest.mark.parametrize("path", ["/api/auth/send-code", "/api/auth/verify-code"])
def test_what_needs_mail_says_how_else_one_joins(site, path: str) -> None:
    answer = site.client.post(path, json={"email": "eve@example.org", "code": "123456", "action": "signup"})
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "Nobody joins by a mailed code here. "
        "Ask its administrator for an invitation link, and open it in a browser."
    }


def test_nobody_registers_where_people_are_invited(site, db) -> None:
    answer = site.client.post("/api/auth/register", json={"username": "eve", "password": PASSWORD})
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "Nobody registers here. Ask its administrator for an invitation link, and open it in a browser."
    }
    assert db.read_sync(partial(store.user_by_name, username="eve")) is None


@pytest.fixture
def open_site(db, tmp_path):
    """A site where anybody may join."""
    yield from serve(db, tmp_path, Config(accounts=Accounts(sign_up="open"), server=Server(url="http://arena.test")))


def register(site, **said):
    return site.client.post("/api/auth/register", json={"username": "Eve", "password": PASSWORD, **said})


def test_where_anybody_may_join_a_program_makes_an_account_and_a_key(open_site, db, events) -> None:
    answer = register(open_site, displayName="Eve of São Paulo")
    assert answer.status_code == 201
    said = answer.json()
    person = db.read_sync(partial(store.user_by_name, username="eve"))
    assert said["user"] == {
        "id": person.id,
        "username": "eve",
        "displayName": "Eve of São Paulo",
        "apiKeyPrefix": said["apiKey"][:19],
        "createdAt": clock.iso(person.created_at),
    }
    assert works(open_site, said["apiKey"])
    assert open_site.client.get("/api/auth/me").json()["user"]["username"] == "eve"
    assert [event for event, _, _ in events()][-3:] == ["user_created", "user_signed_in", "api_key_generated"]
    assert login(open_site, username="EVE").status_code == 200


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"username": "bob"}, 409, "taken"),
        ({"username": "no"}, 400, "3 to 50"),
        ({"username": "EVE!"}, 400, "3 to 50"),
        ({"password": "short"}, 400, "at least 8"),
        ({"displayName": "x" * 51}, 400, "at most 50"),
        ({"username": None}, 400, "username"),
    ],
)
def test_who_cannot_register_hears_why(open_site, db, bob, said, status: int, words: str) -> None:
    answer = register(open_site, **said)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert "arena" not in answer.cookies
    assert [each.name for each in db.read_sync(store.users)] == ["bob"]


def test_what_needs_mail_names_the_page_where_anybody_may_join(open_site) -> None:
    answer = open_site.client.post("/api/auth/send-code", json={"email": "eve@example.org"})
    assert "http://arena.test/join" in answer.json()["error"]


def test_what_needs_mail_names_the_page_with_the_providers_where_they_decide(db, tmp_path) -> None:
    config = Config(accounts=Accounts(sign_up="domain", domains=["a.test"]), server=Server(url="http://arena.test"))
    for site in serve(db, tmp_path, config):
        for path in ("send-code", "register"):
            body = {"username": "eve", "password": PASSWORD}
            answer = site.client.post(f"/api/auth/{path}", json=body)
            assert "http://arena.test/sign-in" in answer.json()["error"]


def test_nobody_signed_in_hears_one_string(site) -> None:
    answer = site.client.get("/api/auth/me")
    assert (answer.status_code, answer.json()) == (401, {"error": "Sign in to see this."})


# -- myself


def test_a_person_is_told_what_is_kept_of_them(site, bob) -> None:
    login(site, username="bob", source="cli")
    me = site.client.get("/api/me").json()["data"]
    assert me == site.client.get("/api/auth/me").json()["user"]
    assert me["apiKeyPrefix"].startswith("modu_arena_")
    assert {name: value for name, value in me.items() if not name.endswith("At") and name != "apiKeyPrefix"} == {
        "id": bob.id,
        "username": "bob",
        "displayName": "bob",
        "email": None,
        "githubUsername": None,
        "githubAvatarUrl": None,
        "privacyMode": False,
        "successfulProjectsCount": 0,
    }
    assert me["createdAt"].endswith("Z")


def test_a_key_is_never_shown_again_and_the_answer_says_what_to_do(site, bob) -> None:
    login(site, username="bob", source="cli")
    answer = site.client.get("/api/me/api-key")
    assert answer.status_code == 404
    assert "shown once" in answer.json()["error"]["message"]
    assert "regenerate-key" in answer.json()["error"]["message"]


def test_a_new_key_takes_the_place_of_the_newest_and_of_no_other(site, db, bob, events) -> None:
    laptop = site.make_key(bob)
    newest = login(site, username="bob", source="cli").json()["apiKey"]
    answer = site.client.post("/api/me/regenerate-key", json={})
    assert answer.status_code == 201
    made = answer.json()["data"]
    assert made["apiKeyPrefix"] == made["apiKey"][:19] == site.client.get("/api/me").json()["data"]["apiKeyPrefix"]
    assert works(site, made["apiKey"])
    assert works(site, laptop)
    assert not works(site, newest)
    assert [key.label for key in keys_of(db, bob)][-1] == "terminal"
    event, person, details = next(each for each in reversed(events()) if each[0].startswith("api_key_re"))
    assert (event, person) == ("api_key_regenerated", bob.id)
    assert details == {"prefix": made["apiKey"][:19], "old": newest[:19]}


def test_a_new_key_takes_the_place_of_the_one_that_is_named(site, bob) -> None:
    old, other = site.make_key(bob), site.make_key(bob)
    login(site, username="bob")
    site.client.post("/api/me/regenerate-key", json={"prefix": old[:19]})
    assert not works(site, old)
    assert works(site, other)
    assert site.client.post("/api/me/regenerate-key", json={"prefix": old[:19]}).status_code == 404


def test_without_a_key_there_is_none_to_take_the_place_of(site, bob) -> None:
    login(site, username="bob")
    answer = site.client.post("/api/me/regenerate-key", json={})
    assert answer.status_code == 404
    assert "arena login" in answer.json()["error"]["message"]


def test_a_person_with_as_many_keys_as_may_be_may_still_replace_one(site, db, bob) -> None:
    for _ in range(rules.LIVE_KEYS):
        site.make_key(bob)
    login(site, username="bob")
    assert site.client.post("/api/me/regenerate-key", json={}).status_code == 201
    assert len(keys_of(db, bob)) == rules.LIVE_KEYS


def test_all_keys_are_revoked_at_once_or_one_alone(site, db, bob, events) -> None:
    first, second, third = (site.make_key(bob) for _ in range(3))
    login(site, username="bob")
    one = site.client.post("/api/me/revoke-key", json={"prefix": second[:19]}).json()["data"]
    assert one["revokedKeyPrefixes"] == [second[:19]]
    assert (works(site, first), works(site, second)) == (True, False)
    rest = site.client.post("/api/me/revoke-key", json={}).json()["data"]
    assert sorted(rest["revokedKeyPrefixes"]) == sorted([first[:19], third[:19]])
    assert keys_of(db, bob) == []
    assert site.client.post("/api/me/revoke-key", json={}).json()["data"]["revokedKeyPrefixes"] == []
    assert [event for event, _, _ in events()].count("api_key_revoked") == 3


def test_nobodys_keys_but_ones_own_are_touched(site, bob, carol) -> None:
    hers = site.make_key(carol)
    login(site, username="bob")
    for path in ("regenerate-key", "revoke-key"):
        assert site.client.post(f"/api/me/{path}", json={"prefix": hers[:19]}).status_code == 404
        site.client.post(f"/api/me/{path}", json={})
    assert works(site, hers)


@pytest.mark.parametrize("body", [b"{", b"[" * 9_000, b"\xff", b"[]", b'{"prefix": 5}', b" " * 11_000])
def test_nonsense_is_refused_in_a_sentence(site, bob, body: bytes) -> None:
    login(site, username="bob")
    headers = {"content-type": "application/json"}
    for path in ("/api/me/revoke-key", "/api/me/regenerate-key", LOGIN, "/api/auth/register"):
        answer = site.client.post(path, content=body, headers=headers)
        assert answer.status_code in (400, 413), answer.text
        assert answer.json()["error"]
