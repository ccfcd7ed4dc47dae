"""Mail from a page to a mailbox: a real box, its worker, and a mail server over a socket."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest

from arena.accounts.actions import links, people
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.deliveries.actions import enqueue
from arena.deliveries.models import Mail
from tests.flows.conftest import Serve, end
from tests.flows.serving import Person, Serving, Visitor, arena, get, session, wait_until
from tests.peers.mailbox import Mailbox, said, wait_for

PASSWORD = "correct horse battery"
NEW = "battery staple horse"
_numbers = count(1)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture(scope="module")
def mailing_box(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Serving]:
    box = Serving(tmp_path_factory.mktemp("mailing") / "data", **mailbox.env()).start()
    yield box
    end(box)


@pytest.fixture
def name() -> str:
    return f"bob-{next(_numbers)}"


@contextmanager
def signed_in(box: Serving, name: str, role: Any = "member", **more: str) -> Iterator[Visitor]:
    """The browser of somebody new."""

    def write(conn: Any) -> str:
        people.add_user(conn, name=name, role=role, caller=OPERATOR, now=clock.now())
        return links.sign_in_link(conn, name=name, days=1, caller=OPERATOR, now=clock.now())

    token = box.write(write)
    with Visitor(box) as visitor:
        visitor.headers.update(more)
        assert visitor.join(f"{box.url}/join/{token}", name, PASSWORD).status_code == 200
        yield visitor


def send(visitor: Visitor, page: str, path: str, **data: str) -> httpx.Response:
    return visitor.post(path, data={"csrf": visitor.csrf(page), **data})


def link_in(letter: Any, box: Serving) -> str:
    found = re.search(rf"^{re.escape(box.url)}/\S+$", said(letter), re.M)
    assert found, said(letter)
    assert f'href="{found[0]}"' in said(letter, "html")
    return found[0]


def with_address(box: Serving, name: str, address: str) -> None:
    """Confirm an address of somebody, as their click on a link would."""

    def write(conn: Any) -> None:
        id = people.someone(conn, name).id
        conn.execute("UPDATE users SET email = ?, email_verified_at = 1 WHERE id = ?", (address, id))

    box.write(write)


def test_an_address_is_confirmed_by_its_owner_and_changed_with_a_word_to_the_old_one(
    mailing_box: Serving, mailbox: Mailbox, name: str
) -> None:
    old, new = f"{name}@example.org", f"{name}@example.net"
    with signed_in(mailing_box, name) as bob:
        page = send(bob, "/settings", "/settings/email", email=f" {old.upper()} ").text
        assert "A link is on its way there." in page
        (letter,) = wait_for(mailbox, f"{name.upper()}@example.org")
        link = link_in(letter, mailing_box)
        token = link.rsplit("/", 1)[1]
        assert token not in str(mailing_box.ask("SELECT * FROM email_links"))
        assert old in bob.get(link).text.lower(), "a program that opens links of mail confirms nothing"
        assert bob.get("/api/me").json()["data"]["email"] is None
        assert "The address is confirmed" in send(bob, link, link).text
        assert bob.get("/api/me").json()["data"]["email"].lower() == old
        assert bob.get(link).status_code == 404, "it works once"
        send(bob, "/settings", "/settings/email", email=new)
        link = link_in(wait_for(mailbox, new)[0], mailing_box)
        assert "The address is confirmed" in send(bob, link, link).text
        told = wait_for(mailbox, f"{name.upper()}@example.org", 2)[1]
        assert told["Subject"] == "Your address at arena was changed"
        assert new not in told.as_string()
        assert "Mail to you goes nowhere any more." in send(bob, "/settings", "/settings/email/remove").text
        assert "its address was removed" in said(wait_for(mailbox, new, 2)[1])
    details = mailing_box.ask("SELECT details FROM security_audit_log WHERE event_type = 'email_changed'")
    assert "example" not in str(details)


def test_an_address_needs_a_fresh_sign_in(mailing_box: Serving, name: str) -> None:
    with signed_in(mailing_box, name) as bob:
        with_address(mailing_box, name, f"{name}@example.org")
        older = "UPDATE web_sessions SET created_at = created_at - 3600000 WHERE user_id = ?"
        mailing_box.write(lambda conn: conn.execute(older, (id_of(mailing_box, name),)) and None)
        for path, data in (("/settings/email", {"email": "mallory@example.org"}), ("/settings/email/remove", {})):
            answer = send(bob, "/settings", path, **data)
            assert (answer.url.path, answer.url.params["again"]) == ("/sign-in", "yes")
    assert mailing_box.ask("SELECT email FROM users WHERE username = :name", name=name) == [(f"{name}@example.org",)]
    assert mailing_box.ask("SELECT 1 FROM deliveries WHERE recipient LIKE 'mallory%'") == []


def test_a_link_of_another_account_confirms_nothing(mailing_box: Serving, mailbox: Mailbox, name: str) -> None:
    with signed_in(mailing_box, name) as bob, signed_in(mailing_box, f"{name}-mallory") as mallory:
        send(mallory, "/settings", "/settings/email", email=f"{name}@example.org")
        link = link_in(wait_for(mailbox, f"{name}@example.org")[0], mailing_box)
        assert bob.get(link).status_code == 404
        assert bob.post(link, data={"csrf": bob.csrf("/settings")}).status_code == 404


def test_an_invitation_comes_by_mail_and_opens_the_box(mailing_box: Serving, mailbox: Mailbox, name: str) -> None:
    address = f"{name}@example.org"
    with signed_in(mailing_box, f"{name}-root", "admin") as root:
        page = send(root, "/admin", "/admin/invitations", name=name, role="member", email=address).text
        assert f"An invitation is on its way to {address}." in page
        assert "/join/" not in page, "whoever invites does not see the link"
        (letter,) = wait_for(mailbox, address)
        page = send(root, "/admin", "/admin/invitations", name="x" * 3, role="member", email="nowhere").text
        assert "This is no address that mail can go to." in page
        assert 'value="nowhere"' in page, "what was typed stays"
    assert letter["Subject"] == "You are invited to arena"
    link = link_in(letter, mailing_box)
    wait_until(lambda: mailing_box.ask("SELECT 1 FROM deliveries WHERE content LIKE '%/join/%'") == [], 10)
    with Visitor(mailing_box) as bob:
        assert bob.join(link, name).status_code == 200
        assert bob.get("/dashboard").status_code == 200


def test_the_operator_invites_by_mail_too(mailing_box: Serving, mailbox: Mailbox, name: str) -> None:
    run = partial(arena, "admin", "users", "invite", name, "--data", str(mailing_box.data), "--mail")
    done = run(f"{name}@example.org", **mailbox.env())
    assert (done.returncode, done.stdout.strip()) == (
        0,
        f"An invitation to {name}@example.org waits; `arena serve` sends it within a minute.",
    )
    assert "this box sends no mail" in run(f"{name}@example.org").stderr
    assert "This is no address" in run("nowhere", **mailbox.env()).stderr
    waiting = "SELECT topic, is_secret FROM deliveries WHERE recipient = :to"
    assert mailing_box.ask(waiting, to=f"{name}@example.org") == [("invitation", 1)]


def test_a_test_letter_says_what_the_server_said(mailing_box: Serving, mailbox: Mailbox, name: str) -> None:
    run = partial(arena, "admin", "mail", "test", f"{name}@example.org", "--data", str(mailing_box.data))
    done = run(**mailbox.env())
    assert (done.returncode, done.stdout.strip()) == (0, f"127.0.0.1 took the letter to {name}@example.org.")
    assert mailing_box.url in said(mailbox.to(f"{name}@example.org")[0])
    mailbox.faults = ["rcpt 550 no such user"]
    done = run(**mailbox.env())
    assert done.returncode == 1
    assert done.stderr.strip() == "arena admin: The mail server refused the recipient (550 no such user)."
    assert "this box sends no mail" in run().stderr


def test_a_forgotten_password_is_set_anew_and_ends_every_browser(
    mailing_box: Serving, mailbox: Mailbox, name: str
) -> None:
    address = f"{name}@example.org"
    with signed_in(mailing_box, name) as old, Visitor(mailing_box) as fresh:
        with_address(mailing_box, name, address)
        page = send(fresh, "/sign-in/forgot", "/sign-in/forgot", who=address.upper()).text
        assert "Look into<br>your mailbox." in page
        (letter,) = wait_for(mailbox, address)
        assert letter["Subject"] == "Set a new password at arena"
        assert f"account {name}" in said(letter)
        link = link_in(letter, mailing_box)
        assert old.get("/dashboard").url.path == "/dashboard"
        assert fresh.join(link, name, NEW).status_code == 200
        assert fresh.get("/dashboard").url.path == "/dashboard"
        assert old.get("/dashboard").url.path == "/sign-in", "other browsers are signed out"
        assert fresh.get(link).status_code == 404, "it works once"
    asked = mailing_box.ask(
        "SELECT details FROM security_audit_log JOIN users u ON u.id = user_id "
        "WHERE event_type = 'password_reset_asked' AND u.username = :name",
        name=name,
    )
    assert len(asked) == 1
    assert "You are invited" not in said(letter)


def test_nothing_tells_whether_there_is_somebody_to_mail(mailing_box: Serving, mailbox: Mailbox, name: str) -> None:
    with signed_in(mailing_box, name), signed_in(mailing_box, f"{name}-silent"):
        with_address(mailing_box, name, f"{name}@example.org")
        answers = set()
        for who in (name, f"{name}@example.org", f"{name}-silent", f"{name}-nobody", "nobody@example.org"):
            with Visitor(mailing_box) as fresh:
                fresh.follow_redirects = False
                answer = send(fresh, "/sign-in/forgot", "/sign-in/forgot", who=who)
                shown = fresh.get(answer.headers["location"]).text
                shown = re.sub(r"[0-9a-f]{64}", "", shown)
                answers.add((answer.status_code, answer.headers["location"], answer.text, shown))
        assert len(answers) == 1
    wait_for(mailbox, f"{name}@example.org", 2)
    to_others = "SELECT COUNT(*) FROM deliveries WHERE topic = 'password_reset' AND recipient NOT LIKE :name || '%'"
    assert mailing_box.ask(to_others, name=name.split("-", maxsplit=1)[0]) == [(0,)]


def test_the_address_in_a_letter_is_the_boxs_own_whatever_host_somebody_names(
    mailing_box: Serving, mailbox: Mailbox, name: str
) -> None:
    with signed_in(mailing_box, name), Visitor(mailing_box) as fresh:
        with_address(mailing_box, name, f"{name}@example.org")
        data = {"csrf": fresh.csrf("/sign-in/forgot"), "who": name}
        assert fresh.post("/sign-in/forgot", data=data, headers={"Host": "evil.example"}).status_code == 200
    (letter,) = wait_for(mailbox, f"{name}@example.org")
    assert link_in(letter, mailing_box).startswith(f"{mailing_box.url}/join/")
    assert "evil.example" not in letter.as_string()


def test_an_address_is_shown_to_its_person_alone_and_goes_with_them(mailing_box: Serving, name: str) -> None:
    address = f"secret-{name}@example.org"
    with signed_in(mailing_box, name) as bob, signed_in(mailing_box, f"{name}-other") as other:
        with_address(mailing_box, name, address)
        box = mailing_box
        box.write(
            partial(
                enqueue,
                message=Mail(address, "Bob", "S", "T\n"),
                topic="notice",
                now=clock.now(),
                user_id=id_of(box, name),
            )
        )
        export = bob.get("/settings/export").json()
        assert export["account"]["email"] == address
        assert [each["recipient"] for each in export["mail_and_messages"]] == [address]
        assert address in bob.get("/settings").text
        with signed_in(mailing_box, f"{name}-root", "admin") as root:
            shown = root.get(f"/admin/people/{name}").text
            assert "s…@example.org" in shown
            assert address not in shown
        for page in (
            "/",
            "/dashboard",
            "/settings",
            "/projects",
            f"/api/users/{name}",
            "/api/leaderboard",
            "/settings/export",
        ):
            assert address not in other.get(page).text, page
        assert send(bob, "/settings", "/settings/delete", confirm=name).url.path == "/"
    assert everywhere(mailing_box, address) == []


def test_last_week_comes_on_monday_and_ends_by_one_click(serve: Serve) -> None:
    mailbox = Mailbox()
    box = serve(**mailbox.env())
    with signed_in(box, "root", "admin") as root:
        with_address(box, "root", "root@example.org")
        page = send(root, "/settings", "/settings/digest", weekly_digest="on").text
        assert "It is so from this moment on." in page
        a_week_ago = clock.iso(clock.now() - 7 * clock.DAY)
        programs = Person(box, "root", root.make_key())
        programs.send({**session(), "endedAt": a_week_ago})
        root.post("/admin/jobs/arena.digests.send/run", data={"csrf": root.csrf("/admin/jobs")})
        wait_until(lambda: box.ask("SELECT 1 FROM deliveries WHERE topic = 'weekly_digest'") != [], 20)
        arena_sends(box)
        (letter,) = wait_for(mailbox, "root@example.org")
        assert letter["Subject"] == "Your week at arena: 1st of 1 person"
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        off = letter["List-Unsubscribe"].strip("<>")
        assert httpx.post(off, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert box.ask("SELECT weekly_digest FROM users") == [(0,)]
        # What happened to the account since the first look at the log is told at the next one.
        wait_until(lambda: box.ask("SELECT seq FROM notices_told") != [], 20)
        root.make_key("desktop")
    assert box.stop() == 0
    box.start()
    told = wait_for(mailbox, "root@example.org", 2)[-1]
    assert told["Subject"] == "A key was made at arena"
    mailbox.close()


def id_of(box: Serving, name: str) -> str:
    return str(box.ask("SELECT id FROM users WHERE username = :name", name=name)[0][0])


def everywhere(box: Serving, text: str) -> list[tuple[str, Any]]:
    """Every row of every table that holds a text."""
    tables = [row[0] for row in box.ask("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [(table, row) for table in tables for row in box.ask(f"SELECT * FROM {table}") if text in str(row)]


def test_a_box_without_mail_says_how_to_do_without(serve: Serve) -> None:
    box = serve()
    with signed_in(box, "bob") as bob:
        assert "This arena sends no mail." in bob.get("/settings").text
        assert (
            "sends no mail"
            in bob.post("/settings/email", data={"csrf": bob.csrf("/settings"), "email": "a@b.example"}).text
        )
        assert "This arena sends no mail." in bob.get("/sign-in/forgot").text
    with Visitor(box) as fresh:
        answer = fresh.post("/sign-in/forgot", data={"csrf": fresh.csrf("/sign-in"), "who": "bob"})
        assert (answer.status_code, "sends no mail" in answer.text) == (409, True)
    assert box.ask("SELECT COUNT(*) FROM deliveries") == [(0,)]


def test_mail_waits_while_the_server_is_down_and_the_box_goes_on(serve: Serve) -> None:
    mailbox = Mailbox()
    box = serve(**mailbox.env())
    mailbox.close()
    with signed_in(box, "bob") as bob:
        assert "A link is on its way there." in send(bob, "/settings", "/settings/email", email="bob@example.org").text
        tried = (
            "SELECT 1 FROM deliveries WHERE attempts > 0 AND state = 'queued' AND problem LIKE '%ConnectionRefused%'"
        )
        wait_until(lambda: box.ask(tried) != [], 20)
        assert bob.get("/dashboard").status_code == 200
        assert get(f"{box.url}/readyz").status_code == 200
    box.write(lambda conn: conn.execute("UPDATE deliveries SET next_at = 0"))
    mailbox.start()
    arena_sends(box)
    assert len(wait_for(mailbox, "bob@example.org")) == 1
    mailbox.close()


def test_a_worker_that_is_killed_while_it_sends_loses_nothing(serve: Serve) -> None:
    mailbox = Mailbox()
    mailbox.faults = [3.0]
    box = serve(**mailbox.env())
    letter = Mail("bob@example.org", "Bob", "A subject", "A text.\n")
    box.write(partial(enqueue, message=letter, topic="notice", now=clock.now()))
    arena_sends(box)
    wait_until(lambda: box.ask("SELECT 1 FROM deliveries WHERE state = 'running'") != [], 20)
    (worker,) = box.worker_pids()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: [pid for pid in box.worker_pids() if pid != worker] != [], 20)
    assert box.ask("SELECT state FROM deliveries") == [("running",)], "nobody takes it before its lease is over"
    box.write(lambda conn: conn.execute("UPDATE deliveries SET lease_ends_at = 0"))
    arena_sends(box)
    wait_until(lambda: box.ask("SELECT state, attempts FROM deliveries") == [("sent", 2)], 20)
    mailbox.close()
    assert {letter["Message-ID"] for letter in mailbox.letters} == {mailbox.letters[-1]["Message-ID"]}


def arena_sends(box: Serving) -> None:
    """Wake the worker, as any door that puts a message into the queue does."""
    with Visitor(box) as anybody:
        send(anybody, "/sign-in/forgot", "/sign-in/forgot", who="nobody")
