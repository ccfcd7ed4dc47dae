"""Ids that sort by time, secrets that cannot be guessed, and how these are stored."""

import hashlib
import re
import time
import uuid

import pytest

from arena.core import ids


def test_an_id_is_a_uuid_of_version_7() -> None:
    for _ in range(1000):
        made = uuid.UUID(ids.uuid7())
        assert made.version == 7
        assert made.variant == uuid.RFC_4122


def test_an_id_tells_the_millisecond_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(ids.uuid7())
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_sort_by_the_time_of_their_making_as_text_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for millisecond in (0, 1, 1_795_176_000_000, 1_795_176_000_001, 4_102_444_800_000):
        monkeypatch.setattr(time, "time_ns", lambda at=millisecond: at * 1_000_000)
        made.append(ids.uuid7())
    assert made == sorted(made)
    assert [uuid.UUID(each) for each in made] == sorted(uuid.UUID(each) for each in made)


def test_no_two_ids_of_one_millisecond_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_176_000_000_000_000)
    assert len({ids.uuid7() for _ in range(10_000)}) == 10_000


def test_a_token_fits_into_an_address_and_a_cookie() -> None:
    made = {ids.token() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", each) for each in made)


def test_a_digest_is_the_sha_256_in_hex() -> None:
    assert ids.digest("secret") == hashlib.sha256(b"secret").hexdigest()
    assert ids.digest("ключ") == hashlib.sha256("ключ".encode()).hexdigest()
