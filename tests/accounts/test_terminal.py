"""Signing a terminal in through the browser of its own machine: /api/auth/cli."""

import re
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from arena.accounts import rules, store
from arena.accounts.actions import keys, people
from arena.accounts.routes.terminal import PATIENCE
from arena.core import clock

from .conftest import HERE

CALLBACK = "http://localhost:8123/callback"
HTML = {"accept": "text/html"}


def ask(site, redirect_uri=CALLBACK, state="s&1", path="/api/auth/cli", **more):
    params = {"redirect_uri": redirect_uri, "state": state, **more}
    return site.client.get(path, params=params, follow_redirects=False)


def hidden(answer) -> dict[str, str]:
    """The hidden fields of the form on the page."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
    return {name: value.replace("&amp;", "&") for name, value in found.items()}


def send(site, form, **more):
    return site.client.post("/api/auth/cli", data={**form, "answer": "yes", **more}, follow_redirects=False)


def told(answer) -> dict[str, str]:
    """What the program is told by the address that the browser is led to."""
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def keys_of(db, person):
    return db.read_sync(partial(store.keys_of, user_id=person.id))


def test_a_key_is_made_only_when_its_person_says_yes(site, db, bob, events) -> None:
    site.sign_in("bob")
    page = ask(site, label="work laptop")
    assert page.status_code == 200
    assert "localhost:8123" in page.text
    assert "bob" in page.text
    assert 'value="work laptop"' in page.text
    assert keys_of(db, bob) == []
    said = told(send(site, hidden(page), label="work laptop"))
    (key,) = keys_of(db, bob)
    assert said["state"] == "s&1"
    assert said["username"] == "bob"
    assert said["user_id"] == bob.id
    assert said["created_at"].endswith("Z")
    assert said["api_key_prefix"] == key.prefix == said["api_key"][:19]
    assert key.label == "work laptop"
    assert site.client.get("/api/v1/whoami", headers={"x-api-key": said["api_key"]}).text == "bob"
    event, person, details = events()[-1]
    assert (event, person, details["way"]) == ("api_key_generated", bob.id, "browser")


@pytest.mark.parametrize(
    "address", ["http://localhost:\u0663\u0663/", "http://localho\u017ft/", "http://LOCALHOST:80\u00b2"]
)
def test_an_address_in_other_letters_is_no_address_of_this_machine(site, bob, address) -> None:
    site.sign_in("bob")
    assert ask(site, address).status_code == 400


def test_no_makes_no_key_and_tells_the_program(site, db, bob) -> None:
    site.sign_in("bob")
    said = told(send(site, hidden(ask(site)), answer="no"))
    assert (said["error"], said["state"]) == ("access_denied", "s&1")
    assert "api_key" not in said
    assert keys_of(db, bob) == []


def test_an_answer_without_yes_or_no_is_a_no(site, db, bob) -> None:
    site.sign_in("bob")
    assert told(send(site, hidden(ask(site)), answer=""))["error"] == "access_denied"
    assert keys_of(db, bob) == []


@pytest.mark.parametrize("path", ["/api/auth/cli", "/api/auth/cli/callback"])
def test_whoever_is_not_signed_in_does_that_first_and_comes_back(site, bob, path: str) -> None:
    away = ask(site, path=path)
    assert away.status_code == 303
    next = parse_qs(urlsplit(away.headers["location"]).query)["next"][0]
    assert next.startswith(f"{path}?redirect_uri=http%3A%2F%2Flocalhost%3A8123%2Fcallback&state=s%261")
    back = site.sign_in("bob", next=next).headers["location"]
    assert back == next
    assert told(send(site, hidden(site.client.get(back))))["state"] == "s&1"


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:1", "[::1]:65535", "localhost", "LOCALHOST:80"])
@pytest.mark.parametrize("rest", ["", "/", "/callback", "/a/b?x=1&y=%20"])
def test_any_port_and_path_of_the_own_machine_is_taken(site, bob, host: str, rest: str) -> None:
    site.sign_in("bob")
    page = ask(site, f"http://{host}{rest}")
    assert page.status_code == 200
    target = "http:" if host.startswith("[") else f"http://{host}"
    assert f"form-action 'self' {target};" in page.headers["content-security-policy"]
    led = send(site, hidden(page)).headers["location"]
    assert led.startswith(f"http://{host}{rest}{'&' if '?' in rest else '?'}api_key=modu_arena_")


ELSEWHERE = [
    *("", "localhost", "localhost:8080/callback", "//localhost:80/", "/callback", "javascript:alert(1)"),
    *("https://localhost:8080/", "ftp://localhost/", "http://evil.example/", "http://localhost.evil.example/"),
    *("http://evil.example#@localhost/", "http://localhost@evil.example/", "http://localhost:80@evil.example/"),
    *("http://evil.example\\@localhost/", "http://localhost\\@evil.example/", "http://localhost:8080\\.evil.example/"),
    *("http://127.0.0.1.evil.example/", "http://127.0.0.2/", "http://0.0.0.0/", "http://[::2]/", "http://[::1"),
    *("http://localhost:8080/\r\nset-cookie: a=b", "http://localhost/a b", "http:// localhost/", "http:///localhost/"),
    *(
        "http://localhost:port/",
        "http://localhost:123456/",
        "http://localhost/#here",
        "http://locälhost/",
        "http://①②⑦.0.0.1/",
    ),
]


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("redirect_uri", ELSEWHERE)
def test_no_key_is_sent_anywhere_else(site, db, bob, redirect_uri: str, signed_in: bool) -> None:
    if signed_in:
        site.sign_in("bob")
    answer = ask(site, redirect_uri)
    assert answer.status_code == 400
    assert answer.json() == {"error": "redirect_uri: must be http on localhost, 127.0.0.1 or [::1], any port and path."}
    if signed_in:
        form = hidden(ask(site)) | {"redirect_uri": redirect_uri}
        assert send(site, form).status_code == 400
        assert send(site, form, answer="no").status_code == 400
        assert keys_of(db, bob) == []


@pytest.mark.parametrize("state", ["", "x" * 501])
def test_a_question_has_a_mark_by_which_it_is_known_again(site, bob, state: str) -> None:
    site.sign_in("bob")
    assert "state: must be there" in ask(site, state=state).json()["error"]
    assert send(site, hidden(ask(site)) | {"state": state}).status_code == 400


def test_a_browser_sees_a_page_where_a_program_reads_json(site) -> None:
    answer = site.client.get("/api/auth/cli", headers=HTML)
    assert answer.status_code == 400
    assert "redirect_uri: must be http" in answer.text
    assert "<h1" in answer.text


def test_another_sites_page_cannot_answer(site, db, bob) -> None:
    site.sign_in("bob")
    form = hidden(ask(site))
    assert send(site, {**form, "csrf": ""}).status_code == 403
    headers = {"origin": "http://localhost:8123"}
    answer = site.client.post("/api/auth/cli", data={**form, "answer": "yes"}, headers=headers)
    assert answer.status_code == 403
    json = site.client.post("/api/auth/cli", json={**form, "answer": "yes"})
    assert json.status_code == 403
    assert keys_of(db, bob) == []


def test_a_question_is_over_after_five_minutes(site, db, bob, monkeypatch) -> None:
    site.sign_in("bob")
    form = hidden(ask(site))
    later = clock.now() + PATIENCE
    monkeypatch.setattr(clock, "now", lambda: later)
    answer = send(site, form)
    assert answer.status_code == 409
    assert "five minutes" in answer.json()["error"]
    assert keys_of(db, bob) == []


@pytest.mark.parametrize("until", ["", "x", "-1", "9" * 30, "٣", "9999999999999"])
def test_a_question_cannot_be_made_to_last_longer(site, db, bob, until: str) -> None:
    site.sign_in("bob")
    assert send(site, hidden(ask(site)) | {"until": until}).status_code == 409
    assert keys_of(db, bob) == []


def test_who_has_as_many_keys_as_may_be_is_told_on_the_page_and_loses_nothing(site, db, bob) -> None:
    for _ in range(rules.LIVE_KEYS):
        site.make_key(bob)
    site.sign_in("bob")
    answer = send(site, hidden(ask(site)), label="one more")
    assert answer.status_code == 409
    assert "Revoke one first" in answer.text
    assert 'value="one more"' in answer.text
    db.write_sync(partial(keys.revoke_key, user_id=bob.id, prefix=keys_of(db, bob)[0].prefix, caller=HERE, now=1))
    assert "api_key" in told(send(site, hidden(answer), label="one more"))


def test_a_label_that_is_too_long_is_told_on_the_page(site, bob) -> None:
    site.sign_in("bob")
    answer = send(site, hidden(ask(site)), label="x" * 51)
    assert answer.status_code == 400
    assert "at most 50 characters" in answer.text


def test_a_program_cannot_write_into_the_page(site, bob) -> None:
    site.sign_in("bob")
    answer = ask(site, state='"><script>', label='\u202e"><script>' + "x" * 100)
    assert "<script>" not in answer.text
    assert "\u202e" not in answer.text


def test_who_is_shut_out_meanwhile_gets_no_key(site, db, alice, bob) -> None:
    site.sign_in("bob")
    form = hidden(ask(site))
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=clock.now()))
    assert send(site, form).status_code in (401, 403)
    assert keys_of(db, bob) == []


@pytest.mark.parametrize("address", [f"/api/auth/cli?redirect_uri={CALLBACK}&state=s", "/device"])
def test_whoever_is_somebody_else_can_sign_out_right_there(site, bob, address: str) -> None:
    site.sign_in("bob")
    page = site.client.get(address).text
    assert "Signed in as <bdi>bob</bdi>" in page
    assert 'action="/sign-out"' in page
