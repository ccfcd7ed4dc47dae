"""Bring a database file to the schema of this release, once, whoever starts first."""

from collections.abc import Iterable
from pathlib import Path

from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

from arena.core import sqlite

import sqlite3  # isort: skip  (after the module that chooses it)

APPLICATION_ID = 0x4152_454E
"""'AREN', so that ``file`` and we ourselves can tell our database from any other."""


class NewerSchema(Exception):
    """The database was written by a newer release."""


def migrate(path: Path, rooms: Iterable[Migrations]) -> list[str]:
    """Apply what is missing, room by room, in one immediate transaction; return the names of what was applied.

    Raises `NewerSchema` when the file holds migrations that this release does not know, and ``ValueError`` when it
    is some other program's database.
    """
    sets = list(rooms)
    try:
        conn = sqlite.connect(path)
        owner = conn.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError as problem:
        raise ValueError(f"{path}: {sqlite.told(problem)}") from problem
    try:
        if owner not in (0, APPLICATION_ID):
            raise ValueError(f"{path} is a database of another program")
        conn.execute(f"PRAGMA journal_mode={sqlite.JOURNAL}")
        tables = Tables(conn)
        conn.execute("BEGIN IMMEDIATE")
        try:
            before = _applied(tables)
            unknown = before - _known(sets)
            if unknown:
                raise NewerSchema(
                    f"{path} was written by a newer arena ({', '.join(sorted('.'.join(u) for u in unknown))}); "
                    "start that release, or restore a backup of this one"
                )
            for each in sets:
                each.apply(tables)
            conn.execute(f"PRAGMA application_id={APPLICATION_ID}")
            conn.execute("COMMIT")
        except BaseException:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            raise
        return sorted(".".join(name) for name in _applied(tables) - before)
    finally:
        conn.close()


def is_older(path: Path, rooms: Iterable[Migrations]) -> bool:
    """Say whether `migrate` would change a database that an earlier release left. (An empty one is nobody's.)"""
    conn = sqlite.connect(path, readonly=True)
    try:
        before = _applied(Tables(conn))
    except sqlite3.DatabaseError:
        return False  # `migrate` says what is wrong with it
    finally:
        conn.close()
    return bool(before) and not _known(list(rooms)) <= before


def _applied(tables: Tables) -> set[tuple[str, str]]:
    if "_sqlite_migrations" not in tables.table_names():
        return set()
    rows = tables.execute("SELECT migration_set, name FROM _sqlite_migrations").fetchall()
    return {(row[0], row[1]) for row in rows}


def _known(sets: Iterable[Migrations]) -> set[tuple[str, str]]:
    """Every step of this release: those that an empty database has yet to get."""
    empty = Tables(memory=True)
    try:
        return {(each.name, step.name) for each in sets for step in each.pending(empty)}
    finally:
        empty.close()
