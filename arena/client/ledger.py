"""The ledger: one SQLite file that remembers each transcript's counts and position, and what is not yet sent.

Claude Code deletes and rewrites its transcripts; what was once counted stays here. Each transcript is two rows: one
that says whether it changed, one with its counts packed, so that finding nothing new reads little.
"""

import os
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from arena.client.home import state_folder

VERSION = 1
ALL = b"*"
"""In ``unsent``: each record of the transcript."""

SCHEMA = """
create table if not exists files (
    id integer primary key, tool text not null, path text not null unique, inode integer not null,
    size integer not null, mtime integer not null, position integer not null, head blob not null, tail blob not null
) strict;
create table if not exists counts (
    file integer primary key, stretches blob not null, cwds blob not null, unsent blob, refused blob,
    state blob not null, copies blob not null
) strict;
create index if not exists waiting on counts (file) where unsent is not null;
create table if not exists facts (name text primary key, value text not null) strict;
"""


class Position(NamedTuple):
    """How far a transcript was read, and how to tell whether it is still the same one."""

    file: int
    inode: int
    size: int
    mtime: int
    position: int
    head: bytes
    tail: bytes


class Counts(NamedTuple):
    """What a transcript gave, packed; ``unsent`` holds keys of 16 bytes, `ALL` or nothing."""

    file: int
    tool: str
    copies: bytes
    stretches: bytes
    cwds: bytes
    state: bytes
    unsent: bytes | None
    refused: bytes | None


def opened() -> sqlite3.Connection:
    """Open the ledger, making it where there is none."""
    path = os.path.join(state_folder(), "ledger.sqlite3")
    if not os.path.exists(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    conn = sqlite3.connect(path, timeout=10, isolation_level=None)
    if conn.execute("pragma user_version").fetchone()[0] != VERSION:
        conn.executescript(f"begin; {SCHEMA} pragma user_version = {VERSION}; commit;")
    return conn


def name(path: str) -> str:
    """Name a transcript as it stands here: its path, with signs that are no text written out."""
    return path if path.isascii() else os.fsencode(path).decode(errors="backslashreplace")


def positions(conn: sqlite3.Connection, tool: str) -> dict[str, tuple[int, int, int]]:
    """Map each known transcript to inode, size and time of change."""
    rows = conn.execute("select path, inode, size, mtime from files where tool = :tool", {"tool": tool})
    return {path: (inode, size, mtime) for path, inode, size, mtime in rows}


def position(conn: sqlite3.Connection, path: str) -> Position | None:
    """Find how far a transcript was read."""
    row = conn.execute(
        "select id, inode, size, mtime, position, head, tail from files where path = :path", {"path": name(path)}
    ).fetchone()
    return Position(*row) if row else None


def numbers(conn: sqlite3.Connection, tool: str, paths: list[str] | None = None) -> set[int]:
    """List the numbers of a tool's transcripts, of all or of those at some paths."""
    if paths is None:
        return {file for (file,) in conn.execute("select id from files where tool = :tool", {"tool": tool})}
    places = (position(conn, path) for path in paths)
    return {place.file for place in places if place}


def counts(conn: sqlite3.Connection, file: int) -> Counts | None:
    """Find what a transcript gave."""
    row = conn.execute(
        "select c.file, f.tool, c.copies, c.stretches, c.cwds, c.state, c.unsent, c.refused"
        " from counts c join files f on f.id = c.file where c.file = :file",
        {"file": file},
    ).fetchone()
    return Counts(*row) if row else None


def every(conn: sqlite3.Connection) -> Iterator[Counts]:
    """Go through all transcripts, one in memory at a time."""
    for (file,) in conn.execute("select id from files order by id").fetchall():
        found = counts(conn, file)
        if found:
            yield found


def stretches(conn: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """Go through the sessions of all transcripts, each with its transcript's number."""
    yield from conn.execute("select file, stretches from counts order by file")


def unsent(conn: sqlite3.Connection, files: set[int] | None = None) -> Iterator[Counts]:
    """Go through the transcripts that hold something not yet sent."""
    for (file,) in conn.execute("select file from counts where unsent is not null order by file").fetchall():
        found = counts(conn, file) if files is None or file in files else None
        if found:
            yield found


def any_unsent(conn: sqlite3.Connection) -> bool:
    """Say whether something waits to be sent."""
    return conn.execute("select 1 from counts where unsent is not null limit 1").fetchone() is not None


def put_position(conn: sqlite3.Connection, tool: str, path: str, at: Position) -> int:
    """Note how far a transcript was read, and give its number."""
    row = conn.execute(
        "insert into files (tool, path, inode, size, mtime, position, head, tail)"
        " values (:tool, :path, :inode, :size, :mtime, :position, :head, :tail)"
        " on conflict (path) do update set inode = excluded.inode, size = excluded.size, mtime = excluded.mtime,"
        " position = excluded.position, head = excluded.head, tail = excluded.tail returning id",
        {
            "tool": tool,
            "path": name(path),
            "inode": at.inode,
            "size": at.size,
            "mtime": at.mtime,
            "position": at.position,
            "head": at.head,
            "tail": at.tail,
        },
    ).fetchone()
    file: int = row[0]
    return file


def put_counts(conn: sqlite3.Connection, new: Counts) -> None:
    """Note what a transcript gave."""
    conn.execute(
        "insert or replace into counts (file, copies, stretches, cwds, state, unsent, refused)"
        " values (:file, :copies, :stretches, :cwds, :state, :unsent, :refused)",
        {
            "file": new.file,
            "copies": new.copies,
            "stretches": new.stretches,
            "cwds": new.cwds,
            "state": new.state,
            "unsent": new.unsent,
            "refused": new.refused,
        },
    )


def put_sent(conn: sqlite3.Connection, file: int, unsent: bytes | None, refused: bytes | None) -> None:
    """Note what of a transcript is still not sent, and what the box would not have."""
    conn.execute(
        "update counts set unsent = :unsent, refused = :refused where file = :file",
        {"file": file, "unsent": unsent, "refused": refused},
    )


def forget_sent(conn: sqlite3.Connection, files: set[int] | None = None) -> None:
    """Note that nothing of these transcripts, or of all, was sent: the box does not have it."""
    if files is None:
        conn.execute("update counts set unsent = :all, refused = null", {"all": ALL})
        return
    rows = [{"all": ALL, "file": file} for file in sorted(files)]
    conn.executemany("update counts set unsent = :all, refused = null where file = :file", rows)


def fact(conn: sqlite3.Connection, name: str) -> str:
    """Look up a fact about the ledger itself."""
    row = conn.execute("select value from facts where name = :name", {"name": name}).fetchone()
    return row[0] if row else ""


def put_fact(conn: sqlite3.Connection, name: str, value: str) -> None:
    """Note a fact about the ledger itself."""
    conn.execute("insert or replace into facts (name, value) values (:name, :value)", {"name": name, "value": value})
