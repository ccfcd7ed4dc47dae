"""``arena admin secret``: rotation and what is said of it."""

import json
from pathlib import Path

import pytest

from arena.core import clock, keyring
from arena.core.db import Database
from tests.admin.conftest import Run


def test_a_rotation_says_until_when_the_old_one_verifies(run: Run, data: Path, db: Database) -> None:
    run("secret", "rotate")
    before = (data / "secret").read_text().split()[0]
    done = run("secret", "rotate", "--grace", "7")
    assert done.code == 0
    assert "a running `arena serve` takes it up by itself" in done.out
    assert "2 older ones verify until" in done.out
    new, old, _ = keyring.read(data / "secret")
    assert old.value == before != new.value
    assert old.until is not None
    assert 0 <= clock.now() + 7 * clock.DAY - old.until < 60_000
    assert before not in done.out
    rows = db.read_sync(
        lambda conn: conn.execute(
            "SELECT details FROM security_audit_log WHERE event_type = 'secret_rotated' ORDER BY seq"
        ).fetchall()
    )
    assert [json.loads(row[0]) for row in rows] == [{"days": 30, "kept": 1}, {"days": 7, "kept": 2}]


def test_without_a_grace_everybody_has_to_sign_in_again(run: Run, data: Path) -> None:
    run("secret", "rotate")
    done = run("secret", "rotate", "--grace", "0")
    assert "everybody has to sign in again" in done.out
    assert len(keyring.read(data / "secret")) == 1


def test_the_list_shows_times_and_no_secret(run: Run, data: Path) -> None:
    assert run("secret", "list").out == "SECRET  UNTIL (UTC)\n"
    run("secret", "rotate")
    said = run("secret", "list").out
    assert [line.split()[0] for line in said.splitlines()] == ["SECRET", "signs", "verifies"]
    listed = json.loads(run("secret", "list", "--json").out)
    assert [each["signs"] for each in listed] == [True, False]
    for secret in keyring.read(data / "secret"):
        assert secret.value not in said


@pytest.mark.parametrize("days", ["-1", "401"])
def test_a_grace_out_of_range_changes_nothing(run: Run, data: Path, days: str) -> None:
    done = run("secret", "rotate", "--grace", days)
    assert (done.code, done.err) == (1, "arena admin: --grace takes 0 to 400 days.\n")
    assert not (data / "secret").exists()


def test_half_a_file_is_refused_in_one_sentence(run: Run, data: Path) -> None:
    (data / "secret").write_text("0123")
    for verb in ("rotate", "list"):
        done = run("secret", verb)
        assert done.code == 1
        assert "does not hold 64 hex digits a line; restore it from a backup" in done.err
    assert (data / "secret").read_text() == "0123"
