"""Hold a data folder, so that two programs never serve or replace the same one."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Held(Exception):
    """Another process holds the folder."""


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the folder until the block ends. Raises `Held` when somebody else does; a dead process holds nothing."""
    handle = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(handle)
        raise Held(f"another arena serves {data}") from problem
    try:
        yield
    finally:
        os.close(handle)
