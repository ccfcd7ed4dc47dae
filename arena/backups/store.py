"""All SQL of backups: a copy of the whole database, and what proves it sound."""

import sqlite3
from pathlib import Path


def copy_to(conn: sqlite3.Connection, path: Path) -> None:
    """Write the database as of one moment into a new, compact file; others go on writing meanwhile."""
    conn.execute("VACUUM INTO :path", {"path": str(path)})


def problem(conn: sqlite3.Connection) -> str | None:
    """Say the first thing that is wrong with the file or between its tables; None if nothing is."""
    said = conn.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if said != "ok":
        return str(said)
    loose = conn.execute("PRAGMA foreign_key_check").fetchone()
    return f"a row of {loose[0]} names one of {loose[2]} that is not there" if loose else None


def come_to_rest(conn: sqlite3.Connection) -> None:
    """Move everything from the log into the database file."""
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
