"""What the boards' tests use: somebody who used so much on a day."""

from tests.leaderboard.conftest import use

__all__ = ["use"]
