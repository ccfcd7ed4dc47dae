"""Looks into other tools' SQLite databases and leaves no trace: no byte changed, no file made, nobody kept waiting.

A database in WAL mode is the hard case. While its tool runs, the last rows stand in the log beside it, and a reader
would leave its mark in the index of that log; once the tool has ended, opening the database would make both files
anew. So the first is read without touching the index, and the second as something that does not change.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")

TRIES = 3
PATIENCE = 1.0
"""Seconds to wait for a tool that is just writing."""

MAGIC = b"SQLite format 3\0"
WAL = 2


def read(path: str, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do some reading in a database, with what its tool wrote last, and again if the tool wrote meanwhile.

    Raises OSError, with the reason in words, when the database cannot be read now.
    """
    for _ in range(TRIES):
        before = _state(path)
        conn = None
        try:
            conn = sqlite3.connect(_address(path, before), uri=True, timeout=PATIENCE)
            conn.text_factory = lambda raw: raw.decode(errors="replace")
            done = work(conn)
        except sqlite3.Error as error:
            if _state(path) == before:
                raise OSError(_why(error)) from None
            continue
        finally:
            if conn is not None:
                conn.close()
        if before.logged or not before.wal or _state(path) == before:
            return done
    raise OSError("its tool writes to it all the time; the next sync tries again")


def columns(conn: sqlite3.Connection, table: str) -> set[str]:
    """Name the columns of a table, none where there is no such table: tools add and drop them."""
    return {name for (name,) in conn.execute("select name from pragma_table_info(:table)", {"table": table})}


class _State(NamedTuple):
    """How a database stands: in WAL mode, with something in its log, and what the file system says of it."""

    wal: bool
    logged: bool
    stamp: tuple[int, int, int]


def _state(path: str) -> _State:
    with open(path, "rb") as file:
        head = file.read(20)
        stat = os.fstat(file.fileno())
    if len(head) < 20 or not head.startswith(MAGIC):
        raise OSError("it is not an SQLite database")
    try:
        logged = os.stat(path + "-wal").st_size > 0
    except FileNotFoundError:
        logged = False
    return _State(head[18] == WAL, logged, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


def _address(path: str, state: _State) -> str:
    how = "" if not state.wal else "&readonly_shm=1" if state.logged else "&immutable=1"
    return f"{Path(path).absolute().as_uri()}?mode=ro{how}"


def _why(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "its tool is writing to it; the next sync tries again"
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
        return "its tool was cut off while writing; start the tool once, so that it mends its database"
    return str(error)
