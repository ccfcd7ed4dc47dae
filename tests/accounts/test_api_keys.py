"""Keys: made, shown once, revoked."""

from functools import partial

import pytest

from arena.accounts import store
from arena.accounts.actions import keys, people
from arena.accounts.rules import LIVE_KEYS
from arena.core import ids
from arena.core.errors import Conflict, Invalid, NotFound

from .conftest import HERE, NOW


def make(db, person, label="laptop"):
    return db.write_sync(partial(keys.make_key, user_id=person.id, label=label, caller=HERE, now=NOW))


def revoke(db, person, prefix):
    db.write_sync(partial(keys.revoke_key, user_id=person.id, prefix=prefix, caller=HERE, now=NOW))


def test_a_key_is_found_by_its_hash_and_belongs_to_its_person(db, bob, events) -> None:
    key = make(db, bob, "desktop")
    found = db.glance(partial(store.user_by_key_hash, key_hash=ids.digest(key)))
    assert found.person == bob
    assert found.revoked_at is None
    event, person, details = events()[-1]
    assert (event, person) == ("api_key_generated", bob.id)
    assert details == {"prefix": key[:19], "way": "page"}


def test_the_key_itself_is_not_stored(db, bob) -> None:
    secret = make(db, bob)[19:].encode()
    assert secret not in db.path.read_bytes() + db.path.with_name("arena.db-wal").read_bytes()


def test_keys_are_listed_without_themselves(db, bob, carol) -> None:
    key = make(db, bob)
    make(db, carol)
    (listed,) = db.read_sync(partial(store.keys_of, user_id=bob.id))
    assert (listed.prefix, listed.label, listed.created_at, listed.last_used_at) == (key[:19], "laptop", NOW, None)
    assert key not in repr(listed)
    assert [each.username for each in db.read_sync(store.keys)] == ["bob", "carol"]


def test_a_label_is_cleaned_and_has_a_default(db, bob) -> None:
    for label in ("", "  my\x00 \u202edesk\ttop "):
        make(db, bob, label)
    assert sorted(key.label for key in db.read_sync(store.keys)) == ["laptop", "my desk top"]


def test_a_label_has_at_most_fifty_characters(db, bob) -> None:
    make(db, bob, "x" * 50)
    with pytest.raises(Invalid, match="at most 50"):
        make(db, bob, "x" * 51)


def test_a_person_has_at_most_twenty_live_keys(db, bob, carol) -> None:
    keys = [make(db, bob) for _ in range(LIVE_KEYS)]
    with pytest.raises(Conflict, match="20 keys"):
        make(db, bob)
    make(db, carol)
    revoke(db, bob, keys[0][:19])
    make(db, bob)


def test_a_revoked_key_is_marked_and_audited(db, bob, events) -> None:
    key = make(db, bob)
    revoke(db, bob, key)
    assert db.glance(partial(store.user_by_key_hash, key_hash=ids.digest(key))).revoked_at == NOW
    assert events()[-1] == ("api_key_revoked", bob.id, {"prefix": key[:19]})


def test_only_ones_own_live_keys_can_be_revoked(db, bob, carol) -> None:
    key = make(db, bob)
    with pytest.raises(NotFound):
        revoke(db, carol, key[:19])
    revoke(db, bob, key[:19])
    with pytest.raises(NotFound):
        revoke(db, bob, key[:19])


def test_there_is_no_key_for_nobody_or_a_disabled_person(db, alice, bob) -> None:
    with pytest.raises(NotFound):
        db.write_sync(partial(keys.make_key, user_id="made up", caller=HERE, now=NOW))
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=NOW))
    with pytest.raises(Conflict, match="disabled"):
        make(db, bob)
