"""The drill: a box under load is backed up, killed, loses its disk, and comes back with all it had acknowledged."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from arena.backups.actions import keeping
from arena.backups.models import Keep
from arena.core import clock
from arena.core.buckets import PART, Bucket
from arena.core.clock import DAY
from arena.core.config import S3, Backups, Place, Secret
from tests.flows.conftest import Serve
from tests.flows.serving import ARENA, ROOT, USAGE, Serving, Visitor, arena, environment, session, wait_until
from tests.peers.relay import Relay
from tests.peers.swift import KEY_ID, SECRET, Swift

_numbers = count(1)


@pytest.fixture
def bucket(swift: Swift) -> dict[str, str]:
    """What a box finds in its environment that copies its backups into a bucket of its own."""
    name = f"drill-{next(_numbers)}"
    swift.client().create_bucket(Bucket=name)
    s3 = {"ENDPOINT": swift.url, "KEY_ID": KEY_ID, "SECRET_KEY": SECRET}
    return {"ARENA_BACKUPS__COPY_TO": f"s3://{name}/box", **{f"ARENA_BACKUPS__S3__{key}": s3[key] for key in s3}}


def backup(box: Serving, to: Path) -> Path:
    return Path(command(box, "backup", "--to", str(to)))


def command(box: Serving, *argv: str, **env: str) -> str:
    """What a command of the operator says."""
    done = arena("admin", *argv, "--data", str(box.data), **env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def rows(box: Serving) -> dict[str, list[tuple[Any, ...]]]:
    """All that a box knows of people and what they used."""
    return {table: sorted(box.ask(f"SELECT * FROM {table}"), key=repr) for table in ("users", "api_keys", *USAGE)}


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_a_lost_disk_costs_only_what_came_after_the_backup(
    serve: Serve, tmp_path: Path, where: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    env = request.getfixturevalue("bucket") if where == "bucket" else {}
    box = serve(**env)
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
        to = env.get("ARENA_BACKUPS__COPY_TO", str(tmp_path / "elsewhere"))
        made = command(box, "backup", "--to", to, **env)
        while len(acknowledged) < before + 50:
            ending.wait(0.01)
    finally:
        ending.set()
        loading.join()
    box.kill()
    shutil.rmtree(box.data)
    begun = time.monotonic()
    [_, listed] = command(box, "backups", "list", "--in", to, **env).splitlines()
    assert listed.endswith(made)
    assert "is whole" in command(box, "verify", made, **env)
    command(box, "restore", made, **env)
    restored = rows(box)
    again = serve(**env)
    alice.box = again
    total, _, sessions = alice.totals()
    took = time.monotonic() - begun
    with capsys.disabled():
        lost = len(acknowledged) - total
        print(f"\n{where}: lost {lost} of {len(acknowledged)} sessions, back within {took:.1f} s")
    assert before <= total == sessions <= len(acknowledged)
    assert rows(again) == restored
    assert len(restored["sessions"]) == sessions, "those of the backup, and no others"
    for number in range(len(acknowledged)):
        status = alice.send(session(sessionId=f"s{number}", inputTokens=1, outputTokens=0)).status_code
        assert status == (200 if number < total else 201), "what is sent again counts once"
    assert alice.totals()[0] == len(acknowledged)


def test_an_upload_that_is_killed_in_the_middle_is_no_backup_and_is_taken_away(
    serve: Serve, swift: Swift, bucket: dict[str, str]
) -> None:
    box, relay, to = serve(), Relay(swift.url), bucket["ARENA_BACKUPS__COPY_TO"]
    (box.data / "noise").write_bytes(os.urandom(3 * PART))
    relay.hold_after = 2 * PART + 1000
    sending = subprocess.Popen(
        [*ARENA, "admin", "backup", "--to", to, "--data", str(box.data)],
        cwd=ROOT,
        env=environment(**{**bucket, "ARENA_BACKUPS__S3__ENDPOINT": relay.url}),
    )
    client, name = swift.client(), to.split("/")[2]

    def begun() -> Any:
        return client.list_multipart_uploads(Bucket=name).get("Uploads", [])

    wait_until(begun, 30)
    sending.kill()
    assert sending.wait() == -signal.SIGKILL
    assert command(box, "backups", "list", "--in", to, **bucket).count("\n") == 0, "the headings alone"
    s3 = S3(endpoint=swift.url, key_id=KEY_ID, secret_key=Secret(SECRET))
    place = Place(box.data)
    keeping.prune(Bucket(to, s3), Keep(1, 1, 1), clock.now())
    assert begun(), "somebody may be sending it just now"
    keeping.prune(Bucket(to, s3), Keep(1, 1, 1), clock.now() + 2 * DAY)
    assert not begun()
    assert list(box.data.glob(".arena-*"))
    keeping.run(place, Backups(), clock.now() + 2 * DAY)
    assert not list(box.data.glob(".arena-*"))
    relay.hold_after = None
    relay.close()


def test_a_box_copies_its_backups_by_itself_and_says_when_it_cannot(
    serve: Serve, swift: Swift, bucket: dict[str, str]
) -> None:
    relay = Relay(swift.url)
    box = serve(**{**bucket, "ARENA_BACKUPS__S3__ENDPOINT": relay.url})
    with Visitor(box) as root:
        root.join(box.first_link(), "root")
        wait_until((box.data / "beat").exists, 20)

        def call_for(name: str, seen: str) -> None:
            root.post(f"/admin/jobs/{name}/run", data={"csrf": root.csrf("/admin/jobs")})
            wait_until(lambda: seen in root.get("/admin/jobs").text, 30)

        call_for("arena.backups.run", "arena-")
        relay.answers = [(403, "AccessDenied")]
        call_for("arena.backups.copy", "the key was refused (AccessDenied)")
        assert 'arena_job_failed{job="arena.backups.copy"} 1.0' in root.get("/metrics").text
        assert "arena_backup_copy_timestamp_seconds" not in root.get("/metrics").text
        call_for("arena.backups.copy", "Every job did its work.")
        assert "arena_backup_copy_timestamp_seconds" in root.get("/metrics").text
    [_, here, there] = command(box, "backups", "list", **bucket).splitlines()
    assert there.split()[-1] == f"{bucket['ARENA_BACKUPS__COPY_TO']}/{Path(here.split()[-1]).name}"
    relay.close()


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
