"""The operations room's tables."""

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


@migrations(name="0002_jobs")
def _(db: Database) -> None:
    # When each job is due; NULL for one that runs each minute. Whoever runs it holds its claim until the lease ends;
    # attempts are those that failed since it last did its work.
    db.execute(
        """
        CREATE TABLE jobs (
            name TEXT PRIMARY KEY,
            due_at INTEGER,
            claim TEXT,
            started_at INTEGER,
            lease_ends_at INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0,
            done INTEGER NOT NULL DEFAULT 0,
            failed INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """
    )
    # Every run that did something, or failed. Of those before, only the last one of each job is known.
    db.execute("ALTER TABLE job_runs RENAME TO last_job_runs")
    db.execute(
        """
        CREATE TABLE job_runs (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            finished_at INTEGER NOT NULL,
            did TEXT,
            problem TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute(
        """
        INSERT INTO job_runs (name, started_at, finished_at, problem)
        SELECT name, started_at, finished_at, problem FROM last_job_runs ORDER BY finished_at
        """
    )
    db.execute("DROP TABLE last_job_runs")
    db.execute("CREATE INDEX idx_job_runs_name ON job_runs (name, id)")
    db.execute("CREATE INDEX idx_job_runs_finished_at ON job_runs (finished_at)")
