"""Messages of the queue: signed, and taken across a rotation of the secret; a file that may be damaged or lost."""

import asyncio
import os
import random
import signal
import sqlite3
from pathlib import Path

import pytest
from huey.serializer import SignedSerializer

from arena.core.keyring import Keyring, rotate
from arena.core.queue import Waker, listen, open_queue, open_sound_queue, waiting
from tests.conftest import NOW


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def test_a_message_signed_before_a_rotation_is_taken_after_it(tmp_path: Path, file: Path) -> None:
    time = [NOW]
    queue = open_queue(tmp_path, Keyring(file, lambda: time[0]))
    early = queue.serializer.serialize(("arena.accounts.tidy", 7))
    rotate(file, grace=1_000, now=NOW)
    late = queue.serializer.serialize("late")
    assert queue.serializer.deserialize(early) == ("arena.accounts.tidy", 7)
    assert queue.serializer.deserialize(late) == "late"
    time[0] = NOW + 1_000
    with pytest.raises(ValueError, match="Signature"):
        queue.serializer.deserialize(early)
    assert queue.serializer.deserialize(late) == "late"
    queue.storage.close()


def test_a_message_that_somebody_else_signed_is_refused(tmp_path: Path, file: Path) -> None:
    queue = open_queue(tmp_path, Keyring(file, lambda: NOW))
    forged = SignedSerializer(secret="another", salt="arena.queue").serialize("x")
    signed = queue.serializer.serialize("x")
    changed = signed[:-1] + (b"1" if signed.endswith(b"0") else b"0")
    for message in (forged, b"no signature", changed):
        with pytest.raises(ValueError, match=r"Signature|Separator"):
            queue.serializer.deserialize(message)
    queue.storage.close()


def spoil(folder: Path) -> None:
    """Overwrite the queue, as a failing disk does."""
    for file in folder.glob("queue.db*"):
        file.unlink()
    (folder / "queue.db").write_bytes(random.Random(1).randbytes(9_000))


def test_a_damaged_queue_is_thrown_away_by_the_worker_that_opens_it(tmp_path: Path, file: Path) -> None:
    spoil(tmp_path)
    keyring = Keyring(file, lambda: NOW)
    with pytest.raises(sqlite3.DatabaseError):
        open_queue(tmp_path, keyring)
    queue = open_sound_queue(tmp_path, keyring)
    call = listen(queue, lambda _: None, lambda: None)
    call("arena.accounts.tidy")
    assert waiting(tmp_path) == 1
    queue.storage.close()
    again = open_sound_queue(tmp_path, keyring)
    assert waiting(tmp_path) == 1, "a sound one stays as it is"
    again.storage.close()


def test_a_queue_that_is_damaged_while_it_is_used_ends_its_worker(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: told.append((pid, number)))
    queue = open_sound_queue(tmp_path, Keyring(file, lambda: NOW))
    call = listen(queue, lambda _: None, lambda: None)
    queue.storage.close()
    spoil(tmp_path)
    with pytest.raises(sqlite3.DatabaseError):
        queue.dequeue()
    with pytest.raises(sqlite3.DatabaseError):
        call("arena.accounts.tidy")
    assert told == [(os.getpid(), signal.SIGTERM)] * 2


def test_a_call_for_a_job_that_cannot_be_put_into_the_queue_is_no_failure(tmp_path: Path, file: Path) -> None:
    wake = Waker(tmp_path, Keyring(file, lambda: NOW))
    spoil(tmp_path)
    asyncio.run(wake("arena.projects.evaluate"))
    assert waiting(tmp_path) == 0
    (tmp_path / "queue.db").unlink()
    asyncio.run(wake("arena.projects.evaluate"))
    assert waiting(tmp_path) == 1
