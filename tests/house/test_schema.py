"""The whole schema stands in one file, so that a change of it is seen in a diff."""

from pathlib import Path

from arena.core import sqlite
from tests.house.write_schema import FILE, schema


def test_a_fresh_database_has_the_schema_that_is_written_down(empty_database: Path) -> None:
    conn = sqlite.connect(empty_database, readonly=True)
    try:
        assert schema(conn) == FILE.read_text(), "after a migration run: python -m tests.house.write_schema"
    finally:
        conn.close()
