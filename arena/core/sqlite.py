"""One SQLite library for the whole process, and how its connections are opened.

SQLite before 3.51.3 can lose committed rows when a WAL file is reset (fixed too in 3.50.7 and 3.44.6). The
``pysqlite3`` wheel carries a sound one; it takes the place of ``sqlite3`` everywhere or nowhere, because two copies
of SQLite on one file corrupt it. Whoever opens a database imports this module before anything else does.
"""

import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any


def _use_one_library() -> None:
    try:
        import pysqlite3
        import pysqlite3.dbapi2
    except ImportError:
        return
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2


_use_one_library()

import sqlite3  # noqa: E402  (the one chosen above)

# What is neither a number nor text is asked for an adapter, and a search in vain costs more than all else that handing
# a value over does. These two say at once that they stay as they are.
_nothing: dict[None, str] = {}
sqlite3.register_adapter(type(None), _nothing.get)
sqlite3.register_adapter(bytes, bytes)


def wal_is_sound(version: tuple[int, ...]) -> bool:
    """Say whether a SQLite version is free of the WAL-reset bug."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


Error = sqlite3.Error
VERSION = sqlite3.sqlite_version
JOURNAL = "wal" if wal_is_sound(sqlite3.sqlite_version_info) else "truncate"
"""The journal that is safe with this library: TRUNCATE is slower, and sound on an affected version."""


class Connection(sqlite3.Connection):
    """A connection that hands many rows over in the order of their placeholders.

    The driver asks for each named placeholder of each row by its name, one by one, and lets other threads in between:
    that costs more than the insertion does.
    """

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        """Run a statement for each row: a dictionary, or an object with an attribute for each named placeholder."""
        statement, items_of, attributes_of = _in_order(sql)
        values = (items_of(row) if isinstance(row, dict) else attributes_of(row) for row in rows)
        return super().executemany(statement, values)


PLACEHOLDER = re.compile(r":([a-z_]\w*)")
Values = Callable[[Any], Any]


@cache
def _in_order(sql: str) -> tuple[str, Values, Values]:
    """A statement with question marks, and what takes their values out of a row."""
    names = PLACEHOLDER.findall(sql)
    if not names:
        return sql, tuple, tuple
    if len(names) == 1:  # a getter of one thing does not put it into a tuple
        item, attribute = itemgetter(*names), attrgetter(*names)
        return PLACEHOLDER.sub("?", sql), lambda row: (item(row),), lambda row: (attribute(row),)
    return PLACEHOLDER.sub("?", sql), itemgetter(*names), attrgetter(*names)


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Open a connection that begins its own transactions, waits 5 s for a lock and survives a power cut.

    A read-only one refuses to write (``query_only``), so that no page view can change anything by accident.
    """
    conn = sqlite3.connect(
        path, isolation_level=None, cached_statements=256, check_same_thread=False, factory=Connection
    )
    conn.row_factory = sqlite3.Row
    for pragma in (
        "busy_timeout=5000",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "mmap_size=0",
        "synchronous=FULL",
        "secure_delete=ON",  # what is deleted is overwritten: a mailed link does not stay in free space of the file
        "journal_size_limit=67108864",
        f"query_only={'ON' if readonly else 'OFF'}",
    ):
        conn.execute(f"PRAGMA {pragma}")
    return conn


def look_into(path: Path) -> sqlite3.Connection:
    """Open a connection that leaves file and log as they are. (Others move the log into the file as they close.)"""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def is_strange_log(path: Path) -> bool:
    """Say whether the log beside a database has a format that this SQLite does not know."""
    try:
        with path.with_name(f"{path.name}-wal").open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        return False
    return head[:3] == b"\x37\x7f\x06" and int.from_bytes(head[4:8]) != 3_007_000


def count_rows(conn: sqlite3.Connection) -> dict[str, int]:
    """Count the rows of every table."""
    names = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'")
    return {name: conn.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for (name,) in names.fetchall()}  # noqa: S608


def code(problem: BaseException) -> int:
    """SQLite's primary result code; 0 for what is not from SQLite."""
    return int(getattr(problem, "sqlite_errorcode", 0)) & 0xFF


def is_damage(problem: BaseException) -> bool:
    """Whether pages make no sense, or the file is no database."""
    return code(problem) in (11, 26)


def told(problem: sqlite3.Error) -> str:
    """Say to whoever runs the box what a failure of SQLite's means and what to do, in one sentence without an end."""
    match code(problem):
        case 13:
            return f"there is no room on the disk ({problem}); make room and do this again"
        case 8 | 10 | 14:
            return f"the disk does not let the database be used ({problem}); see whether it is full, read-only or gone"
        case 5 | 6:
            return f"another program holds the database ({problem}); do this again in a moment"
        case 11 | 26:
            return f"the database is damaged ({problem}); put a backup in its place: `arena admin restore FILE`"
    return f"the database cannot be used ({problem}); see that this is the release it was made by"
