"""The drill: a box under load is backed up, killed, loses its disk, and comes back with all it had acknowledged."""

import shutil
import sqlite3
import threading
from pathlib import Path

from tests.flows.conftest import Serve
from tests.flows.serving import Serving, arena, session


def backup(box: Serving, to: Path) -> Path:
    done = arena("admin", "backup", "--data", str(box.data), "--to", str(to))
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_a_lost_disk_costs_only_what_came_after_the_backup(serve: Serve, tmp_path: Path) -> None:
    box = serve()
    alice = box.add("alice")
    acknowledged: list[int] = []
    ending = threading.Event()

    def load() -> None:
        number = 0
        while not ending.is_set():
            assert alice.send(session(sessionId=f"s{number}", inputTokens=1, outputTokens=0)).status_code == 201
            acknowledged.append(number)
            number += 1

    loading = threading.Thread(target=load)
    loading.start()
    try:
        while len(acknowledged) < 50:
            ending.wait(0.01)
        before = len(acknowledged)
        made = backup(box, tmp_path / "elsewhere")
    finally:
        ending.set()
        loading.join()
    box.kill()
    shutil.rmtree(box.data)
    assert arena("admin", "restore", str(made), "--data", str(box.data)).returncode == 0
    again = serve()
    alice.box = again
    total, _, sessions = alice.totals()
    assert before <= total == sessions <= len(acknowledged)
    assert alice.send(session(sessionId="s0", inputTokens=1, outputTokens=0)).status_code == 200, "known already"


def test_a_box_that_serves_is_not_replaced(serve: Serve, tmp_path: Path) -> None:
    box = serve()
    box.add("alice")
    made = backup(box, tmp_path / "elsewhere")
    done = arena("admin", "restore", str(made), "--data", str(box.data))
    assert (done.returncode, done.stdout) == (1, "")
    assert "stop it first" in done.stderr
    said = arena("admin", "verify", str(made), "--data", str(box.data)).stdout
    assert "is whole" in said
    listed = arena("admin", "backups", "list", "--in", str(made.parent), "--data", str(box.data)).stdout
    assert made.name in listed


def test_a_damaged_backup_is_refused_in_one_sentence(serve: Serve, tmp_path: Path) -> None:
    box = serve()
    made = backup(box, tmp_path / "elsewhere")
    made.write_bytes(made.read_bytes()[:-7])
    for command in ("verify", "restore"):
        done = arena(
            "admin", command, str(made), "--data", str(tmp_path / command if command == "restore" else box.data)
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "damaged" in done.stderr


def test_an_upgrade_keeps_what_was_there_before_it(serve: Serve) -> None:
    box = serve()
    box.add("alice")
    assert box.stop() == 0
    with sqlite3.connect(box.data / "arena.db") as conn:  # as a release before the last step left it
        conn.execute("ALTER TABLE price_versions DROP COLUMN applied_at")
        conn.execute("DELETE FROM _sqlite_migrations WHERE migration_set = 'prices' AND name = '0002_applied_at'")
    conn.close()
    again = serve()
    (kept,) = (again.data / "backups").iterdir()
    assert kept.name.endswith("-before-upgrade.backup")
    assert any("as it was" in line for line in again.said)
    assert again.stop() == 0
    last = serve()
    assert list((last.data / "backups").iterdir()) == [kept], "there was nothing to bring up any more"
