"""What reaches people by mail: how often it may be asked for, what is kept of it, and what happened to an account."""

from functools import partial
from urllib.parse import quote

import pytest

from arena.accounts import rules, store
from arena.accounts.actions import keys, links, mailing, notices, people, sessions
from arena.audit.models import OPERATOR, Caller
from arena.core.clock import DAY, HOUR
from arena.core.errors import Invalid, NotFound, TooMany
from arena.core.letters import Letterhead, letter

from .conftest import HERE, NOW, join, wait

HEAD = Letterhead("arena", "https://arena.test", "UTC")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def confirm(db, person, address: str = "bob@example.org") -> None:
    db.write_sync(partial(store.set_email, user_id=person.id, email=address, now=NOW))


def ask(db, person, address: str = "bob@example.org", now: int = NOW) -> str:
    deed = partial(mailing.ask_address, user_id=person.id, typed=address, head=HEAD, caller=HERE, now=now)
    return db.write_sync(deed)


def mailed(db) -> list[tuple[str, str, str]]:
    """Topic, recipient and content of what waits, the oldest first."""
    sql = "SELECT topic, recipient, content FROM deliveries ORDER BY rowid"
    return [tuple(row) for row in db.read_sync(lambda conn: conn.execute(sql).fetchall())]


def token_of(content: str) -> str:
    return content.partition("/settings/email/")[2].partition("\\n")[0].partition('"')[0]


# -- the address


@pytest.mark.parametrize("typed", ["", "bob", "bob@localhost", "bob@example.org, all@example.org", "bob@ex ample.org"])
def test_what_is_no_address_is_refused(db, bob, typed) -> None:
    with pytest.raises(Invalid, match="This is no address that mail can go to"):
        ask(db, bob, typed)
    assert mailed(db) == []


def test_only_the_newest_link_confirms_and_only_for_a_day(db, bob) -> None:
    ask(db, bob, "one@example.org")
    ask(db, bob, "two@example.org")
    first, second = (token_of(content) for _, _, content in mailed(db))
    look = partial(mailing.look_at_address, user_id=bob.id)
    with pytest.raises(NotFound, match="a newer one has taken its place"):
        db.read_sync(partial(look, token=first, now=NOW))
    assert db.read_sync(partial(look, token=second, now=NOW + DAY - 1)).email == "two@example.org"
    with pytest.raises(NotFound, match="it is over"):
        db.read_sync(partial(look, token=second, now=NOW + DAY))
    people.tidy(db, NOW + DAY)
    assert db.read_sync(partial(store.mail_of, user_id=bob.id)).asked is None


def test_a_person_has_five_links_mailed_in_a_day(db, bob) -> None:
    for number in range(mailing.CONFIRMS_A_DAY):
        ask(db, bob, f"bob{number}@example.org")
    with pytest.raises(TooMany, match="Try again tomorrow"):
        ask(db, bob, "bob9@example.org")
    assert ask(db, bob, "bob9@example.org", NOW + DAY + 1) == "bob9@example.org"


def test_the_address_of_now_is_not_confirmed_again(db, bob) -> None:
    confirm(db, bob)
    with pytest.raises(Invalid, match="goes to this address already"):
        ask(db, bob)


def test_whoever_is_deleted_takes_their_mail_along(db, alice, bob) -> None:
    confirm(db, bob)
    ask(db, bob, "new@example.org")
    db.write_sync(partial(people.delete_user, name="bob", caller=HERE, now=NOW))
    assert mailed(db) == []
    assert db.read_sync(lambda conn: conn.execute("SELECT COUNT(*) FROM email_links").fetchone()[0]) == 0


def test_a_box_that_sends_no_mail_any_more_puts_none_into_the_queue(db, bob) -> None:
    confirm(db, bob)
    db.write_sync(partial(mailing.remove_address, user_id=bob.id, head=None, caller=HERE, now=NOW))
    assert db.read_sync(partial(store.mail_of, user_id=bob.id)).email is None
    assert mailed(db) == []


def test_without_an_address_there_is_no_weekly_mail(db, bob) -> None:
    deed = partial(mailing.set_digest, user_id=bob.id, wanted=True, caller=HERE, now=NOW)
    with pytest.raises(Invalid, match="Confirm an address first"):
        db.write_sync(deed)
    confirm(db, bob)
    db.write_sync(deed)
    assert db.read_sync(partial(store.mail_of, user_id=bob.id)).weekly_digest
    db.write_sync(partial(mailing.remove_address, user_id=bob.id, head=HEAD, caller=HERE, now=NOW))
    assert not db.read_sync(partial(store.mail_of, user_id=bob.id)).weekly_digest


def test_the_weekly_mail_ends_by_one_click_and_nothing_else_does(site, db, bob) -> None:
    confirm(db, bob)
    db.write_sync(partial(mailing.set_digest, user_id=bob.id, wanted=True, caller=HERE, now=NOW))
    secret = site.client.app.state.box.secret
    off = f"/mail/off/{rules.off_token(secret, bob.id)}"
    wanted = lambda: db.read_sync(partial(store.mail_of, user_id=bob.id)).weekly_digest  # noqa: E731
    for wrong in (
        f"/mail/off/{bob.id}",
        off[:-1],
        f"/mail/off/{quote('é')}.x",
        f"/mail/off/{rules.off_token('x', bob.id)}",
    ):
        assert site.client.post(wrong).status_code == 404
    assert "End the<br>weekly mail?" in site.client.get(off).text
    assert wanted(), "a program that opens links of mail ends nothing"
    answer = site.client.post(off, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, wanted()) == (200, False)
    assert site.client.post(off).status_code == 200, "twice does no harm"


# -- a new password


def reset(db, typed: str, now: int = NOW, address: str = "192.0.2.7") -> None:
    caller = Caller(address, FIREFOX)
    wait(mailing.ask_reset(db, typed=typed, head=HEAD, secret="a" * 64, caller=caller, now=now))


def test_a_link_for_a_new_password_lasts_an_hour_and_is_said_where_it_was_asked_for(db, bob) -> None:
    confirm(db, bob)
    reset(db, " BOB ")
    ((topic, to, content),) = mailed(db)
    assert (topic, to) == ("password_reset", "bob@example.org")
    assert "from 192.0.2.7 with Firefox on Linux" in content
    token = content.partition("/join/")[2].partition("\\n")[0]
    with pytest.raises(NotFound, match="expired"):
        db.read_sync(partial(links.look_at_link, token=token, now=NOW + HOUR))
    other = links.sign_in_link
    left = db.write_sync(partial(other, name="bob", days=1, caller=HERE, now=NOW - 1))
    reset(db, "bob")
    token = mailed(db)[-1][2].partition("/join/")[2].partition("\\n")[0]
    join(db, token, password="battery staple horse")
    with pytest.raises(NotFound):
        db.read_sync(partial(links.look_at_link, token=left, now=NOW))


def test_nobody_without_a_confirmed_address_or_access_is_mailed(db, alice, bob, carol) -> None:
    confirm(db, carol, "carol@example.org")
    db.write_sync(partial(people.disable_user, name="carol", caller=HERE, now=NOW))
    for typed in ("bob", "carol", "carol@example.org", "nobody", "@", "x" * 300):
        reset(db, typed)
    assert mailed(db) == []


def test_everybody_with_an_address_is_mailed_under_their_own_name(db, bob, carol) -> None:
    for each in (bob, carol):
        confirm(db, each, "Both@example.org")
    reset(db, "both@EXAMPLE.org")
    found = mailed(db)
    assert [("account bob" in content, "account carol" in content) for _, _, content in found] == [
        (True, False),
        (False, True),
    ]


def test_questions_for_one_name_are_few_whether_anybody_has_it_or_not(db, bob) -> None:
    confirm(db, bob)
    for typed in ("bob", "nobody"):
        for number in range(3):
            reset(db, typed, address=f"192.0.2.{number}")
        with pytest.raises(TooMany):
            reset(db, typed.upper(), address="192.0.2.9")
    assert len(mailed(db)) == 3


def test_questions_from_one_network_are_few(db) -> None:
    for number in range(20):
        reset(db, f"nobody-{number}")
    with pytest.raises(TooMany):
        reset(db, "another")
    reset(db, "another", address="198.51.100.1")


# -- notices


def tell(db, now: int = NOW) -> list[tuple[str, str]]:
    """Send notices; topic and content of all there ever were."""
    notices.send_notices(db, head=HEAD, now=now)
    return [(topic, content) for topic, _, content in mailed(db)]


def test_what_happens_to_an_account_is_told_to_its_person_once(db, alice, bob) -> None:
    confirm(db, bob)
    assert tell(db) == [], "what was before is not told"
    make = partial(keys.make_key, user_id=bob.id, caller=Caller("192.0.2.7", FIREFOX), now=NOW)
    key = db.write_sync(make)
    db.write_sync(partial(people.promote_user, name="bob", caller=HERE, now=NOW, by=alice.id))
    db.write_sync(partial(keys.make_key, user_id=alice.id, caller=HERE, now=NOW))
    (topic, made), (other, promoted) = tell(db)
    assert (topic, other) == ("api_key_generated", "user_promoted")
    assert key[:19] in made
    assert key not in made
    assert "from 192.0.2.7 with Firefox on Linux" in made
    assert "by an administrator" in promoted
    assert HERE.address not in promoted, "where an administrator was is not for its person"
    assert len(tell(db)) == 2


def test_old_news_is_not_told(db, bob) -> None:
    confirm(db, bob)
    tell(db)
    db.write_sync(partial(keys.make_key, user_id=bob.id, caller=HERE, now=NOW))
    assert tell(db, NOW + DAY) == []


def test_a_sign_in_is_told_if_browser_or_network_are_new(db, bob) -> None:
    confirm(db, bob)
    tell(db)

    def sign_in(address: str, agent: str, now: int) -> None:
        deed = partial(sessions.open_session, person=bob, days=1, caller=Caller(address, agent), now=now, previous=None)
        db.write_sync(deed)

    sign_in("192.0.2.7", FIREFOX, NOW)
    assert tell(db) == [], "the first one ever"
    sign_in("192.0.2.7", FIREFOX.replace("140", "141"), NOW + 1)
    assert tell(db) == [], "an update is no new browser"
    sign_in("192.0.2.8", FIREFOX, NOW + 2)
    sign_in("192.0.2.7", "curl/8.0", NOW + 3)
    assert [topic for topic, _ in tell(db)] == ["user_signed_in"] * 2
    sign_in("192.0.2.8", FIREFOX, NOW + 4)
    assert len(tell(db)) == 2


def test_every_notice_has_words_for_what_the_log_may_say(db, bob) -> None:
    confirm(db, bob)
    tell(db)
    from arena.audit.actions import note

    for event in notices.TOLD:
        db.write_sync(partial(note, event=event, user_id=bob.id, caller=OPERATOR, now=NOW))
    told = tell(db)
    assert {topic for topic, _ in told} == set(notices.TOLD) - {"user_signed_in"}
    assert all("from the machine of the box itself" in content for _, content in told)


# -- letters


LETTERS = ("address_changed", "confirm_address", "digest", "invitation", "notice", "password_reset", "test")


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_ends_its_sentences_and_escapes_names(name) -> None:
    about = dict.fromkeys(("by", "until", "link", "place", "name", "at", "what", "title"), "https://a.test/x")
    week = dict.fromkeys(("days", "rank", "of", "moved", "score", "tokens", "cost", "sessions", "streak", "scope"), "1")
    made = letter(
        name, HEAD, **about, is_removed=False, person="<b>Bob</b>", off="https://off.test", week={**week, "top": []}
    )
    assert "\n" not in made.subject
    assert made.subject
    assert "<b>Bob" not in made.html
    assert "!" not in made.text
    assert made.html.startswith("<!doctype html>")
