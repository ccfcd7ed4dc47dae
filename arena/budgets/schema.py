"""The budgets room's tables. Amounts are billionths of a US dollar, for a month."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("budgets")


@migrations(name="0001_budgets")
def _(db: Database) -> None:
    for whose, table in (("team", "teams"), ("user", "users")):
        db.execute(
            f"""
            CREATE TABLE {whose}_budgets (
                {whose}_id TEXT PRIMARY KEY REFERENCES {table} (id) ON DELETE CASCADE,
                amount INTEGER NOT NULL CHECK (amount > 0),
                set_at INTEGER NOT NULL
            ) STRICT
            """
        )
        # The parts of a budget, in percent, that were reached in a month: each is told once.
        db.execute(
            f"""
            CREATE TABLE {whose}_budget_marks (
                {whose}_id TEXT NOT NULL REFERENCES {table} (id) ON DELETE CASCADE,
                month TEXT NOT NULL,
                mark INTEGER NOT NULL,
                reached_at INTEGER NOT NULL,
                PRIMARY KEY ({whose}_id, month, mark)
            ) STRICT, WITHOUT ROWID
            """
        )
