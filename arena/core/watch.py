"""Statements that take long, by the function of the store that runs them, and with none of their values.

SQLite itself calls every so many steps of a statement, so a short one costs nothing. Waiting for the lock and for the
disk at a commit is no statement.
"""

import contextlib
import sqlite3
import sys
import time
from types import FrameType

from arena.core.log import log

STEPS = 20_000
"""Steps between two looks: about a millisecond, by which what is told may be short."""


class Watch:
    """Watch one connection: whoever uses it says `done` when the function that was handed to it is over."""

    def __init__(self, slow_ms: int) -> None:
        self.told = 0
        """How many slow statements were written to the log."""
        self._slow = slow_ms / 1000
        self._frame: FrameType | None = None
        self._first = self._last = 0.0

    def look_at(self, conn: sqlite3.Connection) -> "Watch":
        """Begin to watch a connection."""
        conn.set_progress_handler(self._look, STEPS)
        return self

    def done(self) -> None:
        """Write the last statement down if it was slow."""
        if self._frame is None:
            return
        frame, self._frame = self._frame, None
        seconds = self._last - self._first
        if seconds < self._slow:
            return
        self.told += 1
        with contextlib.suppress(Exception):  # a log that cannot be written must not stop the writer
            log().warning("slow statement", name=_name(frame), ms=round(seconds * 1000))

    def _look(self) -> None:
        now, frame = time.perf_counter(), _store(sys._getframe(1))
        if frame is not self._frame:
            self.done()
            self._frame, self._first = frame, now
        self._last = now


def _store(frame: FrameType) -> FrameType:
    """The function of a store in which a statement runs, or whatever runs it."""
    at: FrameType | None = frame
    while at is not None:
        if at.f_code.co_filename.endswith("store.py") and not at.f_code.co_name.startswith("<"):
            return at
        at = at.f_back
    return frame


def _name(frame: FrameType) -> str:
    module: str = frame.f_globals.get("__name__", "")
    return f"{module.removeprefix('arena.')}.{frame.f_code.co_name}"
