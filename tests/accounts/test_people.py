"""Adding, disabling, enabling, promoting, deleting, exporting people, and tidying up after them."""

from functools import partial

import msgspec
import pytest

from arena.accounts import store
from arena.accounts.actions import keys, links, people, sessions
from arena.core import ids
from arena.core.clock import DAY
from arena.core.errors import Conflict, Invalid, NotFound

from .conftest import HERE, NOW, sign_in


def do(db, deed, name, **more):
    return db.write_sync(partial(deed, name=name, caller=HERE, now=NOW, **more))


def test_a_name_is_stored_in_lower_case_and_taken_in_any(db, events) -> None:
    person = do(db, people.add_user, "Bob", display="Bob \u202eB.")
    assert (person.name, person.display) == ("bob", "Bob B.")
    assert db.glance(partial(store.user, id=person.id)) == person
    assert events() == [("user_created", person.id, {"role": "member"})]
    with pytest.raises(Conflict, match="taken"):
        do(db, people.add_user, "BOB")


def test_a_bad_name_creates_nobody(db) -> None:
    with pytest.raises(Invalid):
        do(db, people.add_user, "b b")
    assert db.read_sync(store.users) == []


def test_disabling_ends_web_sessions_and_enabling_lets_in_again(db, alice, bob, events) -> None:
    token = sign_in(db, "bob").token
    assert do(db, people.disable_user, "Bob", by=alice.id).is_disabled
    assert db.read_sync(partial(store.sessions_of, user_id=bob.id)) == []
    assert db.glance(partial(sessions.identify, token=token, now=NOW)) is None
    assert do(db, people.enable_user, "bob", by=alice.id) == bob
    assert sign_in(db, "bob").person == bob
    named = [(event, details["by"]) for event, _, details in events() if event in ("user_disabled", "user_enabled")]
    assert named == [("user_disabled", alice.id), ("user_enabled", alice.id)]


def test_what_is_so_already_is_not_audited_again(db, alice, bob, events) -> None:
    for deed in (people.disable_user, people.enable_user, people.promote_user):
        for _ in range(2):
            do(db, deed, "bob")
    told = [event for event, _, _ in events()]
    assert (told.count("user_disabled"), told.count("user_enabled"), told.count("user_promoted")) == (1, 1, 1)


def test_privacy_is_set_and_audited_once(db, alice, bob, events) -> None:
    def choose(private: bool) -> bool:
        return db.write_sync(partial(people.set_privacy, user_id=bob.id, private=private, caller=HERE, now=NOW))

    assert [choose(True), choose(True)] == [True, False]
    assert db.glance(partial(store.user, id=bob.id)).private
    assert not db.glance(partial(store.user, id=alice.id)).private
    assert [choose(False), choose(False)] == [True, False]
    told = [(who, details["private"]) for event, who, details in events() if event == "privacy_mode_changed"]
    assert told == [(bob.id, True), (bob.id, False)]


def test_nobody_has_no_privacy_to_set(db) -> None:
    with pytest.raises(NotFound):
        db.write_sync(partial(people.set_privacy, user_id="nobody", private=True, caller=HERE, now=NOW))


def test_promoting_makes_an_administrator(db, alice, bob) -> None:
    assert do(db, people.promote_user, "bob").is_admin


@pytest.mark.parametrize("deed", [people.disable_user, people.delete_user])
def test_the_last_enabled_administrator_stays(db, alice, crowd, deed) -> None:
    crowd.add("bob", "admin")
    do(db, people.disable_user, "bob")
    with pytest.raises(Conflict, match="last administrator"):
        do(db, deed, "alice")
    do(db, people.enable_user, "bob")
    do(db, deed, "alice")


def test_deleting_takes_everything_of_a_person_and_nothing_of_others(db, alice, bob, carol, events) -> None:
    for person in (bob, carol):
        sign_in(db, person.name)
        db.write_sync(partial(keys.make_key, user_id=person.id, caller=HERE, now=NOW))
        do(db, links.sign_in_link, person.name, days=7)
    do(db, people.delete_user, "bob")
    assert [person.name for person in db.read_sync(store.users)] == ["alice", "carol"]
    for table in ("api_keys", "web_sessions", "one_time_links"):
        rows = db.read_sync(lambda conn, table=table: conn.execute(f"SELECT user_id FROM {table}").fetchall())
        assert [row[0] for row in rows] == [carol.id]
    assert events()[-1] == ("user_deleted", bob.id, {})


@pytest.mark.parametrize("deed", [people.disable_user, people.enable_user, people.promote_user, people.delete_user])
def test_nobody_is_not_found(db, deed) -> None:
    with pytest.raises(NotFound, match="There is nobody called carol"):
        do(db, deed, "carol")


def test_an_export_holds_a_persons_data_and_no_secret(db, bob, carol) -> None:
    token = sign_in(db, "bob").token
    key = db.write_sync(partial(keys.make_key, user_id=bob.id, label="desktop", caller=HERE, now=NOW))
    text = msgspec.json.encode(db.read_sync(partial(people.export_user, name="Bob"))).decode()
    found = msgspec.json.decode(text)
    assert found["account"]["username"] == "bob"
    assert found["account"]["privacy_mode"] is False
    assert [each["label"] for each in found["api_keys"]] == ["desktop"]
    assert found["web_sessions"][0]["user_agent"] == "a browser"
    for secret in (token, ids.digest(token), key, ids.digest(key), "argon2", carol.id):
        assert secret not in text


def test_tidying_removes_what_is_over(db, alice, bob) -> None:
    sign_in(db, "bob")
    sign_in(db, "bob", now=NOW + DAY)
    do(db, links.sign_in_link, "bob", days=30)
    db.write_sync(partial(links.invite, name=None, days=31, caller=HERE, now=NOW))
    assert people.tidy(db, NOW + 30 * DAY) == 2
    assert len(db.read_sync(partial(store.sessions_of, user_id=bob.id))) == 1
    assert people.tidy(db, NOW + 31 * DAY) == 2
