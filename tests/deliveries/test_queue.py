"""The queue: one row a message, one sender a row, and what becomes of it."""

import sqlite3
import threading
from functools import partial

import pytest

from arena.audit.models import OPERATOR
from arena.core.clock import DAY, MINUTE
from arena.core.config import Config
from arena.core.db import Database
from arena.deliveries import actions, rules, store
from arena.deliveries.actions import enqueue, send_waiting
from arena.deliveries.models import Mail
from tests.conftest import NOW, PEOPLE
from tests.deliveries.conftest import Sent
from tests.peers.mailbox import Mailbox

LETTER = Mail("bob@example.org", "Bob", "A subject", "A text.\n")


def contents(db: Database) -> list[str | None]:
    return [row[0] for row in db.read_sync(lambda conn: conn.execute("SELECT content FROM deliveries").fetchall())]


def put(db: Database, *, topic: str = "notice", now: int = NOW, **more: object) -> bool:
    return db.write_sync(partial(enqueue, message=LETTER, topic=topic, now=now, **more))  # type: ignore[arg-type]


def test_a_message_of_a_key_is_put_in_once(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    assert [put(db, key="digest:2026-W47:bob"), put(db, key="digest:2026-W47:bob"), put(db), put(db)] == [
        True,
        False,
        True,
        True,
    ]
    assert [state for state, _, _ in sent()] == ["sent"] * 3
    assert put(db, key="digest:2026-W47:bob") is False
    assert len(mailbox.letters) == 3


def test_a_message_goes_with_the_write_that_tells_of_it(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    def broken(conn: sqlite3.Connection) -> None:
        enqueue(conn, LETTER, topic="notice", now=NOW)
        raise ValueError("the deed fails")

    with pytest.raises(ValueError, match="the deed fails"):
        db.write_sync(broken)
    assert sent() == []
    assert mailbox.letters == []


def test_what_a_message_said_is_forgotten_once_it_is_sent(db: Database, sent: Sent) -> None:
    put(db)
    assert "A text." in str(contents(db))
    sent()
    assert contents(db) == [None]


@pytest.mark.parametrize("is_secret", [True, False])
def test_a_dead_message_keeps_what_it_said_unless_that_is_secret(
    db: Database, sent: Sent, mailbox: Mailbox, is_secret: bool
) -> None:
    mailbox.faults = ["rcpt 550 no such user"]
    put(db, is_secret=is_secret)
    assert sent() == [("dead", 1, "The mail server refused the recipient (550 no such user).")]
    assert [content is None for content in contents(db)] == [is_secret]
    id = db.read_sync(lambda conn: store.deliveries(conn, "dead", "mail", "", 9))[0].id
    assert (
        db.write_sync(partial(actions.send_again, id=id, caller=OPERATOR, now=NOW, by=PEOPLE["alice"])) is not is_secret
    )
    assert sent()[0][0] == ("dead" if is_secret else "sent")
    assert len(mailbox.letters) == int(not is_secret)


def test_two_workers_at_once_send_each_message_once(db: Database, config: Config, mailbox: Mailbox) -> None:
    for _ in range(10):
        put(db)
    other = Database(db.path)
    both = [threading.Thread(target=send_waiting, args=(each, config, lambda: NOW)) for each in (db, other)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    send_waiting(db, config, lambda: NOW)  # whoever came second to the last one went away
    other.close_sync()
    assert len({letter["Message-ID"] for letter in mailbox.letters}) == len(mailbox.letters) == 10


def test_what_a_killed_worker_held_is_sent_when_its_lease_is_over(
    db: Database, config: Config, sent: Sent, mailbox: Mailbox
) -> None:
    put(db)
    claimed = db.write_sync(partial(actions._claim, kind="mail", is_on=True, now=NOW))
    assert claimed is not None
    assert [state for state, _, _ in sent(0.9)] == ["running"]
    assert [state for state, _, _ in sent(1.1)] == ["sent"]
    assert len(mailbox.letters) == 1
    late = partial(actions._settle, claimed=claimed, no=None, chance=0.5, now=NOW)
    assert db.write_sync(late) is False, "whoever lost the lease has no say"


def test_a_message_that_takes_its_sender_down_ends(db: Database, sent: Sent) -> None:
    put(db, lasts=365 * DAY)
    now = NOW
    for _ in range(rules.ATTEMPTS):
        assert db.write_sync(partial(actions._claim, kind="mail", is_on=True, now=now))
        now += 2 * MINUTE
    assert db.write_sync(partial(actions._claim, kind="mail", is_on=True, now=now)) is None
    assert [state for state, _, _ in sent()] == ["dead"]


def test_a_message_is_not_sent_after_its_time(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    put(db, lasts=60 * MINUTE)
    assert sent(60) == [("dead", 0, "It could not be sent in time.")]
    assert mailbox.letters == []
    assert db.read_sync(store.outcomes) == {("mail", "dead"): 1}


def test_without_a_mail_server_mail_waits(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    put(db)
    assert sent(by=Config()) == [("queued", 0, None)]
    assert [state for state, _, _ in sent()] == ["sent"]
    assert len(mailbox.letters) == 1


def test_messages_of_a_person_go_with_them(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    put(db, user_id=PEOPLE["bob"])
    put(db, user_id=PEOPLE["alice"])
    db.write_sync(lambda conn: actions.forget(conn, PEOPLE["bob"]))
    assert [state for state, _, _ in sent()] == ["sent"]
    assert len(mailbox.letters) == 1


def test_old_messages_are_deleted_once_nobody_waits_for_them(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    put(db)
    sent()
    mailbox.faults = ["rcpt 550 no"]
    put(db)
    sent()
    put(db, lasts=400 * DAY)
    assert actions.prune(db, days=30, now=NOW + 30 * DAY) == 0
    assert actions.prune(db, days=30, now=NOW + 31 * DAY) == 2
    assert [state for state, _, _ in sent()] == ["sent"]


def test_what_comes_of_trying_is_counted(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    mailbox.faults = ["451 later", "rcpt 550 no"]
    for _ in range(3):
        put(db)
    sent()
    stands = db.read_sync(actions.waiting)
    assert stands.outcomes == {("mail", "again"): 1, ("mail", "dead"): 1, ("mail", "sent"): 1}
    assert stands.states == {("queued", "mail"): 1, ("dead", "mail"): 1, ("sent", "mail"): 1}
    assert stands.oldest_at == NOW


def test_pauses_double_up_to_an_hour_and_the_other_side_is_believed_up_to_a_day() -> None:
    assert [rules.pause(n, 0, 0.5) for n in (1, 2, 3, 8, 30)] == [30_000, 60_000, 120_000, 3_600_000, 3_600_000]
    assert (rules.pause(1, 0, 0.0), rules.pause(1, 0, 1.0)) == (15_000, 45_000)
    assert rules.pause(1, 120, 0.5) == 120_000
    assert rules.pause(1, 10**9, 0.5) == DAY


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (" Bob.Smith+x@Example.ORG ", "Bob.Smith+x@example.org"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("bob", None),
        ("@example.org", None),
        ("bob@", None),
        ("bob@localhost", None),
        ("bob@example.org\nBcc: all@example.org", None),
        ("bob@@example.org", None),
        ("bob smith@example.org", None),
        ("bob..smith@example.org", None),
        ("bøb@example.org", None),
        ("bob@-example.org", None),
        ("bob@exa_mple.org", None),
        ('"bob"@example.org', None),
        ("Bob <bob@example.org>", None),
        ("b" * 65 + "@example.org", None),
        ("bob@" + "a" * 64 + ".org", None),
        ("b" * 64 + "@" + "a." * 95 + "org", None),
        ("", None),
    ],
)
def test_an_address_of_mail_is_written_as_it_is_sent_to(typed: str, written: str | None) -> None:
    assert rules.mail_address(typed) == written


def test_an_address_is_masked_for_everybody_but_its_owner() -> None:
    assert rules.masked("bob@example.org") == "b…@example.org"
    assert rules.masked("slack") == "slack"
