"""Messages of the queue: signed, and taken across a rotation of the secret."""

from pathlib import Path

import pytest
from huey.serializer import SignedSerializer

from arena.core.keyring import Keyring, rotate
from arena.core.queue import open_queue
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
