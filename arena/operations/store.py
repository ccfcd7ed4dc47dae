"""All SQL of the operations room."""

import sqlite3

from arena.operations.models import JobRun, JobState


def hold(conn: sqlite3.Connection) -> None:
    """Do nothing in a write of one's own: that takes the write lock, and lets it go."""
    conn.execute("SELECT 1")


def look(conn: sqlite3.Connection) -> None:
    """Read the file's first page and the list of its tables."""
    conn.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()


def add_job(conn: sqlite3.Connection, name: str, due_at: int | None) -> None:
    """Add a job that is not known yet."""
    conn.execute(
        "INSERT INTO jobs (name, due_at) VALUES (:name, :due_at) ON CONFLICT (name) DO NOTHING",
        {"name": name, "due_at": due_at},
    )


def drop_job(conn: sqlite3.Connection, name: str) -> None:
    """Forget when a job is due. What it did stays."""
    conn.execute("DELETE FROM jobs WHERE name = :name", {"name": name})


def jobs(conn: sqlite3.Connection) -> list[JobState]:
    """How every job stands that was ever known."""
    rows = conn.execute(
        "SELECT name, due_at, claim, started_at, lease_ends_at, attempts, done, failed FROM jobs ORDER BY name"
    )
    return [JobState(*row) for row in rows]


def job(conn: sqlite3.Connection, name: str) -> JobState | None:
    """How a job stands."""
    row = conn.execute(
        "SELECT name, due_at, claim, started_at, lease_ends_at, attempts, done, failed FROM jobs WHERE name = :name",
        {"name": name},
    ).fetchone()
    return row and JobState(*row)


def set_due(conn: sqlite3.Connection, name: str, due_at: int) -> bool:
    """Set when a job is to run; False if none of that name has times to run at."""
    done = conn.execute(
        "UPDATE jobs SET due_at = :due_at WHERE name = :name AND due_at IS NOT NULL", {"name": name, "due_at": due_at}
    )
    return done.rowcount > 0


def claim(conn: sqlite3.Connection, name: str, claim: str, now: int, lease_ends_at: int) -> None:
    """Give a job to whoever runs it."""
    conn.execute(
        "UPDATE jobs SET claim = :claim, started_at = :now, lease_ends_at = :lease_ends_at WHERE name = :name",
        {"name": name, "claim": claim, "now": now, "lease_ends_at": lease_ends_at},
    )


def renew(conn: sqlite3.Connection, claim: str, lease_ends_at: int) -> None:
    """Leave whoever has a claim what they run for a while longer."""
    conn.execute(
        "UPDATE jobs SET lease_ends_at = :lease_ends_at WHERE claim = :claim",
        {"claim": claim, "lease_ends_at": lease_ends_at},
    )


def finish(conn: sqlite3.Connection, name: str, claim: str, due_at: int, failed: bool) -> None:
    """Note the end of a run, unless somebody else runs the job meanwhile, and when it is due again."""
    conn.execute(
        """
        UPDATE jobs SET claim = NULL, started_at = NULL, lease_ends_at = NULL, due_at = :due_at,
            attempts = CASE WHEN :failed = 1 THEN attempts + 1 ELSE 0 END
        WHERE name = :name AND claim = :claim
        """,
        {"name": name, "claim": claim, "due_at": due_at, "failed": int(failed)},
    )


def add_run(conn: sqlite3.Connection, run: JobRun) -> None:
    """Write down a run, and count it."""
    conn.execute(
        """
        INSERT INTO job_runs (name, started_at, finished_at, did, problem)
        VALUES (:name, :started_at, :finished_at, :did, :problem)
        """,
        {
            "name": run.name,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "did": run.did,
            "problem": run.problem,
        },
    )
    conn.execute(
        "UPDATE jobs SET done = done + 1 - :failed, failed = failed + :failed WHERE name = :name",
        {"name": run.name, "failed": int(bool(run.problem))},
    )


def last_runs(conn: sqlite3.Connection) -> list[JobRun]:
    """The last run of each job that ever ran."""
    rows = conn.execute(
        """
        SELECT name, started_at, finished_at, did, problem FROM job_runs
        WHERE id IN (SELECT MAX(id) FROM job_runs GROUP BY name) ORDER BY name
        """
    )
    return [JobRun(*row) for row in rows]


def last_run(conn: sqlite3.Connection, name: str) -> JobRun | None:
    """The last run of a job."""
    row = conn.execute(
        """
        SELECT name, started_at, finished_at, did, problem FROM job_runs WHERE name = :name
        ORDER BY id DESC LIMIT 1
        """,
        {"name": name},
    ).fetchone()
    return row and JobRun(*row)


def runs(conn: sqlite3.Connection, limit: int) -> list[JobRun]:
    """The last runs of all jobs, newest first."""
    rows = conn.execute(
        "SELECT name, started_at, finished_at, did, problem FROM job_runs ORDER BY id DESC LIMIT :limit",
        {"limit": limit},
    )
    return [JobRun(*row) for row in rows]


def runs_of(conn: sqlite3.Connection, name: str, limit: int) -> list[JobRun]:
    """The last runs of a job, newest first."""
    rows = conn.execute(
        """
        SELECT name, started_at, finished_at, did, problem FROM job_runs WHERE name = :name
        ORDER BY id DESC LIMIT :limit
        """,
        {"name": name, "limit": limit},
    )
    return [JobRun(*row) for row in rows]


def drop_runs(conn: sqlite3.Connection, before: int) -> int:
    """Forget the runs that ended before an instant, but the last one of each job; return how many those were."""
    return conn.execute(
        """
        DELETE FROM job_runs
        WHERE finished_at < :before AND id NOT IN (SELECT MAX(id) FROM job_runs GROUP BY name)
        """,
        {"before": before},
    ).rowcount


def optimise(conn: sqlite3.Connection) -> None:
    """Let SQLite renew the figures by which it plans queries (it decides itself whether that is due)."""
    conn.execute("PRAGMA optimize")
