"""The doors: /sign-in, /sign-out, /join, /theme."""

from functools import partial

import pytest

from arena.accounts import store
from arena.accounts.actions import links, passwords, people
from arena.core import clock

from .conftest import HERE, PASSWORD


def invite(db, name=None):
    return db.write_sync(partial(links.invite, name=name, days=7, caller=HERE, now=clock.now()))


def test_signing_in_goes_where_the_visitor_wanted(site, bob) -> None:
    asked = site.client.get("/page?a=1&b=2", follow_redirects=False)
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=%2Fpage%3Fa%3D1%26b%3D2"
    answer = site.sign_in("bob", next="/page?a=1&b=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/page?a=1&b=2")
    assert site.client.get("/page").text == "bob"


@pytest.mark.parametrize("next", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""])
def test_next_never_leaves_this_site(site, bob, next: str) -> None:
    assert site.sign_in("bob", next=next).headers["location"] == "/"


def test_the_session_cookie_is_httponly_lax_and_lasts(site, bob) -> None:
    cookie = site.sign_in("bob").headers["set-cookie"].lower()
    assert cookie.startswith("arena=")
    for part in ("httponly", "samesite=lax", "path=/", f"max-age={30 * 86_400}"):
        assert part in cookie


def test_a_crowd_at_the_door_loses_nobody_what_they_typed(site, db, bob, monkeypatch) -> None:
    link = f"/join/{invite(db)}"
    monkeypatch.setattr(passwords, "QUEUE", 0)
    answer = site.sign_in("bob")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Too many people sign in just now" in answer.text
    assert 'value="bob"' in answer.text
    data = {"csrf": site.csrf(link), "name": "dora", "display": "Dora the First", "password": PASSWORD}
    joined = site.client.post(link, data=data)
    assert joined.status_code == 503
    assert "Too many people sign in just now" in joined.text
    assert 'value="Dora the First"' in joined.text


def test_a_wrong_password_shows_the_form_again_with_the_name(site, bob) -> None:
    answer = site.sign_in("bob", "wrong horse", next="/page")
    assert answer.status_code == 401
    assert "The user name or the password is wrong." in answer.text
    assert 'value="bob"' in answer.text
    assert 'value="/page"' in answer.text
    assert "wrong horse" not in answer.text
    assert "set-cookie" not in answer.headers or "arena=" not in answer.headers["set-cookie"]


def test_whoever_is_signed_in_passes_the_sign_in_page(site, bob) -> None:
    site.sign_in("bob")
    answer = site.client.get("/sign-in?next=/page", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/page")


def test_a_form_without_its_token_is_refused(site, bob) -> None:
    site.client.get("/sign-in")
    answer = site.client.post("/sign-in", data={"name": "bob", "password": PASSWORD})
    assert answer.status_code == 403


def test_signing_in_rotates_the_session(site, db, bob) -> None:
    site.sign_in("bob")
    before = site.client.cookies["arena"]
    csrf = site.client.post("/sign-in", data={"csrf": csrf_of_page(site), "name": "bob", "password": PASSWORD})
    assert csrf.status_code in (200, 303, 404)
    assert site.client.cookies["arena"] != before
    assert len(db.read_sync(partial(store.sessions_of, user_id=bob.id))) == 1


def csrf_of_page(site) -> str:
    """The token that a signed-in person's forms carry, taken from a page they can still open: a join page."""
    return site.csrf(f"/join/{invite(site.db)}")


def test_signing_out_ends_the_session_and_takes_the_cookie_back(site, db, bob) -> None:
    site.sign_in("bob")
    old = site.client.cookies["arena"]
    answer = site.client.post("/sign-out", data={"csrf": csrf_of_page(site)}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert db.read_sync(partial(store.sessions_of, user_id=bob.id)) == []
    site.client.cookies.set("arena", old)
    assert site.client.get("/page", follow_redirects=False).status_code == 303


def test_a_disabled_person_is_out_at_the_next_request(site, db, alice, bob) -> None:
    site.sign_in("bob")
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=clock.now()))
    assert site.client.get("/page", follow_redirects=False).status_code == 303


def test_opening_a_link_does_not_use_it_up_and_joining_signs_in(site, db) -> None:
    token = invite(db)
    for _ in range(2):
        assert site.client.get(f"/join/{token}").status_code == 200
    data = {"csrf": site.csrf(f"/join/{token}"), "name": "Bob", "display": "Bob <B>", "password": PASSWORD}
    answer = site.client.post(f"/join/{token}", data=data, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert site.client.get("/page").text == "bob"


def test_a_refused_form_keeps_what_was_typed_and_names_the_field(site, db, bob) -> None:
    token = invite(db)
    data = {"csrf": site.csrf(f"/join/{token}"), "name": "BOB", "display": "B & b", "password": PASSWORD}
    answer = site.client.post(f"/join/{token}", data=data)
    assert answer.status_code == 400
    assert "The user name bob is taken." in answer.text
    assert 'value="BOB"' in answer.text
    assert "B &amp; b" in answer.text
    assert PASSWORD not in answer.text


def test_a_page_with_a_link_is_kept_by_nobody(site, db) -> None:
    assert site.client.get(f"/join/{invite(db)}").headers["cache-control"] == "no-store"


def test_a_used_link_says_so(site, db) -> None:
    token = invite(db)
    csrf = site.csrf(f"/join/{token}")
    data = {"csrf": csrf, "name": "bob", "password": PASSWORD}
    site.client.post(f"/join/{token}", data=data, follow_redirects=False)
    answer = site.client.get(f"/join/{token}")
    assert answer.status_code == 404
    assert "used already" in answer.text


def test_an_unknown_link_says_so(site) -> None:
    answer = site.client.get("/join/made-up")
    assert answer.status_code == 404
    assert "not known here" in answer.text


def test_a_sign_in_link_greets_its_person_and_signs_in(site, db, bob) -> None:
    token = db.write_sync(partial(links.sign_in_link, name="bob", days=7, caller=HERE, now=clock.now()))
    address = f"/join/{token}"
    assert "bob" in site.client.get(address).text
    answer = site.client.post(address, data={"csrf": site.csrf(address), "password": ""}, follow_redirects=False)
    assert answer.status_code == 303
    assert site.client.get("/page").text == "bob"


def test_the_theme_is_remembered_and_forgotten(site) -> None:
    answer = site.client.get("/theme?to=dark&next=/page", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/page")
    assert answer.headers["set-cookie"].startswith("theme=dark")
    answer = site.client.get("/theme?to=<script>&next=//evil.test", follow_redirects=False)
    assert answer.headers["location"] == "/"
    assert "max-age=0" in answer.headers["set-cookie"].lower()
