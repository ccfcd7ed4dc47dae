"""What is seen of a box and its machine."""

import fcntl
import os
import sqlite3
from functools import partial

import pytest

from arena.accounts import store
from arena.accounts.actions import keys, links, people
from arena.audit.models import OPERATOR
from arena.core.clock import DAY
from arena.core.config import Place
from arena.core.db import Database
from arena.core.keyring import Keyring
from arena.operations.actions.health import facts
from arena.operations.models import Facts
from tests.conftest import NOW, PEOPLE


@pytest.fixture
def place(db: Database) -> Place:
    folder = db.path.parent
    folder.chmod(0o700)
    db.path.chmod(0o600)
    return Place(folder)


def look(db: Database, place: Place) -> Facts:
    return db.read_sync(partial(facts, place=place, now=NOW))


def test_sizes_and_clocks_are_those_of_the_machine(db: Database, place: Place) -> None:
    seen = look(db, place)
    assert seen.database_size == db.path.stat().st_size
    assert seen.disk_free > 0
    assert seen.clock_off > 0  # NOW is not now
    assert (seen.started_at, seen.beat_at, seen.runs, seen.zone) == (None, None, [], "")
    place.beat.touch()
    os.utime(place.beat, (1_000, 1_000))
    place.zone.write_text("Asia/Seoul\n")
    seen = look(db, place)
    assert (seen.beat_at, seen.zone) == (1_000_000, "Asia/Seoul")


def test_what_others_can_read_is_named(db: Database, place: Place) -> None:
    Keyring(place.secret, lambda: NOW)
    assert look(db, place).readable == []
    place.secret.chmod(0o640)
    place.data.chmod(0o755)
    assert look(db, place).readable == [str(place.data), str(place.secret)]


def test_a_box_is_served_while_somebody_holds_its_folder(db: Database, place: Place) -> None:
    assert not look(db, place).is_served
    held = os.open(place.data / "lock", os.O_RDWR | os.O_CREAT)
    assert not look(db, place).is_served
    fcntl.flock(held, fcntl.LOCK_EX)
    assert look(db, place).is_served
    os.close(held)
    assert not look(db, place).is_served


def test_whoever_has_some_way_in_is_not_stranded(db: Database, place: Place) -> None:
    assert look(db, place).stranded == ["alice", "bob", "carol"]
    do = {"caller": OPERATOR, "now": NOW}
    key = db.write_sync(partial(keys.make_key, user_id=PEOPLE["alice"], **do))
    db.write_sync(partial(store.set_password, id=PEOPLE["bob"], password_hash="x", now=NOW))
    db.write_sync(partial(links.sign_in_link, name="carol", days=1, **do))
    assert look(db, place).stranded == []
    db.write_sync(partial(keys.revoke_key, user_id=PEOPLE["alice"], prefix=key, **do))
    assert look(db, place).stranded == ["alice"]
    db.write_sync(lambda conn: store.add_session(conn, "s", PEOPLE["alice"], "hash", None, None, NOW - DAY, NOW + DAY))
    assert look(db, place).stranded == []
    assert db.read_sync(partial(facts, place=place, now=NOW + 2 * DAY)).stranded == ["alice", "carol"]
    db.write_sync(partial(people.disable_user, name="carol", **do))
    assert db.read_sync(partial(facts, place=place, now=NOW + 2 * DAY)).stranded == ["alice"]
    (place.data / "demo").touch()
    assert db.read_sync(partial(facts, place=place, now=NOW + 2 * DAY)).stranded == []


def test_administrators_are_counted_with_when_they_were_last_here(db: Database, place: Place) -> None:
    assert (look(db, place).admins, look(db, place).admin_seen_at) == (0, None)
    do = {"caller": OPERATOR, "now": NOW}
    for name in ("alice", "bob"):
        db.write_sync(partial(people.promote_user, name=name, **do))
    assert (look(db, place).admins, look(db, place).admin_seen_at) == (2, None)

    def used(conn: sqlite3.Connection) -> None:
        store.add_session(conn, "s", PEOPLE["alice"], "hash", None, None, NOW - 2 * DAY, NOW + DAY)
        store.add_key(conn, "k", PEOPLE["bob"], "hash", "prefix", "laptop", NOW - 300 * DAY)

    db.write_sync(used)
    seen = look(db, place)
    assert (seen.admins, seen.admin_seen_at, seen.unused_keys) == (2, NOW - 2 * DAY, 1)
    db.write_sync(partial(store.set_key_used, id="k", before=NOW, now=NOW - DAY))
    seen = look(db, place)
    assert (seen.admins, seen.admin_seen_at, seen.unused_keys) == (2, NOW - DAY, 0)


def test_links_that_would_let_an_administrator_in_are_counted(db: Database, place: Place) -> None:
    do = {"caller": OPERATOR, "now": NOW, "days": 7}
    db.write_sync(partial(links.invite, name=None, **do))
    db.write_sync(partial(links.invite, name=None, role="admin", **do))
    db.write_sync(partial(people.promote_user, name="alice", caller=OPERATOR, now=NOW))
    db.write_sync(partial(links.sign_in_link, name="alice", **do))
    assert look(db, place).admin_links == 2
    assert db.read_sync(partial(facts, place=place, now=NOW + 8 * DAY)).admin_links == 0
    for each in db.read_sync(partial(store.open_links, now=NOW)):
        assert db.write_sync(partial(links.withdraw_link, mark=each.mark, caller=OPERATOR, now=NOW))
        assert not db.write_sync(partial(links.withdraw_link, mark=each.mark, caller=OPERATOR, now=NOW))
    assert look(db, place).admin_links == 0


def test_a_folder_that_cannot_be_written_is_looked_at_all_the_same(
    db: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert look(db, place).clock_off == 0
