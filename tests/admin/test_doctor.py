"""``arena admin doctor``: one sentence for each thing that is weak, and its exit code."""

import json
import sqlite3
from pathlib import Path

import pytest

from arena.core.db import Database
from tests.admin.conftest import Run
from tests.peers.mailbox import PASSWORD, Mailbox


@pytest.fixture
def sound(run: Run, data: Path) -> None:
    """An administrator with a password who was just here, and a folder that is its owner's alone."""
    data.chmod(0o700)
    for file in data.iterdir():
        file.chmod(0o600)
    assert run("users", "add", "root", "--admin").code == 0
    db = Database(data / "arena.db")
    db.write_sync(lambda conn: conn.execute("UPDATE users SET password_hash = 'x'") and None)
    db.write_sync(lambda conn: conn.execute("DELETE FROM one_time_links") and None)
    assert run("keys", "create", "root").code == 0
    db.write_sync(lambda conn: conn.execute("UPDATE api_keys SET last_used_at = created_at") and None)
    db.close_sync()


@pytest.mark.usefixtures("sound")
def test_a_sound_box_is_told_so(run: Run) -> None:
    done = run("doctor")
    assert (done.code, done.out, done.err) == (0, "Nothing to warn about.\n", "")
    assert run("doctor", "--json").out == "[]\n"


def test_what_is_weak_is_listed_and_fails(run: Run, data: Path) -> None:
    data.chmod(0o755)
    run("users", "add", "bob")
    done = run("doctor")
    assert done.code == 1
    lines = done.out.splitlines()
    assert all(line.startswith("- ") and line.endswith(".") for line in lines)
    assert any("Nobody runs this box." in line for line in lines)
    assert f"- Other users of this machine can read {data.resolve()}. Run `chmod go-rwx {data.resolve()}`." in lines
    listed = json.loads(run("doctor", "--json").out)
    assert [each["sentence"] for each in listed] == [line[2:] for line in lines]
    assert {"readable", "no_admin"} <= {each["code"] for each in listed}


@pytest.mark.usefixtures("sound")
def test_the_configuration_is_looked_at_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "weak.toml"
    file.write_text('[server]\nhost = "0.0.0.0"\n[accounts]\nsign_up = "open"\n')
    done = run("doctor", "--json", "--config", str(file))
    assert [each["code"] for each in json.loads(done.out)] == ["plain_http", "open_boards", "open_sign_up"]


@pytest.mark.usefixtures("sound")
def test_the_mail_server_is_asked_whether_it_lets_the_box_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox(login=True)
    for name, value in mailbox.env(USER="arena", PASSWORD=PASSWORD).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ARENA_SERVER__URL", "https://arena.example.org")
    assert run("doctor").out == "Nothing to warn about.\n"
    assert mailbox.letters == []
    monkeypatch.setenv("ARENA_MAIL__PASSWORD", "wrong")
    done = run("doctor")
    assert done.code == 1
    assert "The mail server does not accept this box's login (535" in done.out
    mailbox.close()
    assert "The mail server could not be reached" in run("doctor").out


@pytest.mark.usefixtures("sound")
def test_a_security_log_that_was_changed_is_told(run: Run, db: Database) -> None:
    def change(conn: sqlite3.Connection) -> None:
        for (trigger,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {trigger}")
        conn.execute("UPDATE security_audit_log SET event_type = 'user_deleted' WHERE seq = 1")

    db.write_sync(change)
    done = run("doctor")
    assert done.code == 1
    assert "The security log was changed. Row 1 does not fit" in done.out


def test_open_links_are_listed_and_withdrawn(run: Run) -> None:
    link = run("users", "invite", "bob").out.strip()
    run("users", "invite")
    listed = json.loads(run("users", "links", "--json").out)
    assert sorted((each["kind"], each["name"] or "", each["role"]) for each in listed) == [
        *[("invite", "", "member"), ("invite", "bob", "member")]
    ]
    mark = next(each["mark"] for each in listed if each["name"] == "bob")
    assert mark in run("users", "links").out
    assert mark not in link
    assert run("users", "withdraw", mark).out == "The link opens nothing any more.\n"
    again = run("users", "withdraw", mark)
    assert again.code == 1
    assert f"there is no open link {mark}" in again.err
    assert len(json.loads(run("users", "links", "--json").out)) == 1
