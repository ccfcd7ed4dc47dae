"""Mail over a real socket: what a letter looks like, and what becomes of it when its server misbehaves."""

import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from arena.core import mail
from arena.core.config import Config, Secret
from arena.core.config import Mail as Settings
from arena.core.db import Database
from arena.deliveries.actions import enqueue
from arena.deliveries.models import Mail
from tests.conftest import NOW
from tests.deliveries.conftest import Sent
from tests.peers.certificate import certificate
from tests.peers.mailbox import PASSWORD, Mailbox, said

LETTER = Mail(
    "bob@example.org", "Bøb, the “Builder”", "A ☂ subject", "A text.\n", "<p>A text.</p>\n", "https://arena.test/u/1"
)


@pytest.fixture
def queued(db: Database) -> None:
    db.write_sync(partial(enqueue, message=LETTER, topic="notice", now=NOW))


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A certificate for 127.0.0.1 that this machine trusts."""
    cert, key = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    mail._trust.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    yield context
    mail._trust.cache_clear()


def by(mailbox: Mailbox, **more: object) -> Config:
    made = Settings(host="127.0.0.1", port=mailbox.port, sender="Arena <arena@example.org>")
    return Config(mail=replace(made, **more))


@pytest.mark.usefixtures("queued")
def test_a_letter_has_its_headers_and_both_its_parts(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    assert sent() == [("sent", 1, None)]
    (letter,) = mailbox.letters
    id = db.read_sync(lambda conn: conn.execute("SELECT id FROM deliveries").fetchone()[0])
    assert letter["Message-ID"] == f"<{id}@example.org>"
    assert letter["From"] == "Arena <arena@example.org>"
    assert letter["To"].addresses[0].display_name == LETTER.name
    assert letter["To"].addresses[0].addr_spec == "bob@example.org"
    assert letter["Subject"] == "A ☂ subject"
    assert letter["Date"].datetime.timestamp() == NOW / 1000
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] == "<https://arena.test/u/1>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.get_content_type() == "multipart/alternative"
    assert (said(letter), said(letter, "html")) == ("A text.\n", "<p>A text.</p>\n")
    assert not letter.defects
    assert mailbox.rcpt == ["bob@example.org"]


def test_what_somebody_typed_makes_no_header(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    nasty = "Bob\r\nBcc: all@example.org\r\n\r\nBuy"
    letter = Mail("bob@example.org", nasty, nasty + "\u2028\u0085x", "A text.\n")
    db.write_sync(partial(enqueue, message=letter, topic="notice", now=NOW))
    assert sent() == [("sent", 1, None)]
    (got,) = mailbox.letters
    assert got["Bcc"] is None
    assert got["Subject"] == "Bob Bcc: all@example.org Buy x"
    assert got["To"].addresses[0].display_name == "Bob Bcc: all@example.org Buy"
    assert "List-Unsubscribe" not in got
    assert said(got) == "A text.\n"
    assert mailbox.rcpt == ["bob@example.org"]


def test_a_letter_in_any_script_travels_in_seven_bits(db: Database, sent: Sent, mailbox: Mailbox) -> None:
    text = "한국어 日本語 ☂\n" + "x" * 2_000 + "\n.\n..\n"
    letter = Mail("bob@example.org", "가나다", "日本語 " * 40, text, f"<p>{text}</p>")
    db.write_sync(partial(enqueue, message=letter, topic="notice", now=NOW))
    assert sent() == [("sent", 1, None)]
    (got,) = mailbox.letters
    assert got.as_bytes().isascii()
    assert max(map(len, got.as_bytes().splitlines())) <= 998
    assert (said(got), got["Subject"].strip()) == (text, ("日本語 " * 40).strip())


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("451 come back later", "The mail server refused the message (451 come back later)."),
        ("rcpt 450 greylisted", "The mail server refused the recipient (450 greylisted)."),
        ("drop", "The mail server could not be reached, or broke off (SMTPServerDisconnected)."),
    ],
)
def test_a_letter_is_tried_again_as_the_same_letter(sent: Sent, mailbox: Mailbox, fault: str, problem: str) -> None:
    mailbox.faults = [fault]
    assert sent() == [("queued", 1, problem)]
    assert sent(0.2) == [("queued", 1, problem)], "not before its pause is over"
    assert sent(1) == [("sent", 2, None)]
    assert len({letter["Message-ID"] for letter in mailbox.letters}) == 1
    assert len({letter.as_bytes() for letter in mailbox.letters}) == 1
    assert len(mailbox.letters) == (2 if fault == "drop" else 1)


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("554 spam", "The mail server refused the message (554 spam)."),
        ("rcpt 550 no such\tuser", "The mail server refused the recipient (550 no such user)."),
    ],
)
def test_a_letter_that_is_refused_for_good_is_given_up(sent: Sent, mailbox: Mailbox, fault: str, problem: str) -> None:
    mailbox.faults = [fault]
    assert sent() == [("dead", 1, problem)]


@pytest.mark.usefixtures("queued")
def test_a_server_that_hangs_up_after_its_yes_has_taken_the_letter(sent: Sent, mailbox: Mailbox) -> None:
    mailbox.faults = ["rude"]
    assert sent() == [("sent", 1, None)]
    assert len(mailbox.letters) == 1


@pytest.mark.usefixtures("queued")
def test_a_server_that_is_down_for_a_while_loses_nothing(sent: Sent, mailbox: Mailbox) -> None:
    mailbox.close()
    for minute in (0, 1, 3, 7):
        ((state, _, problem),) = sent(minute)
        assert (state, problem) == (
            "queued",
            "The mail server could not be reached, or broke off (ConnectionRefusedError).",
        )
    mailbox.start()
    assert sent(20) == [("sent", 5, None)]
    assert len(mailbox.letters) == 1


@pytest.mark.usefixtures("queued")
def test_a_server_that_is_down_is_tried_with_one_letter_not_with_all(
    db: Database, sent: Sent, mailbox: Mailbox
) -> None:
    for _ in range(5):
        db.write_sync(partial(enqueue, message=LETTER, topic="notice", now=NOW))
    mailbox.close()
    assert sorted(tries for _, tries, _ in sent()) == [0, 0, 0, 0, 0, 1]
    assert sorted(tries for _, tries, _ in sent(0.1)) == [0, 0, 0, 0, 1, 1]
    mailbox.start()
    assert {state for state, _, _ in sent(1)} == {"sent"}
    assert len(mailbox.letters) == 6


@pytest.mark.usefixtures("queued")
def test_a_slow_server_is_not_waited_for_for_ever(
    sent: Sent, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "WHOLE", 0.2)
    mailbox.faults = [0.6]
    assert sent() == [("queued", 1, "The mail server did not answer in time.")]
    monkeypatch.undo()
    assert sent(1) == [("sent", 2, None)]


@pytest.mark.usefixtures("queued")
def test_nothing_is_sent_in_clear_where_encryption_is_asked_for(sent: Sent, mailbox: Mailbox) -> None:
    ((state, _, problem),) = sent(by=by(mailbox))
    assert (state, problem) == (
        "queued",
        "The mail server does not offer the encryption or login that [mail] asks for.",
    )
    assert mailbox.letters == []


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_travels_encrypted_after_a_login(sent: Sent, tls: ssl.SSLContext, security: str) -> None:
    mailbox = Mailbox(tls=tls, offers_tls=security == "starttls", login=True)
    config = by(mailbox, security=security, user="arena", password=Secret("wrong"))
    ((state, _, problem),) = sent(by=config)
    assert state == "queued"
    assert "does not accept this box's login (535" in str(problem)
    config = by(mailbox, security=security, user="arena", password=Secret(PASSWORD))
    assert sent(1, by=config) == [("sent", 2, None)]
    mailbox.close()
    assert mailbox.secured == [security == "starttls"], "of a socket that was wrapped from the start it does not know"
    assert ("arena", PASSWORD) in mailbox.logins


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    sent: Sent, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    mail._trust.cache_clear()
    mailbox = Mailbox(tls=tls, offers_tls=security == "starttls")
    ((state, _, problem),) = sent(by=by(mailbox, security=security))
    mailbox.close()
    assert state == "queued"
    assert "certificate" in str(problem)
    assert mailbox.letters == []
