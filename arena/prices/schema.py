"""The prices room's tables."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("prices")


@migrations(name="0001_prices")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE price_versions (
            number INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            as_of TEXT NOT NULL,
            digest TEXT NOT NULL UNIQUE,
            loaded_at INTEGER NOT NULL
        ) STRICT
        """
    )
    # effective_from is a day, or empty for a price that holds from the beginning.
    db.execute(
        """
        CREATE TABLE prices (
            model TEXT NOT NULL,
            effective_from TEXT NOT NULL,
            version INTEGER NOT NULL REFERENCES price_versions (number),
            price TEXT NOT NULL,
            PRIMARY KEY (model, effective_from)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations(name="0002_applied_at")
def _(db: Database) -> None:
    # When all usage that was there had the prices of this version; null until then.
    db.execute("ALTER TABLE price_versions ADD COLUMN applied_at INTEGER")
