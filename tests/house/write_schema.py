"""``python -m tests.house.write_schema``: write the schema of a fresh database to ``schema.sql`` beside this file."""

from arena.core import sqlite  # isort: skip  (first: it chooses the SQLite library)

import sqlite3
import tempfile
from pathlib import Path

from arena.core.migrate import migrate
from arena.rooms import schemas

FILE = Path(__file__).with_name("schema.sql")


def schema(conn: sqlite3.Connection) -> str:
    """Every table with its indexes, by name, as the migrations left them."""
    rows = conn.execute(
        """
        SELECT tbl_name, sql FROM sqlite_schema
        WHERE sql IS NOT NULL AND tbl_name NOT LIKE '!_%' ESCAPE '!' AND tbl_name NOT LIKE 'sqlite!_%' ESCAPE '!'
        ORDER BY tbl_name, type DESC, name
        """
    )
    return "\n".join(f"{_flush(row[1])};\n" for row in rows)


def _flush(sql: str) -> str:
    """Take away the indentation that a statement had in the code: that of its last line."""
    lines = sql.rstrip().splitlines()
    indent = len(lines[-1]) - len(lines[-1].lstrip())
    return "\n".join(line[indent:] if line[:indent].isspace() else line for line in lines)


def main() -> None:
    """Make a database, read it, write the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arena.db"
        migrate(path, schemas())
        conn = sqlite.connect(path, readonly=True)
        try:
            FILE.write_text(schema(conn))
        finally:
            conn.close()


if __name__ == "__main__":
    main()
