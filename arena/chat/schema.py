"""The chat room's tables. Times are epoch milliseconds."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("chat")


@migrations(name="0001_leaders")
def _(db: Database) -> None:
    # Of each period that is watched: who was told to lead, and who leads since when.
    db.execute(
        """
        CREATE TABLE chat_leaders (
            period TEXT PRIMARY KEY,
            start TEXT NOT NULL,
            told TEXT REFERENCES users (id) ON DELETE SET NULL,
            told_at INTEGER NOT NULL,
            leader TEXT REFERENCES users (id) ON DELETE SET NULL,
            since INTEGER NOT NULL
        ) STRICT
        """
    )
