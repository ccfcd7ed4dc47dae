"""Wrong guesses: whoever makes them waits longer and longer, nobody else does, and a restart forgives nothing."""

import asyncio
import itertools
import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.accounts import rules, store
from arena.accounts.actions import guesses, links, people, sessions
from arena.accounts.models import Device, Guess, Guesses
from arena.audit.models import Caller
from arena.audit.rules import Tally
from arena.core import clock
from arena.core.clock import DAY, MINUTE
from arena.core.db import Database
from arena.core.errors import NotSignedIn, TooMany

from .conftest import HERE, NOW, PASSWORD, sign_in, wait

QUARTER = 15 * MINUTE
ELSEWHERE = Caller("198.51.100.1")


def fail(db, name="bob", times=1, **more):
    """Guess wrong; what the last answer said."""
    for _ in range(times):
        with pytest.raises((NotSignedIn, TooMany)) as refused:
            sign_in(db, name, "wrong horse", **more)
    return refused.value


def device_of(db, person):
    """A browser that this person signed in with."""
    return rules.remembered(Device("d1", {}), person.id, store.password_by_name(db._glance, person.name).hash)


# -- the rule


def looked_at(patience, times):
    """Which guesses, made at these times (rising), are looked at; all are wrong."""
    held, kept = None, []
    for now in times:
        if not rules.wait_of(held, patience, now):
            held = rules.guessed_wrong(held, patience, now)
            kept.append(now)
    return kept


def most_within(times, length):
    return max((sum(1 for other in times if 0 <= other - first < length) for first in times), default=0)


gaps = st.lists(st.one_of(st.integers(0, 1000), st.integers(0, 40 * MINUTE)), max_size=120)


@given(gaps)
def test_of_any_guesses_at_most_nine_are_looked_at_in_any_quarter_of_an_hour(gaps: list[int]) -> None:
    assert most_within(looked_at(rules.AT_ONE, itertools.accumulate(gaps, initial=NOW)), QUARTER) <= 9


def test_whoever_never_stops_has_nine_guesses_in_the_first_quarter_and_then_one_in_each() -> None:
    kept = looked_at(rules.AT_ONE, range(NOW, NOW + DAY, 1000))
    assert [(each - NOW) // 1000 for each in kept[:10]] == [0, 1, 2, 3, 4, 34, 94, 214, 454, 934]
    assert most_within(kept, QUARTER) == 9
    assert most_within([each for each in kept if each > NOW + QUARTER], QUARTER) <= 2
    assert len(kept) < 110


@given(gaps, st.integers(-2 * DAY, 2 * DAY))
def test_a_clock_that_is_set_anew_shuts_nobody_out_for_longer_than_the_longest_wait(gaps: list[int], step: int) -> None:
    held = None
    for now in itertools.accumulate(gaps, initial=NOW):
        held = rules.guessed_wrong(held, rules.AT_ONE, now)
    assert rules.wait_of(held, rules.AT_ONE, now + step) <= rules.AT_ONE.longest


def test_wrong_guesses_are_forgotten_one_by_one() -> None:
    kept = looked_at(rules.AT_ONE, [NOW] * 5 + [NOW + 5 * QUARTER] * 9)
    assert len(kept) == 10


def test_a_right_guess_takes_back_itself_and_no_wait_of_others() -> None:
    counter = rules.code_counters("s", "bob", None)[0]
    before = Guesses(NOW + 6 * QUARTER, NOW - 1)
    mine = rules.guessed_wrong(before, counter.patience, NOW)
    guess = Guess(counter, mine)
    assert rules.guessed_right(mine, guess) == Guesses(before.forgotten_at, 0)
    others = Guesses(mine.forgotten_at + QUARTER, NOW + 99_000)
    assert rules.guessed_right(others, guess) == Guesses(mine.forgotten_at, NOW + 99_000)


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (1, "1 second"),
        (29_001, "30 seconds"),
        (60_000, "60 seconds"),
        (60_001, "2 minutes"),
        (900_000, "15 minutes"),
        (7_200_000, "120 minutes"),
        (7_200_001, "3 hours"),
    ],
)
def test_a_wait_is_said_in_round_figures(milliseconds: int, words: str) -> None:
    assert rules.in_words(milliseconds) == words


# -- signing in


def test_after_five_wrong_passwords_one_waits_and_is_told_how_long(db, bob, events) -> None:
    assert fail(db, times=5).sentence == "The user name or the password is wrong."
    refused = fail(db)
    assert (refused.sentence, refused.retry_after) == ("Too many wrong guesses. Try again in 30 seconds.", 30)
    with pytest.raises(TooMany):
        sign_in(db, "bob", now=NOW + 29_999)
    assert sign_in(db, "bob", now=NOW + 30_000).person == bob
    assert [details for event, _, details in events() if event == "sign_in_failed"] == [{}] * 4 + [{"wait": 30}]


def test_waits_double_up_to_a_quarter_of_an_hour(db, bob) -> None:
    fail(db, times=5)
    now, waits = NOW, []
    for _ in range(8):
        waits.append(fail(db, now=now).retry_after)
        now += waits[-1] * 1000
        fail(db, now=now)
    assert waits == [30, 60, 120, 240, 480, 480, 900, 900]  # one was forgotten on the way


def test_a_name_that_nobody_has_is_answered_the_same(db, bob) -> None:
    said = {}
    for name in ("bob", "nobody", "no name at all, a password?"):
        refused = [fail(db, name, now=NOW + second * 1000) for second in range(8)]
        said[name] = [(each.status, each.sentence, each.retry_after) for each in refused]
    assert said["bob"] == said["nobody"] == said["no name at all, a password?"]


def test_one_network_waits_and_another_does_not(db, bob) -> None:
    fail(db, times=6)
    assert sign_in(db, "bob", caller=ELSEWHERE).person == bob
    assert isinstance(fail(db), TooMany)


def test_whoever_chooses_among_addresses_of_one_network_gains_nothing(db, bob) -> None:
    for number in range(5):
        fail(db, caller=Caller(f"2001:db8:1:2::{number}"))
    assert isinstance(fail(db, caller=Caller("2001:db8:1:2:ffff::9")), TooMany)
    assert isinstance(fail(db, caller=Caller("2001:db8:1:3::9")), NotSignedIn)


def test_other_accounts_of_a_network_are_open_meanwhile(db, bob, carol) -> None:
    fail(db, times=6)
    assert sign_in(db, "carol").person == carol


def test_strangers_never_shut_the_owner_out_of_a_browser_that_is_known(db, bob) -> None:
    device = device_of(db, bob)
    for number in range(60):
        fail(db, caller=Caller(f"198.51.100.{number}"), times=6)
    assert isinstance(fail(db), TooMany)
    assert sign_in(db, "bob", device=device).person == bob
    assert isinstance(fail(db), TooMany)


def test_many_networks_together_are_slowed_like_one(db, bob, carol) -> None:
    looked = sum(isinstance(fail(db, caller=Caller(f"198.51.{n}.1")), NotSignedIn) for n in range(200))
    assert looked == rules.OF_STRANGERS.free
    refused = fail(db, caller=Caller("203.0.113.9"))
    assert (refused.status, refused.retry_after) == (429, 30)
    assert sign_in(db, "carol", caller=Caller("203.0.113.9")).person == carol


def test_a_known_browser_that_guesses_wrong_waits_and_the_owners_other_places_do_not(db, bob) -> None:
    device = device_of(db, bob)
    fail(db, times=6, device=device)
    with pytest.raises(TooMany):
        sign_in(db, "bob", device=device)
    assert sign_in(db, "bob").person == bob


def test_a_browser_known_to_one_person_is_a_stranger_to_others(db, bob, carol) -> None:
    device = device_of(db, carol)
    fail(db, times=5)
    with pytest.raises(TooMany):
        sign_in(db, "bob", device=device)


def test_a_new_password_makes_a_known_browser_a_stranger(db, bob) -> None:
    device = device_of(db, bob)
    hashed = rules.hash_password("another horse")
    db.write_sync(partial(store.set_password, id=bob.id, password_hash=hashed, now=NOW))
    fail(db, times=5)
    with pytest.raises(TooMany):
        sign_in(db, "bob", "another horse", device=device)


def test_a_browser_remembers_the_last_four_people() -> None:
    device = Device("d", {})
    for user in ("a", "b", "c", "a", "d", "e"):
        device = rules.remembered(device, user, f"hash of {user}")
    assert set(device.marks) == {"c", "a", "d", "e"}
    assert rules.is_known(device, "a", "hash of a")
    assert not rules.is_known(device, "b", "hash of b")
    assert not rules.is_known(None, "a", "hash of a")


def test_a_list_of_names_from_one_network_is_slowed(db, bob) -> None:
    answers = [fail(db, f"name-{number}") for number in range(120)]
    assert sum(isinstance(each, NotSignedIn) for each in answers) == rules.FROM_NETWORK.free
    with pytest.raises(TooMany):
        sign_in(db, "bob")
    assert sign_in(db, "bob", caller=ELSEWHERE).person == bob


def test_right_passwords_cost_nothing_however_many_share_an_address(db, bob) -> None:
    for _ in range(120):
        sign_in(db, "bob")


def test_signing_in_well_in_between_buys_no_guesses_at_others(db, bob, carol) -> None:
    looked = 0
    for _ in range(20):
        sign_in(db, "carol")
        looked += isinstance(fail(db), NotSignedIn)
    assert looked == 5


def test_a_restart_forgives_nothing(db, bob) -> None:
    fail(db, times=6)
    db.close_sync()
    again = Database(db.path)
    assert isinstance(fail(again), TooMany)
    again.close_sync()


def test_a_hundred_guesses_at_once_are_no_more_than_a_hundred_in_turn(db, bob, monkeypatch) -> None:
    check, looked = rules.is_password, []
    monkeypatch.setattr(rules, "is_password", lambda stored, given: looked.append(1) or check(stored, given))

    async def crowd():
        given = {"session_days": 1, "secret": "a" * 64, "tally": Tally(), "caller": HERE, "now": NOW}
        tries = (sessions.sign_in(db, name="bob", password=f"wrong {n}", **given) for n in range(100))
        return await asyncio.gather(*tries, return_exceptions=True)

    answers = wait(crowd())
    assert len(looked) == 5
    assert sum(isinstance(each, TooMany) for each in answers) == 95


def test_of_ten_thousand_guesses_a_handful_is_looked_at_and_the_owner_signs_in_all_the_while(db, bob) -> None:
    device, looked = device_of(db, bob), []
    for number in range(10_000):
        now = NOW + number * 90  # in a quarter of an hour
        try:
            sign_in(db, "bob", f"guess {number}", now=now)
        except NotSignedIn:
            looked.append(now)
        except TooMany:
            pass
        if number % 1000 == 999:
            assert sign_in(db, "bob", device=device, now=now).person == bob
    assert len(looked) == 9


def test_no_name_and_no_address_stands_in_the_counters(db, bob) -> None:
    fail(db, "hunter2")
    rows = db.read_sync(lambda conn: conn.execute("SELECT counter FROM failed_guesses").fetchall())
    assert len(rows) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", row[0]) for row in rows)


def test_what_is_forgotten_is_tidied_away(db, bob) -> None:
    fail(db, times=6)
    assert people.tidy(db, NOW + QUARTER) == 1
    assert people.tidy(db, NOW + 30 * QUARTER) == 2


# -- codes


def test_whoever_types_wrong_codes_waits_and_nobody_else_does(db) -> None:
    counters = {who: rules.code_counters("s", who, "192.0.2.7") for who in ("bob", "carol", None)}
    for _ in range(5):
        wait(guesses.begin(db, counters=counters["bob"], now=NOW))
    with pytest.raises(TooMany, match="Try again in 30 seconds"):
        wait(guesses.begin(db, counters=counters["bob"], now=NOW))
    for who in ("carol", None):
        begun = wait(guesses.begin(db, counters=counters[who], now=NOW))
        db.write_sync(partial(guesses.was_right, begun=begun, now=NOW))
    assert wait(guesses.begin(db, counters=counters["bob"], now=NOW + 30_000))


# -- the form


def test_the_form_says_when_to_try_again_and_keeps_the_name(site, bob) -> None:
    for _ in range(5):
        assert site.sign_in("bob", "wrong horse").status_code == 401
    answer = site.sign_in("bob")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert "Too many wrong guesses. Try again in " in answer.text
    assert 'value="bob"' in answer.text


def test_a_browser_that_signed_in_well_is_remembered_over_its_sign_out(site, db, bob) -> None:
    cookies = site.sign_in("bob").headers.get_list("set-cookie")
    device = next(each for each in cookies if each.startswith("arena-device=")).lower()
    assert "max-age=34560000" in device
    assert "httponly" in device
    site.client.cookies.delete("arena")
    for number in range(60):
        fail(db, caller=Caller(f"198.51.100.{number}"))
    assert site.sign_in("bob").status_code == 303


def test_a_forged_memory_is_none(site, bob) -> None:
    site.client.cookies.set("arena-device", "eyJpZCI6ICJ4In0.forged")
    for _ in range(5):
        site.sign_in("bob", "wrong horse")
    assert site.sign_in("bob").status_code == 429


def test_a_link_that_sets_a_password_is_remembered_too(site, db, bob) -> None:
    token = db.write_sync(partial(links.sign_in_link, name="bob", days=7, caller=HERE, now=clock.now()))
    address = f"/join/{token}"
    data = {"csrf": site.csrf(address), "password": PASSWORD}
    site.client.post(address, data=data, follow_redirects=False)
    assert "arena-device" in site.client.cookies
