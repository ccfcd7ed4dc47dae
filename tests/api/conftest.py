"""The box that the tests of a module share, somebody new on it for each test, and the proof that nothing was stored."""

from collections.abc import Iterator

import pytest

from tests.flows.conftest import alice, bob, box, pytest_runtest_makereport, serve
from tests.flows.serving import Serving

__all__ = ["alice", "bob", "box", "pytest_runtest_makereport", "serve"]


@pytest.fixture
def nothing_stored(box: Serving) -> Iterator[None]:
    """Whatever the test sends, no usage is stored."""
    before = box.counts()
    yield
    assert box.counts() == before
