"""A box of one's own, beside the shared ones."""

from tests.flows.conftest import alice, bob, box, pytest_runtest_makereport, serve

__all__ = ["alice", "bob", "box", "pytest_runtest_makereport", "serve"]
