"""All SQL of the prices room."""

import sqlite3
from collections.abc import Sequence

from arena.prices.models import Version


def version_of(conn: sqlite3.Connection, digest: str) -> int | None:
    """The version under which a table with this digest was loaded."""
    row = conn.execute("SELECT number FROM price_versions WHERE digest = :digest", {"digest": digest}).fetchone()
    return int(row[0]) if row else None


def newest(conn: sqlite3.Connection) -> tuple[int, str, int]:
    """The newest version's number, its table's digest, and when it was loaded; zeros before any table was loaded."""
    row = conn.execute("SELECT number, digest, loaded_at FROM price_versions ORDER BY number DESC LIMIT 1").fetchone()
    return (int(row[0]), str(row[1]), int(row[2])) if row else (0, "", 0)


def versions(conn: sqlite3.Connection) -> list[Version]:
    """Every table that was loaded, the newest first."""
    rows = conn.execute("SELECT number, source, as_of, loaded_at FROM price_versions ORDER BY number DESC")
    return [Version(*row) for row in rows]


def unapplied(conn: sqlite3.Connection) -> list[Version]:
    """The tables whose prices the usage that was there does not have yet, the oldest first."""
    rows = conn.execute(
        "SELECT number, source, as_of, loaded_at FROM price_versions WHERE applied_at IS NULL ORDER BY number"
    )
    return [Version(*row) for row in rows]


def set_applied(conn: sqlite3.Connection, number: int, now: int) -> None:
    """Note that all usage has the prices of a version, and of those before it."""
    conn.execute(
        "UPDATE price_versions SET applied_at = :now WHERE number <= :number AND applied_at IS NULL",
        {"number": number, "now": now},
    )


def add_version(conn: sqlite3.Connection, number: int, source: str, as_of: str, digest: str, loaded_at: int) -> None:
    """Insert a version."""
    conn.execute(
        """
        INSERT INTO price_versions (number, source, as_of, digest, loaded_at)
        VALUES (:number, :source, :as_of, :digest, :loaded_at)
        """,
        {"number": number, "source": source, "as_of": as_of, "digest": digest, "loaded_at": loaded_at},
    )


def prices(conn: sqlite3.Connection) -> list[tuple[str, str, int, str]]:
    """Every price: model, day from which it holds, version, and the price as JSON; by model and day."""
    rows = conn.execute("SELECT model, effective_from, version, price FROM prices ORDER BY model, effective_from")
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def put_prices(conn: sqlite3.Connection, rows: Sequence[tuple[str, str, int, str]]) -> None:
    """Insert prices, or replace those of the same model and day."""
    conn.executemany(
        """
        INSERT INTO prices (model, effective_from, version, price)
        VALUES (:model, :effective_from, :version, :price)
        ON CONFLICT (model, effective_from) DO UPDATE SET version = excluded.version, price = excluded.price
        """,
        [dict(zip(("model", "effective_from", "version", "price"), row, strict=True)) for row in rows],
    )
