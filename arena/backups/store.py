"""All SQL of backups: a copy of the whole database, and what proves it sound."""

import sqlite3
from pathlib import Path


def copy_to(conn: sqlite3.Connection, path: Path) -> None:
    """Write the database as of one moment into a new, compact file; others go on writing meanwhile."""
    conn.execute("VACUUM INTO :path", {"path": str(path)})


def malformed(conn: sqlite3.Connection, *, thorough: bool = True) -> str | None:
    """Say the first page or row that makes no sense; None if all do.

    If not ``thorough``, indexes are not compared with their tables: that takes half the time.
    """
    check = "PRAGMA integrity_check(1)" if thorough else "PRAGMA quick_check(1)"
    said = str(conn.execute(check).fetchone()[0])
    return None if said == "ok" else said.splitlines()[-1]  # after one that names the database


def problem(conn: sqlite3.Connection) -> str | None:
    """Say the first thing that is wrong with the file or between its tables; None if nothing is."""
    if (said := malformed(conn)) is not None:
        return said
    loose = conn.execute("PRAGMA foreign_key_check").fetchone()
    return f"a row of {loose[0]} names one of {loose[2]} that is not there" if loose else None


def come_to_rest(conn: sqlite3.Connection) -> None:
    """Move everything from the log into the database file."""
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
