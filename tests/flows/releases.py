"""Boxes as other releases left them."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

from contextlib import closing
from pathlib import Path

from sqlite_utils import Database as Tables

from arena.core.migrate import APPLICATION_ID
from arena.rooms import schemas

FIRST = {"audit": 1, "accounts": 4, "usage": 4}
"""How many steps the schema of each room had in the first release."""

OF_THE_SCHEMA = {"tool_types"}
"""Tables whose rows a migration brings."""


def as_the_first_release(data: Path) -> None:
    """Bring the database of a box that is not served back to the first release's schema, with the rows that fit it."""
    database, older = data / "arena.db", data / "older.db"
    with closing(sqlite.connect(older)) as conn:
        conn.execute(f"PRAGMA application_id={APPLICATION_ID}")
        conn.execute("PRAGMA foreign_keys=OFF")
        tables = Tables(conn)
        for room in schemas():
            if steps := FIRST.get(room.name):
                room.apply(tables, stop_before=room._migrations[steps].name)
        conn.execute("ATTACH :newer AS newer", {"newer": str(database)})
        for (table,) in conn.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            if not table.startswith(("_", "sqlite_")) and table not in OF_THE_SCHEMA:
                _copy_rows(conn, table)
        conn.execute("DETACH newer")
        for table in ("sessions", "usage_records", "road_days"):  # telemetry was one road, and is two
            conn.execute(f"UPDATE {table} SET road = road - 1 WHERE road > 2")
    for file in data.glob("arena.db*"):
        file.unlink()
    older.rename(database)


def as_a_later_release(data: Path) -> None:
    """Write into a database that a step was done which nobody here knows."""
    with closing(sqlite.connect(data / "arena.db")) as conn:
        conn.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('usage', '9999_x', '')")


def dump(data: Path) -> dict[str, list[str]]:
    """A whole database: how each thing in it was made, and the rows of each table."""
    with closing(sqlite.connect(data / "arena.db", readonly=True)) as conn:
        made = {row["name"]: row for row in conn.execute("SELECT type, name, sql FROM sqlite_schema")}
        return {
            name: [row["sql"], *(repr(tuple(each)) for each in conn.execute(f'SELECT * FROM "{name}"'))]
            if row["type"] == "table"
            else [row["sql"]]
            for name, row in made.items()
        }


def _copy_rows(conn: sqlite.Connection, table: str) -> None:
    both = [name for name in _columns(conn, "main", table) if name in _columns(conn, "newer", table)]
    # The security log had ids of its own before it was a chain.
    more, values = ("id, ", "printf('%d', seq), ") if table == "security_audit_log" else ("", "")
    names = ", ".join(both)
    conn.execute(f"INSERT OR REPLACE INTO main.{table} ({more}{names}) SELECT {values}{names} FROM newer.{table}")


def _columns(conn: sqlite.Connection, schema: str, table: str) -> list[str]:
    return [row["name"] for row in conn.execute(f"PRAGMA {schema}.table_info({table})")]
