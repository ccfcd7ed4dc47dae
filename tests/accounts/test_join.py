"""One-time links: the first administrator, invitations, sign-in links."""

import threading
from functools import partial

import pytest

from arena.accounts import store
from arena.accounts.actions import links, people, sessions
from arena.core.clock import DAY
from arena.core.errors import Conflict, Invalid, NotFound, NotSignedIn

from .conftest import HERE, NOW, join, sign_in


def first_link(db):
    return db.write_sync(partial(links.create_first_link, days=7, now=NOW))


def invite(db, name=None, **more):
    return db.write_sync(partial(links.invite, name=name, days=7, caller=HERE, now=NOW, **more))


def sign_in_link(db, name):
    return db.write_sync(partial(links.sign_in_link, name=name, days=7, caller=HERE, now=NOW))


def test_the_first_link_makes_its_visitor_the_administrator(db) -> None:
    opened = join(db, first_link(db), name="Alice", display="Alice A.")
    assert opened.person.name == "alice"
    assert opened.person.display == "Alice A."
    assert opened.person.is_admin
    found = db.glance(partial(sessions.identify, token=opened.token, now=NOW))
    assert found.person == opened.person


def test_there_is_no_first_link_once_there_is_an_administrator(db, alice) -> None:
    assert first_link(db) is None


def test_a_disabled_administrator_does_not_count(db, alice, crowd) -> None:
    crowd.add("bob", "admin")
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=NOW))
    assert first_link(db) is None
    db.write_sync(partial(store.set_disabled, id=alice.id, disabled_at=NOW, now=NOW))
    assert first_link(db) is not None


def test_a_fresh_first_link_ends_the_one_before(db) -> None:
    old, new = first_link(db), first_link(db)
    with pytest.raises(NotFound, match="newer"):
        join(db, old, name="mallory")
    assert join(db, new, name="alice").person.is_admin


def test_a_first_link_opens_nothing_once_there_is_an_administrator(db, crowd) -> None:
    token = first_link(db)
    crowd.add("alice", "admin")
    with pytest.raises(NotFound, match="administrator already"):
        join(db, token, name="mallory")


def test_an_invitation_makes_a_member_with_a_password(db, events) -> None:
    opened = join(db, invite(db), name="bob", display="")
    assert opened.person.role == "member"
    assert opened.person.display == "bob"
    assert sign_in(db, "bob").person == opened.person
    assert [event for event, _, _ in events()][:3] == ["invitation_created", "user_created", "user_signed_in"]


def test_an_invitation_may_fix_the_name(db) -> None:
    assert join(db, invite(db, "Carol"), name="mallory").person.name == "carol"


def test_an_invitation_may_make_an_administrator(db, alice) -> None:
    assert join(db, invite(db, role="admin")).person.is_admin


def test_a_link_works_once(db) -> None:
    token = invite(db)
    join(db, token, name="bob")
    with pytest.raises(NotFound, match="used already"):
        join(db, token, name="carol")


def test_a_link_used_from_two_threads_at_once_lets_one_in(db) -> None:
    token = invite(db)
    ready, outcomes = threading.Barrier(2), []

    def enter(name: str) -> None:
        ready.wait()
        try:
            outcomes.append(join(db, token, name=name).person.name)
        except NotFound as refused:
            outcomes.append(refused.sentence)

    threads = [threading.Thread(target=enter, args=(name,)) for name in ("bob", "carol")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    joined = [person.name for person in db.read_sync(store.users)]
    assert len(joined) == 1
    assert sorted(outcomes) == sorted([*joined, "This link has been used already. Ask for a new one."])


def test_two_links_used_at_once_for_one_name_let_one_in_and_the_other_link_stays(db) -> None:
    tokens = [invite(db), invite(db)]
    ready, left = threading.Barrier(2), []

    def enter(token: str) -> None:
        ready.wait()
        try:
            join(db, token, name="bob")
        except Invalid:
            left.append(token)

    threads = [threading.Thread(target=enter, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(left) == 1
    assert join(db, left[0], name="carol").person.name == "carol"


def test_a_link_lasts_seven_days(db) -> None:
    token = invite(db)
    with pytest.raises(NotFound, match="expired"):
        join(db, token, now=NOW + 7 * DAY)
    assert join(db, token, now=NOW + 7 * DAY - 1).person.name == "bob"


def test_an_unknown_link_opens_nothing(db) -> None:
    with pytest.raises(NotFound, match="not known"):
        join(db, "made-up")


def test_looking_at_a_link_does_not_use_it_up(db) -> None:
    token = invite(db, "bob")
    for _ in range(3):
        assert db.glance(partial(links.look_at_link, token=token, now=NOW)).name == "bob"
    join(db, token)


def test_a_name_taken_in_another_case_is_refused_and_the_link_stays(db, bob) -> None:
    token = invite(db)
    with pytest.raises(Invalid) as refused:
        join(db, token, name="BOB")
    assert refused.value.details == {"errors": {"name": "The user name bob is taken."}}
    assert join(db, token, name="carol").person.name == "carol"


def test_every_field_that_is_wrong_is_named(db) -> None:
    with pytest.raises(Invalid) as refused:
        join(db, invite(db), name="b!", display="x" * 51, password="short")
    assert set(refused.value.details["errors"]) == {"name", "display", "password"}


def test_the_password_is_not_the_user_name(db) -> None:
    with pytest.raises(Invalid, match="must not be the user name"):
        join(db, invite(db), name="roberta_1", password="Roberta_1")


def test_an_invitation_for_a_taken_or_bad_name_is_refused(db, bob) -> None:
    with pytest.raises(Conflict, match="taken"):
        invite(db, "Bob")
    with pytest.raises(Invalid, match="3 to 50"):
        invite(db, "b b")


def test_a_second_invitation_for_a_name_ends_the_first(db) -> None:
    old, new = invite(db, "bob"), invite(db, "bob")
    with pytest.raises(NotFound):
        join(db, old)
    join(db, new)


def test_joining_ends_the_session_that_the_browser_had(db, carol) -> None:
    before = sign_in(db, "carol").token
    join(db, invite(db), previous=before)
    assert db.glance(partial(sessions.identify, token=before, now=NOW)) is None


def test_a_sign_in_link_signs_its_person_in_and_keeps_the_password(db, bob) -> None:
    other = sign_in(db, "bob").token
    assert join(db, sign_in_link(db, "bob"), name="mallory", password="").person == bob
    assert sign_in(db, "bob").person == bob
    assert db.glance(partial(sessions.identify, token=other, now=NOW)) is not None


def test_a_sign_in_link_may_set_a_new_password_and_then_ends_other_sessions(db, bob, events) -> None:
    other = sign_in(db, "bob").token
    join(db, sign_in_link(db, "bob"), password="battery staple")
    assert db.glance(partial(sessions.identify, token=other, now=NOW)) is None
    assert sign_in(db, "bob", "battery staple").person == bob
    assert ("password_changed", bob.id, {}) in events()
    with pytest.raises(NotSignedIn):
        sign_in(db, "bob")


def test_somebody_without_a_password_must_set_one(db, crowd) -> None:
    crowd.add("bob", password=None)
    token = sign_in_link(db, "bob")
    with pytest.raises(Invalid, match="at least 8"):
        join(db, token, password="")
    join(db, token)
    assert sign_in(db, "bob").person.name == "bob"


def test_a_newer_sign_in_link_ends_the_one_before(db, bob) -> None:
    old, new = sign_in_link(db, "bob"), sign_in_link(db, "bob")
    with pytest.raises(NotFound):
        join(db, old, password="")
    join(db, new, password="")


def test_there_is_no_sign_in_link_for_nobody_or_a_disabled_person(db, alice, bob) -> None:
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=NOW))
    with pytest.raises(Conflict, match="disabled"):
        sign_in_link(db, "bob")
    with pytest.raises(NotFound, match="nobody called carol"):
        sign_in_link(db, "carol")


def test_disabling_ends_the_sign_in_links_of_a_person(db, alice, bob) -> None:
    token = sign_in_link(db, "bob")
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=NOW))
    with pytest.raises(NotFound):
        join(db, token, password="")


def test_no_secret_reaches_the_security_log(db, events) -> None:
    token = invite(db)
    opened = join(db, token)
    written = repr(events())
    assert token not in written
    assert opened.token not in written
    assert "correct horse" not in written
