"""A mark beside a database that is known to be damaged: while it is there, every process keeps away from the file."""

import contextlib
from pathlib import Path


def mark(database: Path, what: str) -> None:
    """Mark a database as damaged, with what SQLite said of it. (On a disk that takes nothing, only we know.)"""
    with contextlib.suppress(OSError):
        _file(database).write_text(f"{what}\n")


def marked(database: Path) -> str:
    """What is wrong with a database, as far as somebody found out; empty if nothing is."""
    file = _file(database)
    try:
        return file.read_text().strip() or "it is marked as damaged"
    except OSError:
        return ""


def unmark(database: Path) -> None:
    """Let a database be used that was found sound again, or replaced."""
    _file(database).unlink(missing_ok=True)


def _file(database: Path) -> Path:
    return database.with_name("damaged")
