"""The box that the tests of a module share."""

from tests.flows.conftest import box, pytest_runtest_makereport

__all__ = ["box", "pytest_runtest_makereport"]
