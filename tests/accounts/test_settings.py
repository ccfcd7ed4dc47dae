"""The settings page: what people settle for themselves, and what they are told when it cannot be."""

import re
from functools import partial

import pytest

from arena.accounts import rules, store
from arena.accounts.actions import keys, links, people, sessions
from arena.core import clock

from .conftest import HERE, NOW, PASSWORD, sign_in

NEW = "battery staple"


@pytest.fixture
def mine(site, bob):
    """Bob's browser."""
    site.sign_in("bob")
    return site


def send(site, path: str, **data: str):
    data["csrf"] = site.csrf("/settings")
    return site.client.post(path, data=data, follow_redirects=False)


def section(page: str, id: str) -> str:
    return page.partition(f'<section id="{id}"')[2].partition("</section>")[0]


def sessions_of(db, person) -> list[str]:
    return [each.id for each in db.read_sync(partial(store.sessions_of, user_id=person.id))]


# -- name


def test_a_shown_name_is_changed_and_noted(mine, db, bob, events) -> None:
    answer = send(mine, "/settings/name", display="  Bob   of the\tteam ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings?done=name#name")
    assert "You are shown by this name now." in mine.client.get("/settings?done=name").text
    assert db.read_sync(partial(people.someone, name="bob")).display == "Bob of the team"
    assert events()[-1] == ("user_settings_updated", bob.id, {"changed": "display_name"})


def test_the_same_name_again_is_no_event(mine, bob, events) -> None:
    send(mine, "/settings/name", display="Bob")
    before = len(events())
    send(mine, "/settings/name", display="Bob")
    assert len(events()) == before


def test_an_empty_name_is_the_user_name(mine, db) -> None:
    send(mine, "/settings/name", display="Robert")
    send(mine, "/settings/name", display=" \u200b ")
    assert db.read_sync(partial(people.someone, name="bob")).display == "bob"


def test_a_name_that_is_too_long_is_refused_and_stays_in_the_form(mine, db) -> None:
    answer = send(mine, "/settings/name", display="<b>" + "x" * 50)
    assert answer.status_code == 400
    assert "A display name has at most 50 characters; this one has 53." in section(answer.text, "name")
    assert f"&lt;b&gt;{'x' * 50}" in section(answer.text, "name")
    assert db.read_sync(partial(people.someone, name="bob")).display == "bob"


# -- password


def test_a_new_password_signs_other_browsers_out_and_keeps_this_one(mine, db, bob, events) -> None:
    other = sign_in(db, "bob").token
    link = db.write_sync(partial(links.sign_in_link, name="bob", days=7, caller=HERE, now=clock.now()))
    answer = send(mine, "/settings/password", current=PASSWORD, new=NEW)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings?done=password#password")
    assert mine.client.get("/page").text == "bob"
    assert len(sessions_of(db, bob)) == 1
    assert db.glance(partial(sessions.identify, token=other, now=NOW)) is None
    assert events()[-1][:2] == ("password_changed", bob.id)
    assert mine.client.get(f"/join/{link}").status_code == 404
    assert sign_in(db, "bob", NEW).person.name == "bob"


def test_a_wrong_current_password_changes_nothing_and_is_counted_as_a_guess(mine, db, bob, events) -> None:
    answer = send(mine, "/settings/password", current="a guess", new=NEW)
    assert answer.status_code == 400
    assert "This is not your current password." in section(answer.text, "password")
    assert "a guess" not in answer.text
    assert NEW not in answer.text
    assert sign_in(db, "bob").person == bob
    for _ in range(30):
        answer = send(mine, "/settings/password", current="a guess", new=NEW)
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert "Too many wrong guesses." in section(answer.text, "password")
    assert int(answer.headers["retry-after"]) > 0
    assert ("sign_in_failed", bob.id) in [event[:2] for event in events()]


@pytest.mark.parametrize(
    ("new", "sentence"),
    [("short", "at least 8"), ("x" * 201, "at most 200"), ("bob-and-b", "not your current"), ("", "at least 8")],
)
def test_a_bad_new_password_is_refused_before_the_old_one_is_looked_at(mine, new: str, sentence: str) -> None:
    answer = send(mine, "/settings/password", current="a guess", new=new)
    assert answer.status_code == 400
    assert sentence in section(answer.text, "password")


def test_somebody_without_a_password_sets_one(site, db, crowd) -> None:
    carol = crowd.add("carol")
    site.sign_in("carol")
    db.write_sync(partial(store.set_password, id=carol.id, password_hash=None, now=NOW))
    page = section(site.client.get("/settings").text, "password")
    assert "Set password" in page
    assert "Current password" not in page
    assert send(site, "/settings/password", new=NEW).status_code == 303
    assert sign_in(db, "carol", NEW).person.name == "carol"


# -- browsers


def test_browsers_are_listed_and_ended_one_by_one(mine, db, bob, events) -> None:
    sign_in(db, "bob")
    page = section(mine.client.get("/settings").text, "sessions")
    assert page.count("<tr>") == 3
    assert page.count("this one") == 1
    assert "192.0.2.7" in page
    (other,) = re.findall(r"/settings/sessions/([0-9a-f-]{36})/end", page)
    answer = send(mine, f"/settings/sessions/{other}/end")
    assert answer.headers["location"] == "/settings?done=ended#sessions"
    assert other not in sessions_of(db, bob)
    assert events()[-1] == ("user_signed_out", bob.id, {"elsewhere": 1})
    again = send(mine, f"/settings/sessions/{other}/end")
    assert again.status_code == 404
    assert "That browser is signed out already." in section(again.text, "sessions")
    assert mine.client.get("/page").text == "bob"


def test_all_other_browsers_are_ended_at_once(mine, db, bob, carol, events) -> None:
    for _ in range(3):
        sign_in(db, "bob")
    sign_in(db, "carol")
    assert send(mine, "/settings/sessions/end-others").headers["location"] == "/settings?done=others#sessions"
    assert len(sessions_of(db, bob)) == len(sessions_of(db, carol)) == 1
    assert mine.client.get("/page").text == "bob"
    assert events()[-1] == ("user_signed_out", bob.id, {"elsewhere": 3})
    before = len(events())
    send(mine, "/settings/sessions/end-others")
    assert len(events()) == before


def test_a_browser_that_is_over_is_not_listed(mine, db, bob) -> None:
    sign_in(db, "bob", now=NOW - 40 * clock.DAY)
    assert section(mine.client.get("/settings").text, "sessions").count("<tr>") == 2


# -- the rest


def test_privacy_is_one_box_in_a_form_of_its_own(mine, db) -> None:
    page = section(mine.client.get("/settings").text, "privacy")
    assert re.search(r'<input type="checkbox" name="privacy_mode">', page)
    assert send(mine, "/settings/privacy", privacy_mode="on").headers["location"] == "/settings?done=privacy#privacy"
    assert 'name="privacy_mode" checked' in section(mine.client.get("/settings?done=privacy").text, "privacy")
    assert db.read_sync(partial(people.someone, name="bob")).private


def test_keys_are_counted_and_led_to(mine, db, bob) -> None:
    assert "You have none yet." in section(mine.client.get("/settings").text, "keys")
    db.write_sync(partial(keys.make_key, user_id=bob.id, caller=HERE, now=NOW))
    page = section(mine.client.get("/settings").text, "keys")
    assert "You have 1 key." in page
    assert 'href="/dashboard#keys"' in page


def test_an_account_is_deleted_once_its_name_was_typed(mine, db, bob, events) -> None:
    answer = send(mine, "/settings/delete", confirm="boob")
    assert answer.status_code == 400
    assert "Nothing was deleted: type bob to delete this account." in section(answer.text, "delete")
    assert 'value="boob"' in section(answer.text, "delete")
    answer = send(mine, "/settings/delete", confirm=" BOB ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert db.read_sync(store.users) == []
    assert mine.client.get("/page", follow_redirects=False).status_code == 303
    assert events()[-1][:2] == ("user_deleted", bob.id)


def test_the_last_administrator_stays(site, alice) -> None:
    site.sign_in("alice")
    answer = send(site, "/settings/delete", confirm="alice")
    assert answer.status_code == 409
    assert "alice is the last administrator and cannot be deleted." in section(answer.text, "delete")
    assert site.client.get("/page").text == "alice"


def test_nobody_signed_out_sees_settings(site) -> None:
    answer = site.client.get("/settings", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?next=%2Fsettings"


def test_the_page_is_kept_by_nobody_and_says_only_what_it_knows(mine) -> None:
    answer = mine.client.get("/settings?done=<script>")
    assert answer.headers["cache-control"] == "no-store"
    assert "<script>" not in answer.text.partition("<main")[2]


def test_without_providers_nothing_is_said_of_linked_accounts(mine) -> None:
    assert 'id="identities"' not in mine.client.get("/settings").text


def test_somebody_deleted_meanwhile_is_nobody(mine, db, alice) -> None:
    csrf = mine.csrf("/settings")
    db.write_sync(partial(people.delete_user, name="bob", caller=HERE, now=NOW))
    answer = mine.client.post("/settings/name", data={"csrf": csrf, "display": "x"}, follow_redirects=False)
    assert answer.status_code == 401


# -- what only somebody does who signed in just now


@pytest.mark.parametrize(
    ("path", "data"),
    [("/settings/unlink/i", {}), ("/settings/delete", {"confirm": "bob"}), ("/settings/password", {"new": NEW})],
)
def test_whoever_finds_an_open_browser_changes_no_way_in(mine, db, bob, monkeypatch, path: str, data) -> None:
    row = {"provider": "github", "issuer": "https://github.com", "subject": "1", "login": "octocat", "email": None}
    db.write_sync(partial(store.add_identity, id="i", user_id=bob.id, now=NOW, **row))
    if "password" in path:
        db.write_sync(lambda conn: conn.execute("UPDATE users SET password_hash = NULL"))
    before = store.account(db._glance, bob.id), store.identities_of(db._glance, bob.id)
    later = clock.now() + rules.RECENT + 1
    monkeypatch.setattr(clock, "now", lambda: later)
    answer = send(mine, path, **data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?again=yes&next=%2Fsettings")
    assert before == (store.account(db._glance, bob.id), store.identities_of(db._glance, bob.id))
    page = mine.client.get(answer.headers["location"]).text
    assert "Sign in again" in page
    assert 'value="bob"' in page


def test_once_signed_in_again_it_is_done(mine, db, bob, monkeypatch) -> None:
    later = clock.now() + rules.RECENT + 1
    monkeypatch.setattr(clock, "now", lambda: later)
    page = "/sign-in?again=yes&next=%2Fsettings"
    data = {"csrf": mine.csrf(page), "name": "bob", "password": PASSWORD, "next": "/settings"}
    assert mine.client.post("/sign-in", data=data, follow_redirects=False).headers["location"] == "/settings"
    assert len(sessions_of(db, bob)) == 1
    assert send(mine, "/settings/delete", confirm="bob").headers["location"] == "/"
    assert store.user(db._glance, bob.id) is None


def test_a_password_is_changed_by_whoever_knows_it_however_long_ago_they_signed_in(mine, db, monkeypatch) -> None:
    later = clock.now() + rules.RECENT + 1
    monkeypatch.setattr(clock, "now", lambda: later)
    assert "done=password" in send(mine, "/settings/password", current=PASSWORD, new=NEW).headers["location"]
