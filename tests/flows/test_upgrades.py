"""A box of an earlier release is brought up at its start, whole or not at all; one of a later release is left alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.conftest import Serve
from tests.flows.releases import as_a_later_release, as_the_first_release, dump
from tests.flows.serving import Person, Serving, arena, session, wait_until

KILLED_WITHIN = """
from arena.core import sqlite
import os, signal, sys
from pathlib import Path
from arena.core.migrate import migrate
from arena.rooms import schemas
rooms = schemas()
@rooms[-1](name="9999_last")
def _(db):
    db.execute("CREATE TABLE half (a TEXT) STRICT")
    os.kill(os.getpid(), signal.SIGKILL)
migrate(Path(sys.argv[1]) / "arena.db", rooms)
"""


@pytest.fixture
def old(serve: Serve) -> tuple[Serving, Person]:
    """A box that the first release left, and somebody who used it."""
    box = serve()
    alice = box.add("alice")
    for number in range(20):
        alice.send(session(sessionId=f"s{number}", inputTokens=100 + number, outputTokens=number))
    assert box.stop() == 0
    as_the_first_release(box.data)
    return box, alice


def test_a_box_of_the_first_release_keeps_all_that_it_counted(serve: Serve, old: tuple[Serving, Person]) -> None:
    box, alice = old
    before = dump(box.data)
    alice.box = serve()
    assert alice.totals() == (20 * 100 + 190, 190, 20)
    assert alice.send(session(sessionId="s3", inputTokens=103, outputTokens=3)).status_code == 200, "known already"
    assert alice.send(session(sessionId="new")).status_code == 201
    unpriced = "SELECT COUNT(*) FROM usage_records WHERE cost IS NULL"
    wait_until(lambda: box.ask(unpriced) == [(0,)], 20)  # the worker prices what no release priced before
    (kept,) = (box.data / "backups").iterdir()
    assert any(str(kept) in line and "as it was" in line for line in alice.box.said)
    where = ("--data", str(box.data))
    assert "is whole" in arena("admin", "verify", str(kept), *where).stdout
    assert arena("admin", "audit", "verify", *where).returncode == 0
    assert alice.box.stop() == 0
    assert dump(box.data) != before


def test_a_start_that_was_killed_within_the_upgrade_is_started_again(serve: Serve, old: tuple[Serving, Person]) -> None:
    box, alice = old
    before = dump(box.data)
    for _ in range(3):
        killed = subprocess.run([sys.executable, "-c", KILLED_WITHIN, box.data], check=False, capture_output=True)
        assert killed.returncode == -9, killed.stderr
        assert dump(box.data) == before
    alice.box = serve()
    assert alice.totals()[2] == 20
    assert len(list((box.data / "backups").iterdir())) == 1


def test_a_box_of_a_later_release_is_refused_in_one_sentence_and_left_alone(serve: Serve) -> None:
    box = serve()
    box.add("alice")
    assert box.stop() == 0
    as_a_later_release(box.data)
    before = dump(box.data)
    refused = arena("serve", "--data", str(box.data), "--port", "0")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "was written by a newer arena (usage.9999_x); start that release" in refused.stderr
    assert dump(box.data) == before
    assert not (box.data / "backups").exists()


def test_an_upgrade_whose_backup_cannot_be_written_does_not_begin(
    serve: Serve, old: tuple[Serving, Person], tmp_path: Path
) -> None:
    box, alice = old
    before = dump(box.data)
    (tmp_path / "file").write_text("no folder")
    refused = arena(
        "serve", "--data", str(box.data), "--port", "0", ARENA_BACKUPS__FOLDER=str(tmp_path / "file" / "backups")
    )
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert dump(box.data) == before
    alice.box = serve()
    assert alice.totals()[2] == 20
