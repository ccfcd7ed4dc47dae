"""Files of the data folder are damaged, lost or exchanged: the box says what to do, and shows and takes nothing wrong.

A database whose pages make no sense is left alone by every process as soon as one of them finds out.
"""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import contextlib
import os
import random
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from tests.flows.conftest import Serve
from tests.flows.serving import SESSIONS, Person, Serving, Visitor, arena, get, post, session, wait_until

PAGE = 4096
FILLED = 120


def fill(box: Serving, name: str = "alice") -> Person:
    """Somebody with some sessions, all of it moved from the log into the database."""
    person = box.add(name)
    for at in range(0, FILLED, 60):
        answer = person.batch(*(session(sessionId=f"{name}-{at + n}") for n in range(60)))
        assert answer.status_code == 201
    return person


def spoil(database: Path, page: int) -> None:
    """Overwrite a page, as a failing disk does."""
    with database.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(random.Random(page).randbytes(PAGE))


def damage(box: Serving, table: str = "usage_records") -> None:
    """Spoil the page by which the rows of a table are found."""
    database = box.data / "arena.db"
    with contextlib.closing(sqlite.connect(database, readonly=True)) as conn:
        (page,) = conn.execute("SELECT rootpage FROM sqlite_schema WHERE name = :name", {"name": table}).fetchone()
    spoil(database, page)


def doctor(box: Serving) -> str:
    done = arena("admin", "doctor", "--data", str(box.data))
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


SAID = "The database of this box is damaged"


def check_that_it_says_so(box: Serving, alice: Person) -> None:
    """A damaged box answers nothing but that it is, to people and programs."""
    for path in ("/", "/leaderboard?period=all_time", "/api/users/alice", "/api/leaderboard?period=all_time"):
        answer = get(f"{box.url}{path}")
        assert (answer.status_code, SAID in answer.text) == (503, True), path
    refused = post(f"{box.url}{SESSIONS}", **alice.request(session(sessionId="new")))
    assert (refused.status_code, SAID in refused.text, refused.headers["retry-after"]) == (503, True, "600")
    wait_until(lambda: SAID in get(f"{box.url}/readyz").text, 5)
    assert get(f"{box.url}/readyz").status_code == 503
    assert "arena_database_damaged 1.0" in get(f"{box.url}/metrics").text
    assert get(f"{box.url}/healthz").status_code == 200
    assert "put it in its place with `arena admin restore FILE`" in doctor(box)


def restore(box: Serving, backup: str) -> None:
    done = arena("admin", "restore", backup, "--data", str(box.data))
    assert done.returncode == 0, done.stderr


def test_a_page_spoiled_while_the_box_was_off_is_found_and_a_backup_brings_everything_back(serve: Serve) -> None:
    box = serve()
    alice = fill(box)
    kept = arena("admin", "backup", "--data", str(box.data)).stdout.strip()
    assert box.stop() == 0
    damage(box)
    box.start(is_ready=False)
    wait_until(lambda: SAID in get(f"{box.url}/readyz").text, 15)
    check_that_it_says_so(box, alice)
    backups = sorted((box.data / "backups").iterdir())
    done = arena("admin", "backup", "--data", str(box.data))
    assert (done.returncode, "is damaged" in done.stderr, done.stderr.count("\n")) == (1, True, 1)
    assert sorted((box.data / "backups").iterdir()) == backups, "no bad backup stands beside the good ones"
    assert box.stop() == 0
    refused = arena("serve", "--data", str(box.data), "--port", "0")
    assert (refused.returncode, "arena admin restore FILE" in refused.stderr) == (1, True)
    restore(box, kept)
    box.start()
    assert alice.totals() == (300 * FILLED, 120 * FILLED, FILLED)
    assert alice.send(session(sessionId="new")).status_code == 201


def test_a_page_spoiled_while_the_box_runs_is_found_by_whoever_reads_it(serve: Serve) -> None:
    box = serve()
    alice = fill(box)
    kept = arena("admin", "backup", "--data", str(box.data)).stdout.strip()
    assert box.stop() == 0
    box.start()  # with nothing of it in memory
    damage(box)
    wait_until(lambda: alice_sends(alice) == 503, 10)
    check_that_it_says_so(box, alice)
    assert box.stop() == 0
    restore(box, kept)
    box.start()
    assert alice.totals() == (300 * FILLED, 120 * FILLED, FILLED)


def alice_sends(alice: Person) -> int:
    """Send a session that is known already: its record must be looked up."""
    return post(f"{alice.box.url}{SESSIONS}", **alice.request(session(sessionId="alice-7"))).status_code


def test_the_nightly_look_finds_what_nobody_reads_and_keeps_the_good_backups(serve: Serve) -> None:
    box = serve()
    alice = fill(box)
    assert arena("admin", "backup", "--data", str(box.data)).returncode == 0
    with Visitor(box) as root:
        root.join(box.first_link(), "root")
        wait_until(lambda: box.ask("SELECT 1 FROM jobs WHERE name = 'arena.operations.check'") == [(1,)], 20)
        damage(box, "project_questions")
        root.post("/admin/jobs/arena.operations.check/run", data={"csrf": root.csrf("/admin/jobs")})
        wait_until(lambda: SAID in get(f"{box.url}/readyz").text, 20)
    check_that_it_says_so(box, alice)
    assert len(list((box.data / "backups").iterdir())) == 1


def test_a_database_that_is_none_any_more_is_refused_in_a_sentence(serve: Serve) -> None:
    box = serve()
    kept = arena("admin", "backup", "--data", str(box.data)).stdout.strip()
    assert box.stop() == 0
    spoil(box.data / "arena.db", 1)
    for command in (("serve", "--port", "0"), ("admin", "doctor"), ("admin", "backup")):
        done = arena(*command, "--data", str(box.data))
        assert (done.returncode, "Traceback" in done.stderr, done.stderr.count("\n")) == (1, False, 1), done
        assert "damaged" in done.stderr
        assert "arena admin restore FILE" in done.stderr or command[1] == "backup"
    restore(box, kept)
    box.start()


def test_a_log_of_another_format_is_refused_in_a_sentence_and_nothing_is_lost(serve: Serve) -> None:
    box = serve()
    alice = box.add("alice")
    assert alice.send(session()).status_code == 201
    box.kill()
    wait_until(lambda: box.worker_pids() == [], 15)
    log = box.data / "arena.db-wal"
    there = log.read_bytes() if log.exists() else b""
    log.write_bytes(_other_format(there or b"\x37\x7f\x06\x82" + bytes(28)))
    done = arena("serve", "--data", str(box.data), "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert "was written by another version of SQLite" in done.stderr
    log.write_bytes(there)
    box.start()
    assert alice.totals() == (300, 120, 1)


def _other_format(log: bytes) -> bytes:
    """A log of the next format, with a checksum of its head that is right."""
    big = log[3] & 1
    head = log[:4] + (3_007_001).to_bytes(4) + log[8:24]
    one = two = 0
    for at in range(0, 24, 8):
        words = [int.from_bytes(head[at + n : at + n + 4], "big" if big else "little") for n in (0, 4)]
        one = (one + words[0] + two) & 0xFFFFFFFF
        two = (two + words[1] + one) & 0xFFFFFFFF
    return head + one.to_bytes(4) + two.to_bytes(4) + log[32:]


@pytest.fixture
def logs(serve: Serve) -> tuple[Serving, Path]:
    """A box that is off, and the log of another one, with rows in it that fit into no index of ours."""
    other, box = serve(folder="other"), serve()
    fill(other, "mallory")
    for at in range(5):
        other.add(f"person-{at}")
    fill(box)
    assert (other.stop(), box.stop()) == (0, 0)
    kept = other.data / "kept"
    with contextlib.closing(sqlite.connect(other.data / "arena.db")) as conn:
        conn.execute("UPDATE users SET display_name = 'somebody else'")
        shutil.copy(other.data / "arena.db-wal", kept)
    return box, kept


def test_the_log_of_another_database_is_not_moved_into_ours(logs: tuple[Serving, Path]) -> None:
    box, log = logs
    before = (box.data / "arena.db").read_bytes()
    ours = box.data / "arena.db-wal"
    shutil.copy(log, ours)
    os.utime(ours, (time.time() - 7_200, time.time() - 7_200))
    done = arena("serve", "--data", str(box.data), "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert "is the log of another database" in done.stderr
    assert (box.data / "arena.db").read_bytes() == before
    ours.unlink()
    (box.data / "arena.db-shm").unlink(missing_ok=True)
    box.start()
    assert box.ask("SELECT SUM(total_sessions) FROM user_stats") == [(FILLED,)]


def test_an_index_of_the_log_that_is_not_ours_is_made_anew(serve: Serve) -> None:
    box = serve()
    alice = fill(box)
    box.kill()
    wait_until(lambda: box.worker_pids() == [], 15)
    (box.data / "arena.db-shm").write_bytes(random.Random(1).randbytes(32_768))
    box.start()
    assert alice.totals() == (300 * FILLED, 120 * FILLED, FILLED)


def test_a_database_whose_journal_was_switched_meanwhile_is_served_as_before(serve: Serve) -> None:
    box = serve()
    alice = fill(box)
    box.kill()
    wait_until(lambda: box.worker_pids() == [], 15)
    with contextlib.closing(sqlite.connect(box.data / "arena.db")) as conn:  # as an older SQLite would use it
        wait_until(lambda: _switch(conn), 10)
        conn.execute("UPDATE users SET display_name = 'Alicia' WHERE username = 'alice'")
    box.start()
    assert alice.totals() == (300 * FILLED, 120 * FILLED, FILLED)
    assert box.ask("SELECT display_name FROM users WHERE username = 'alice'") == [("Alicia",)]
    assert box.ask("PRAGMA journal_mode") == [(sqlite.JOURNAL,)]


def _switch(conn: sqlite3.Connection) -> bool:
    """Leave the log behind, as soon as whoever was killed is gone."""
    with contextlib.suppress(sqlite3.OperationalError):
        return str(conn.execute("PRAGMA journal_mode=TRUNCATE").fetchone()[0]) == "truncate"
    return False


@pytest.mark.parametrize("how", ["spoiled", "lost", "empty"])
def test_the_queue_may_be_damaged_or_lost(serve: Serve, how: str) -> None:
    box = serve()
    alice = box.add("alice")
    wait_until((box.data / "beat").exists, 20)
    assert box.stop() == 0
    queue = box.data / "queue.db"
    match how:
        case "spoiled":
            queue.write_bytes(random.Random(2).randbytes(3 * PAGE))
        case "lost":
            queue.unlink()
        case "empty":
            queue.write_bytes(b"")
    (box.data / "beat").unlink()
    box.start()
    wait_until((box.data / "beat").exists, 20)
    assert box.ask("SELECT 1") == [(1,)]
    assert alice.send(session()).status_code == 201
    with contextlib.closing(sqlite.connect(queue, readonly=True)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_secret_that_cannot_be_used_is_refused_in_a_sentence_and_a_lost_one_only_signs_out(serve: Serve) -> None:
    box = serve()
    alice = box.add("alice")
    with Visitor(box) as root:
        root.join(box.first_link(), "root")
        assert root.get("/dashboard").url.path == "/dashboard"
        assert box.stop() == 0
        secret = box.data / "secret"
        for spoiled in (b"", b"\xff\xfe\x00", b"too short\n"):
            secret.write_bytes(spoiled)
            done = arena("serve", "--data", str(box.data), "--port", "0")
            assert (done.returncode, done.stderr.count("\n"), "Traceback" in done.stderr) == (1, 1, False), done
            assert "restore it from a backup, or remove it for a new one" in done.stderr
        secret.unlink()
        box.start()
        root.base_url = box.url
        assert root.get("/dashboard").url.path == "/sign-in"
    assert alice.send(session()).status_code == 201, "keys do not hang on it"


def test_a_data_folder_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        done = arena("serve", "--data", str(folder), "--port", "0")
        assert (done.returncode, done.stderr.count("\n"), "Traceback" in done.stderr) == (1, 1, False), done
