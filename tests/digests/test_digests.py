"""The weekly mail: who gets it, once, and what it says of whom."""

import sqlite3
from functools import partial
from typing import Any

import msgspec
import pytest

from arena.accounts import store as accounts
from arena.accounts.actions import people
from arena.audit.models import OPERATOR
from arena.core.config import Config
from arena.core.db import Database
from arena.core.letters import Letterhead
from arena.deliveries.models import Mail
from arena.digests.actions import send_digests
from arena.teams import actions as teams
from tests.conftest import NOW, PEOPLE
from tests.leaderboard.conftest import Use

HEAD = Letterhead("arena", "https://arena.test", "UTC")
MONDAY, SUNDAY, BEFORE = "2026-11-16", "2026-11-22", "2026-11-10"
"""The first and the last day of a week, and a day of the week before it."""
NEXT = "2026-11-23"
"""The Monday that its mail is written on."""


def wants(db: Database, *names: str) -> None:
    """Let people want the weekly mail."""

    def write(conn: sqlite3.Connection) -> None:
        for name in names:
            accounts.set_email(conn, PEOPLE[name], f"{name}@example.org", NOW)
            accounts.set_digest(conn, PEOPLE[name], True, NOW)

    db.write_sync(write)


def send(db: Database, today: str = NEXT) -> int:
    return send_digests(db, config=Config(), head=HEAD, secret="a" * 64, today=today, now=NOW)


def letters(db: Database) -> dict[str, Mail]:
    rows = db.read_sync(lambda conn: conn.execute("SELECT recipient, content FROM deliveries").fetchall())
    return {row[0]: msgspec.json.decode(row[1], type=Mail) for row in rows}


def test_whoever_wants_it_is_told_their_week(db: Database, use: Use) -> None:
    wants(db, "alice", "bob")
    use("alice", MONDAY, 1_000_000, 2_000_000)
    use("bob", SUNDAY, 1_000, 2_000)
    use("carol", SUNDAY, 10, 10)
    use("bob", BEFORE, 5_000_000, 5_000_000)
    use("alice", BEFORE, 10, 10)
    use("bob", NEXT, 10**9, 10**9)  # of the week to come
    assert send(db) == 2
    bob = letters(db)["bob@example.org"]
    assert bob.name == "Bob"
    assert "16–22 Nov 2026" in bob.text
    assert bob.subject == "Your week at arena: 2nd of 3 people"
    assert "Tokens: 3,000" in bob.text
    assert "Sessions: 1" in bob.text
    assert "Streak: 1 day" in bob.text
    assert "You were 2nd of 3 people, down 1 since the week before, with a score of" in bob.text
    assert ". You (" in bob.text
    assert ". Alice (" in bob.text
    assert ">Alice<" in bob.html
    assert bob.unsubscribe.startswith("https://arena.test/mail/off/")
    assert bob.unsubscribe in bob.html
    assert bob.unsubscribe in bob.text
    assert "example.org" not in bob.text + bob.html, "no address of anybody stands in it"


def test_it_comes_once_for_a_week_however_often_it_is_written(db: Database, use: Use) -> None:
    wants(db, "bob")
    use("bob", SUNDAY, 10, 10)
    assert [send(db), send(db), send(db, "2026-11-26")] == [1, 0, 0]
    use("bob", NEXT, 10, 10)
    assert send(db, "2026-11-30") == 1


def test_whoever_used_nothing_or_does_not_want_it_gets_none(db: Database, use: Use) -> None:
    wants(db, "alice")
    use("bob", SUNDAY, 10, 10)
    assert send(db) == 0
    use("alice", SUNDAY, 10, 10)
    db.write_sync(partial(people.disable_user, name="alice", caller=OPERATOR, now=NOW))
    assert send(db) == 0


def test_a_private_person_gets_their_own_and_stands_in_no_other(db: Database, use: Use) -> None:
    wants(db, "alice", "bob")
    use("alice", SUNDAY, 10**6, 10**6)
    use("bob", SUNDAY, 10, 10)
    db.write_sync(partial(accounts.set_private, id=PEOPLE["alice"], private=True, now=NOW))
    assert send(db) == 2
    found = letters(db)
    assert "Anonymous" in found["bob@example.org"].text
    assert "Alice" not in found["bob@example.org"].text + found["bob@example.org"].html
    assert "1. You (" in found["alice@example.org"].text


def test_a_team_sees_its_own_first_places(db: Database, use: Use) -> None:
    wants(db, "bob")

    def write(conn: sqlite3.Connection) -> Any:
        teams.create_team(conn, name="Blue", caller=OPERATOR, now=NOW)
        for name in ("bob", "carol"):
            teams.assign(conn, name=name, slug="blue", caller=OPERATOR, now=NOW)

    db.write_sync(write)
    use("alice", SUNDAY, 10**6, 10**6)
    use("bob", SUNDAY, 100, 100)
    use("carol", SUNDAY, 10, 10)
    send(db)
    bob = letters(db)["bob@example.org"]
    assert "2nd of 3 people" in bob.text
    assert "First at Blue:" in bob.text
    assert "1. You (" in bob.text
    assert "Alice" not in bob.text


@pytest.mark.parametrize("change", ["gone", "moved"])
def test_whoever_left_or_changed_their_address_meanwhile_is_not_written_to(
    db: Database, use: Use, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    from arena.digests import actions

    wants(db, "bob")
    use("bob", SUNDAY, 10, 10)
    written = actions._letter

    def late(*args: Any) -> Any:
        made = written(*args)
        if change == "gone":
            db.write_sync(partial(people.delete_user, name="bob", caller=OPERATOR, now=NOW))
        else:
            db.write_sync(partial(accounts.set_email, user_id=PEOPLE["bob"], email="new@example.org", now=NOW))
        return made

    monkeypatch.setattr(actions, "_letter", late)
    assert send(db) == 0
    assert letters(db) == {}
