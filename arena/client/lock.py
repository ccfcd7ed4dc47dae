"""One at a time of what must not be done twice at once: a lock that the system takes back when its holder dies."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from arena.client.home import state_folder

STEP = 0.05


class Busy(Exception):
    """Another process holds the lock."""


@contextmanager
def held(patience: float, name: str = "lock") -> Iterator[None]:
    """Hold the lock for a while, or raise `Busy` after ``patience`` seconds."""
    handle = os.open(os.path.join(state_folder(), name), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + patience
        while not _taken(handle):
            if time.monotonic() >= until:
                raise Busy
            time.sleep(STEP)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
