"""Signing in with a password, being known by a session, signing out."""

import asyncio
import threading
import time
from functools import partial

import pytest
from argon2 import PasswordHasher

from arena.accounts import rules, store
from arena.accounts.actions import passwords, people, sessions
from arena.audit.models import Caller
from arena.audit.rules import STRANGERS, Tally
from arena.core.clock import DAY
from arena.core.errors import Forbidden, NotSignedIn, Unavailable

from .conftest import HERE, NOW, PASSWORD, sign_in, signing_in, wait


def who(db, token, now=NOW):
    found = db.glance(partial(sessions.identify, token=token, now=now))
    return found.person.name if found else None


def test_the_right_password_opens_a_web_session(db, bob, events) -> None:
    opened = sign_in(db, "bob")
    assert opened.person == bob
    assert who(db, opened.token) == "bob"
    assert events()[-1] == ("user_signed_in", bob.id, {})


def test_the_name_is_known_in_any_case(db, bob) -> None:
    assert sign_in(db, " BOB ").person == bob


def test_the_token_itself_is_not_stored(db, bob) -> None:
    token = sign_in(db, "bob").token
    assert token.encode() not in db.path.read_bytes() + db.path.with_name("arena.db-wal").read_bytes()
    assert token not in repr(sign_in(db, "bob"))


def test_a_wrong_password_and_an_unknown_name_say_the_same(db, crowd, bob, events) -> None:
    crowd.add("carol", password=None)
    said = set()
    for name, password in (("bob", "wrong horse"), ("nobody", PASSWORD), ("carol", ""), ("", ""), ("bob", "x" * 9999)):
        with pytest.raises(NotSignedIn) as refused:
            sign_in(db, name, password)
        said.add(refused.value.sentence)
    assert said == {"The user name or the password is wrong."}
    failed = [event for event in events() if event[0] == "sign_in_failed"]
    assert [person for _, person, _ in failed] == [
        bob.id,
        None,
        store.user_by_name(db._glance, "carol").id,
        None,
        bob.id,
    ]


def test_what_was_typed_as_a_name_is_not_logged(db, events) -> None:
    with pytest.raises(NotSignedIn):
        sign_in(db, "my secret password")
    assert events()[-1] == ("sign_in_failed", None, {})


@pytest.mark.parametrize("name", ["bob", "nobody", "linkonly"])
def test_every_failed_sign_in_verifies_one_hash(db, crowd, monkeypatch, name: str) -> None:
    crowd.add("bob")
    crowd.add("linkonly", password=None)
    verified = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            verified.append(hash)
            return super().verify(hash, password)

    monkeypatch.setattr(rules, "HASHER", Counting(time_cost=1, memory_cost=8, parallelism=1))
    with pytest.raises(NotSignedIn):
        sign_in(db, name, "wrong horse")
    assert len(verified) == 1


def test_a_disabled_person_with_the_right_password_is_told(db, crowd, alice, bob) -> None:
    db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=NOW))
    with pytest.raises(Forbidden, match="disabled"):
        sign_in(db, "bob")
    with pytest.raises(NotSignedIn, match="wrong"):
        sign_in(db, "bob", "wrong horse")


def test_signing_in_again_ends_the_session_before(db, bob) -> None:
    first = sign_in(db, "bob").token
    second = sign_in(db, "bob", previous=first).token
    assert who(db, first) is None
    assert who(db, second) == "bob"


def test_a_session_ends_after_its_days(db, bob) -> None:
    token = sign_in(db, "bob").token
    assert who(db, token, NOW + 30 * DAY - 1) == "bob"
    assert who(db, token, NOW + 30 * DAY) is None


def test_an_unknown_token_is_nobody(db, bob) -> None:
    assert who(db, "made up") is None


def test_signing_out_ends_the_session_once(db, bob, events) -> None:
    token = sign_in(db, "bob").token
    for _ in range(2):
        db.write_sync(partial(sessions.sign_out, token=token, caller=HERE, now=NOW))
    assert who(db, token) is None
    assert [event for event, _, _ in events()].count("user_signed_out") == 1


def test_a_password_is_hashed_again_when_the_cost_has_changed(db, crowd, bob, monkeypatch) -> None:
    before = store.password_by_name(db._glance, "bob")
    monkeypatch.setattr(rules, "HASHER", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    sign_in(db, "bob")
    after = store.password_by_name(db._glance, "bob")
    assert before.hash != after.hash
    assert "t=2" in after.hash
    assert sign_in(db, "bob").person == bob


def test_at_most_two_passwords_are_checked_at_once(db, bob, monkeypatch) -> None:
    running, most = 0, 0

    def slow(stored: str | None, password: str) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.02)
        running -= 1
        return True

    monkeypatch.setattr(rules, "is_password", slow)

    async def crowd() -> None:
        given = {"session_days": 1, "secret": "a" * 64, "tally": Tally(), "caller": HERE, "now": NOW}
        await asyncio.gather(*(sessions.sign_in(db, name="bob", password=PASSWORD, **given) for _ in range(5)))

    wait(crowd())
    assert most == 2


def test_somebody_disabled_while_the_password_is_checked_stays_out(db, alice, bob, monkeypatch) -> None:
    check = rules.is_password

    def meanwhile(stored: str | None, password: str) -> bool:
        db.write_sync(partial(people.disable_user, name="bob", caller=HERE, now=NOW))
        return check(stored, password)

    monkeypatch.setattr(rules, "is_password", meanwhile)
    with pytest.raises(Forbidden):
        sign_in(db, "bob")
    assert db.read_sync(partial(store.sessions_of, user_id=bob.id)) == []


def test_a_crowd_that_guesses_costs_the_log_a_bounded_number_of_rows(db, bob, events) -> None:
    tally = Tally()
    for number in range(200):
        caller = Caller(f"198.51.100.{number}", "a bot")
        with pytest.raises(NotSignedIn):
            sign_in(db, f"nobody-{number}", "wrong", tally=tally, caller=caller)
    failed = [details for event, _, details in events() if event == "sign_in_failed"]
    assert failed == [{}] * STRANGERS + [{"times": 1}, {"times": 10}, {"times": 100}]


def test_a_crowd_beyond_what_can_be_looked_at_is_sent_away_and_nobodys_guess_is_counted(db, bob, monkeypatch) -> None:
    monkeypatch.setattr(passwords, "QUEUE", 3)
    looking, done = threading.Event(), threading.Event()

    def look(stored, password):
        looking.set()
        return done.wait(10) and password == PASSWORD

    monkeypatch.setattr(rules, "is_password", look)

    async def crowd():
        came = [asyncio.create_task(signing_in(db, "bob", PASSWORD)) for _ in range(3)]
        await asyncio.to_thread(looking.wait, 10)
        while passwords._waiting < 3:  # noqa: ASYNC110  (a number has no event)
            await asyncio.sleep(0.001)
        with pytest.raises(Unavailable, match="Too many people"):
            await signing_in(db, "bob", PASSWORD)
        done.set()
        return [opened.person for opened in await asyncio.gather(*came)]

    assert asyncio.run(crowd()) == [bob] * 3
    assert sign_in(db, "bob").person == bob
    assert db.glance(lambda conn: conn.execute("SELECT count(*) FROM failed_guesses").fetchone()[0]) == 0


def test_so_many_browsers_are_signed_in_at_once_and_no_more(db, bob, carol, monkeypatch) -> None:
    monkeypatch.setattr(rules, "SESSIONS", 3)
    other = sign_in(db, "carol")
    tokens = [sign_in(db, "bob", now=NOW + number).token for number in range(5)]
    assert [who(db, token) for token in tokens] == [None, None, "bob", "bob", "bob"]
    assert who(db, other.token) == "carol"
