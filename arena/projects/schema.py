"""The projects room's tables."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("projects")


@migrations(name="0001_projects")
def _(db: Database) -> None:
    # A project has the scores of its latest evaluation that came to an end.
    db.execute(
        """
        CREATE TABLE projects (
            id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            project_path_hash TEXT NOT NULL,
            project_name TEXT NOT NULL,
            total_score INTEGER,
            rubric_functionality INTEGER,
            rubric_practicality INTEGER,
            passed INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            evaluated_at INTEGER,
            UNIQUE (user_id, project_path_hash)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_projects_score ON projects (total_score DESC, evaluated_at) WHERE passed = 1")
    # state: queued, running, done, failed. A running one belongs to whoever holds its claim until the lease ends.
    db.execute(
        """
        CREATE TABLE project_evaluations (
            id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            project_name TEXT NOT NULL,
            day TEXT NOT NULL,
            state TEXT NOT NULL,
            content_hash TEXT NOT NULL,
            description TEXT NOT NULL,
            file_structure TEXT,
            local_score INTEGER NOT NULL,
            local_summary TEXT,
            claim TEXT,
            lease_ends_at INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0,
            total_score INTEGER,
            rubric_functionality INTEGER,
            rubric_practicality INTEGER,
            passed INTEGER,
            cumulative_after INTEGER,
            feedback TEXT,
            verdicts TEXT,
            reason TEXT,
            llm_model TEXT,
            llm_provider TEXT,
            created_at INTEGER NOT NULL,
            evaluated_at INTEGER
        ) STRICT
        """
    )
    # The same content of a project is judged once, unless that failed.
    db.execute(
        """
        CREATE UNIQUE INDEX idx_evaluations_content ON project_evaluations (project_id, content_hash)
        WHERE state <> 'failed'
        """
    )
    db.execute("CREATE INDEX idx_evaluations_user_id ON project_evaluations (user_id, day)")
    db.execute("CREATE INDEX idx_evaluations_project_id ON project_evaluations (project_id, created_at)")
    db.execute(
        """
        CREATE INDEX idx_evaluations_waiting ON project_evaluations (state, created_at)
        WHERE state IN ('queued', 'running')
        """
    )
    # Each question to the model, written down before it is asked. It outlives its evaluation: its cost was paid.
    db.execute(
        """
        CREATE TABLE project_questions (
            id TEXT PRIMARY KEY,
            evaluation_id TEXT REFERENCES project_evaluations (id) ON DELETE SET NULL,
            reading INTEGER NOT NULL,
            day TEXT NOT NULL,
            outcome TEXT NOT NULL,
            answer TEXT,
            llm_model TEXT NOT NULL,
            input_tokens INTEGER,
            output_tokens INTEGER,
            cache_tokens INTEGER,
            cost INTEGER,
            asked_at INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_questions_day ON project_questions (day)")
    db.execute("CREATE INDEX idx_questions_evaluation_id ON project_questions (evaluation_id, reading)")


@migrations(name="0002_readings")
def _(db: Database) -> None:
    # What a model answered quotes the README, so it goes with its person; what it cost stays.
    db.execute(
        """
        CREATE TABLE project_readings (
            evaluation_id TEXT NOT NULL REFERENCES project_evaluations (id) ON DELETE CASCADE,
            reading INTEGER NOT NULL,
            answer TEXT NOT NULL,
            PRIMARY KEY (evaluation_id, reading)
        ) STRICT
        """
    )
    db.execute(
        """
        INSERT INTO project_readings (evaluation_id, reading, answer)
        SELECT evaluation_id, reading, answer FROM project_questions
        WHERE answer IS NOT NULL AND evaluation_id IS NOT NULL
        """
    )
    db.execute("ALTER TABLE project_questions DROP COLUMN answer")


@migrations(name="0003_scores")
def _(db: Database) -> None:
    # Boards by projects are read from this index alone, past the READMEs.
    db.execute(
        """
        CREATE INDEX idx_evaluations_done
        ON project_evaluations (project_id, evaluated_at, id, user_id, total_score, passed, state)
        WHERE state = 'done'
        """
    )


@migrations(name="0004_limits")
def _(db: Database) -> None:
    # most: what a question may cost at the most, which counts where nobody learns what it did cost.
    # sample: the README of the calibration set that it is about; then there is no evaluation.
    db.execute("ALTER TABLE project_questions ADD COLUMN most INTEGER")
    db.execute("ALTER TABLE project_questions ADD COLUMN sample TEXT")
    db.execute("CREATE INDEX idx_questions_under_way ON project_questions (asked_at) WHERE outcome = 'asked'")


@migrations(name="0005_figures")
def _(db: Database) -> None:
    # What is told of all questions is read from the index alone.
    db.execute("CREATE INDEX idx_questions_outcome ON project_questions (outcome, cost)")
    db.execute("CREATE INDEX idx_evaluations_state ON project_evaluations (state, created_at)")
    db.execute("DROP INDEX idx_evaluations_waiting")
