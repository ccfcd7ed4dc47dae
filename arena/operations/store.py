"""All SQL of the operations room."""

import sqlite3

from arena.operations.models import JobRun


def put_run(conn: sqlite3.Connection, run: JobRun) -> None:
    """Write down the last run of a job."""
    conn.execute(
        """
        INSERT INTO job_runs (name, started_at, finished_at, problem)
        VALUES (:name, :started_at, :finished_at, :problem)
        ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
            problem = excluded.problem
        """,
        {"name": run.name, "started_at": run.started_at, "finished_at": run.finished_at, "problem": run.problem},
    )


def runs(conn: sqlite3.Connection) -> list[JobRun]:
    """The last run of each job that ever ran."""
    rows = conn.execute("SELECT name, started_at, finished_at, problem FROM job_runs ORDER BY name")
    return [JobRun(*row) for row in rows]
