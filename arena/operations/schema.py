"""The operations room's table."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("operations")


@migrations(name="0001_job_runs")
def _(db: Database) -> None:
    # The last run of each job.
    db.execute(
        """
        CREATE TABLE job_runs (
            name TEXT PRIMARY KEY,
            started_at INTEGER NOT NULL,
            finished_at INTEGER NOT NULL,
            problem TEXT NOT NULL
        ) STRICT
        """
    )
