"""All SQL of the projects room."""

import sqlite3

from arena.projects.models import (
    Asked,
    Claimed,
    Evaluation,
    Kept,
    Paid,
    Project,
    Question,
    Result,
    Spending,
    Submission,
    Waiting,
)

# -- projects


def project_id(conn: sqlite3.Connection, user_id: str, path_hash: str) -> str | None:
    """The id of a person's project."""
    row = conn.execute(
        "SELECT id FROM projects WHERE user_id = :user_id AND project_path_hash = :path_hash",
        {"user_id": user_id, "path_hash": path_hash},
    ).fetchone()
    return row[0] if row else None


def put_project(conn: sqlite3.Connection, id: str, user_id: str, path_hash: str, name: str, now: int) -> None:
    """Insert a project, or give the one that is there its newest name."""
    conn.execute(
        """
        INSERT INTO projects (id, user_id, project_path_hash, project_name, created_at)
        VALUES (:id, :user_id, :path_hash, :name, :now)
        ON CONFLICT (user_id, project_path_hash) DO UPDATE SET project_name = excluded.project_name
        """,
        {"id": id, "user_id": user_id, "path_hash": path_hash, "name": name, "now": now},
    )


def set_scores(conn: sqlite3.Connection, evaluation_id: str, result: Result, now: int) -> None:
    """Give a project the scores of an evaluation of it."""
    conn.execute(
        """
        UPDATE projects SET total_score = :total, rubric_functionality = :functionality,
            rubric_practicality = :practicality, passed = :passed, evaluated_at = :now
        WHERE id = (SELECT project_id FROM project_evaluations WHERE id = :evaluation_id)
        """,
        {
            "evaluation_id": evaluation_id,
            "total": result.total,
            "functionality": result.functionality,
            "practicality": result.practicality,
            "passed": int(result.passed),
            "now": now,
        },
    )


def cumulative(conn: sqlite3.Connection, evaluation_id: str) -> int:
    """The scores of all passed projects of the person of an evaluation."""
    row = conn.execute(
        """
        SELECT COALESCE(SUM(total_score), 0) FROM projects
        WHERE passed = 1 AND user_id = (SELECT user_id FROM project_evaluations WHERE id = :evaluation_id)
        """,
        {"evaluation_id": evaluation_id},
    ).fetchone()
    return int(row[0])


def passed(conn: sqlite3.Connection, user_id: str) -> int:
    """How many of a person's projects passed."""
    row = conn.execute(
        "SELECT COUNT(*) FROM projects WHERE passed = 1 AND user_id = :user_id", {"user_id": user_id}
    ).fetchone()
    return int(row[0])


def best(conn: sqlite3.Connection, reader: str | None, limit: int) -> list[Project]:
    """The passed projects that a reader may see, the best first; a reader always sees their own."""
    rows = conn.execute(
        """
        SELECT p.id, p.user_id, p.project_name, p.total_score, p.rubric_functionality, p.rubric_practicality,
            p.passed, p.evaluated_at, u.username, u.display_name, 'done'
        FROM projects AS p JOIN users AS u ON u.id = p.user_id
        WHERE p.passed = 1 AND u.disabled_at IS NULL AND (u.privacy_mode = 0 OR u.id = :reader)
        ORDER BY p.total_score DESC, p.evaluated_at, p.id LIMIT :limit
        """,
        {"reader": reader, "limit": limit},
    )
    return [_project(row) for row in rows]


def projects_of(conn: sqlite3.Connection, user_id: str, limit: int) -> list[Project]:
    """A person's projects with the state of their latest evaluations, the newest first."""
    rows = conn.execute(
        """
        SELECT p.id, p.user_id, p.project_name, p.total_score, p.rubric_functionality, p.rubric_practicality,
            p.passed, p.evaluated_at, u.username, u.display_name,
            (SELECT e.state FROM project_evaluations AS e WHERE e.project_id = p.id
                ORDER BY e.created_at DESC, e.id DESC LIMIT 1)
        FROM projects AS p JOIN users AS u ON u.id = p.user_id
        WHERE p.user_id = :user_id
        ORDER BY p.created_at DESC, p.id DESC LIMIT :limit
        """,
        {"user_id": user_id, "limit": limit},
    )
    return [_project(row) for row in rows]


def project(conn: sqlite3.Connection, id: str, reader: str | None) -> Project | None:
    """A project that a reader may see: one's own, or of somebody neither private nor disabled."""
    row = conn.execute(
        """
        SELECT p.id, p.user_id, p.project_name, p.total_score, p.rubric_functionality, p.rubric_practicality,
            p.passed, p.evaluated_at, u.username, u.display_name,
            (SELECT e.state FROM project_evaluations AS e WHERE e.project_id = p.id
                ORDER BY e.created_at DESC, e.id DESC LIMIT 1)
        FROM projects AS p JOIN users AS u ON u.id = p.user_id
        WHERE p.id = :id AND (u.id = :reader OR (p.passed = 1 AND u.disabled_at IS NULL AND u.privacy_mode = 0))
        """,
        {"id": id, "reader": reader},
    ).fetchone()
    return _project(row) if row else None


def _project(row: sqlite3.Row) -> Project:
    id, user_id, name, total, functionality, practicality, passed, evaluated_at, owner, display, state = tuple(row)
    return Project(
        id, user_id, name, total, functionality, practicality, bool(passed), evaluated_at, owner, display, state
    )


# -- evaluations


def add_evaluation(
    conn: sqlite3.Connection,
    id: str,
    user_id: str,
    project_id: str,
    sent: Submission,
    files: str | None,
    content_hash: str,
    day: str,
    now: int,
) -> None:
    """Insert an evaluation that waits. Raises `sqlite3.IntegrityError` when the same content waits or is judged."""
    conn.execute(
        """
        INSERT INTO project_evaluations (id, user_id, project_id, project_name, day, state, content_hash, description,
            file_structure, local_score, local_summary, created_at)
        VALUES (:id, :user_id, :project_id, :name, :day, 'queued', :content_hash, :readme,
            :files, :local_score, :local_summary, :now)
        """,
        {
            "id": id,
            "user_id": user_id,
            "project_id": project_id,
            "name": sent.name,
            "day": day,
            "content_hash": content_hash,
            "readme": sent.readme,
            "files": files,
            "local_score": sent.local_score,
            "local_summary": sent.local_summary or None,
            "now": now,
        },
    )


def same_content(conn: sqlite3.Connection, project_id: str, content_hash: str) -> str | None:
    """The evaluation of this content of a project that waits, runs or is done."""
    row = conn.execute(
        """
        SELECT id FROM project_evaluations
        WHERE project_id = :project_id AND content_hash = :content_hash AND state <> 'failed'
        """,
        {"project_id": project_id, "content_hash": content_hash},
    ).fetchone()
    return row[0] if row else None


def used(conn: sqlite3.Connection, user_id: str, day: str) -> tuple[int, int]:
    """How many evaluations a person asked for on a day: those that did not fail, and all."""
    row = conn.execute(
        """
        SELECT COALESCE(SUM(CASE WHEN state <> 'failed' THEN 1 ELSE 0 END), 0), COUNT(*)
        FROM project_evaluations WHERE user_id = :user_id AND day = :day
        """,
        {"user_id": user_id, "day": day},
    ).fetchone()
    return row[0], row[1]


def evaluation(conn: sqlite3.Connection, id: str) -> Evaluation | None:
    """One evaluation."""
    row = conn.execute(
        """
        SELECT e.id, e.user_id, e.project_id, e.project_name, p.project_path_hash, e.state, e.local_score,
            e.local_summary, e.total_score, e.rubric_functionality, e.rubric_practicality, e.passed,
            e.cumulative_after, e.feedback, e.verdicts, e.reason, e.llm_model, e.created_at, e.evaluated_at,
            (SELECT COUNT(*) FROM project_readings AS r WHERE r.evaluation_id = e.id)
        FROM project_evaluations AS e JOIN projects AS p ON p.id = e.project_id
        WHERE e.id = :id
        """,
        {"id": id},
    ).fetchone()
    return _evaluation(row) if row else None


def evaluations(conn: sqlite3.Connection, project_id: str, limit: int) -> list[Evaluation]:
    """The evaluations of a project, the newest first."""
    rows = conn.execute(
        """
        SELECT e.id, e.user_id, e.project_id, e.project_name, p.project_path_hash, e.state, e.local_score,
            e.local_summary, e.total_score, e.rubric_functionality, e.rubric_practicality, e.passed,
            e.cumulative_after, e.feedback, e.verdicts, e.reason, e.llm_model, e.created_at, e.evaluated_at,
            (SELECT COUNT(*) FROM project_readings AS r WHERE r.evaluation_id = e.id)
        FROM project_evaluations AS e JOIN projects AS p ON p.id = e.project_id
        WHERE e.project_id = :project_id
        ORDER BY e.created_at DESC, e.id DESC LIMIT :limit
        """,
        {"project_id": project_id, "limit": limit},
    )
    return [_evaluation(row) for row in rows]


def ahead(conn: sqlite3.Connection, id: str) -> int:
    """How many evaluations wait before one."""
    row = conn.execute(
        """
        SELECT COUNT(*) FROM project_evaluations AS e JOIN project_evaluations AS mine ON mine.id = :id
        WHERE e.state = 'queued'
            AND (e.created_at < mine.created_at OR (e.created_at = mine.created_at AND e.id < mine.id))
        """,
        {"id": id},
    ).fetchone()
    return int(row[0])


def waiting(conn: sqlite3.Connection) -> Waiting:
    """How much work there is."""
    row = conn.execute(
        """
        SELECT COALESCE(SUM(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN state = 'running' THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0),
            MIN(CASE WHEN state = 'queued' THEN created_at END)
        FROM project_evaluations
        """
    ).fetchone()
    return Waiting(*row)


def all_evaluations(conn: sqlite3.Connection, state: str | None, limit: int, offset: int) -> list[Asked]:
    """Everybody's evaluations, those submitted last first: of all states, or of one."""
    rows = conn.execute(
        """
        SELECT e.id, e.project_id, e.project_name, u.username, u.display_name, e.state, e.total_score, e.passed,
            e.verdicts, e.reason, e.llm_model, e.attempts, e.created_at, e.evaluated_at,
            (SELECT COUNT(*) FROM project_questions AS q WHERE q.evaluation_id = e.id),
            (SELECT COALESCE(SUM(q.cost), 0) FROM project_questions AS q WHERE q.evaluation_id = e.id),
            (SELECT COUNT(*) FROM project_questions AS q WHERE q.evaluation_id = e.id AND q.cost IS NULL)
        FROM project_evaluations AS e JOIN users AS u ON u.id = e.user_id
        WHERE :state IS NULL OR e.state = :state
        ORDER BY e.created_at DESC, e.id DESC LIMIT :limit OFFSET :offset
        """,
        {"state": state, "limit": limit, "offset": offset},
    )
    found = []
    for row in rows:
        values = list(row)
        values[7] = None if values[7] is None else bool(values[7])
        found.append(Asked(*values))
    return found


def everything_of(conn: sqlite3.Connection, user_id: str) -> list[Kept]:
    """All that is kept of a person's evaluations, the oldest first."""
    rows = conn.execute(
        """
        SELECT id, project_name, state, description, file_structure, local_score, local_summary, total_score,
            rubric_functionality, rubric_practicality, feedback, verdicts, reason, llm_model, created_at, evaluated_at
        FROM project_evaluations WHERE user_id = :user_id ORDER BY created_at, id
        """,
        {"user_id": user_id},
    )
    return [Kept(*row) for row in rows]


def _evaluation(row: sqlite3.Row) -> Evaluation:
    values = list(row)
    values[11] = None if values[11] is None else bool(values[11])
    return Evaluation(*values)


# -- whose turn it is


def running(conn: sqlite3.Connection) -> int:
    """How many evaluations are being made."""
    row = conn.execute("SELECT COUNT(*) FROM project_evaluations WHERE state = 'running'").fetchone()
    return int(row[0])


def claim(conn: sqlite3.Connection, claim: str, lease_ends_at: int) -> Claimed | None:
    """Take the evaluation that waits longest."""
    row = conn.execute(
        """
        UPDATE project_evaluations
        SET state = 'running', claim = :claim, lease_ends_at = :lease_ends_at, attempts = attempts + 1
        WHERE state = 'queued' AND id = (
            SELECT id FROM project_evaluations WHERE state = 'queued' ORDER BY created_at, id LIMIT 1
        )
        RETURNING id, claim, project_name, description, file_structure
        """,
        {"claim": claim, "lease_ends_at": lease_ends_at},
    ).fetchone()
    return Claimed(*row) if row else None


def renew(conn: sqlite3.Connection, claimed: Claimed, lease_ends_at: int) -> bool:
    """Keep an evaluation for longer; False if it is not ours any more."""
    done = conn.execute(
        """
        UPDATE project_evaluations SET lease_ends_at = :lease_ends_at
        WHERE id = :id AND claim = :claim AND state = 'running'
        """,
        {"id": claimed.id, "claim": claimed.claim, "lease_ends_at": lease_ends_at},
    )
    return done.rowcount == 1


def release(conn: sqlite3.Connection, now: int, longest_lease: int, attempts: int, reason: str) -> int:
    """Let evaluations wait again whose maker is gone; those that were begun too often fail. How many wait again.

    A lease that ends later than any that begins now was set by a clock that was wrong: it is over.
    """
    conn.execute(
        """
        UPDATE project_evaluations SET state = 'failed', claim = NULL, reason = :reason, evaluated_at = :now
        WHERE state = 'running' AND (lease_ends_at < :now OR lease_ends_at > :latest) AND attempts >= :attempts
        """,
        {"now": now, "latest": now + longest_lease, "attempts": attempts, "reason": reason},
    )
    done = conn.execute(
        """
        UPDATE project_evaluations SET state = 'queued', claim = NULL
        WHERE state = 'running' AND (lease_ends_at < :now OR lease_ends_at > :latest)
        """,
        {"now": now, "latest": now + longest_lease},
    )
    return done.rowcount


def requeue(conn: sqlite3.Connection, id: str) -> bool:
    """Let an evaluation wait as if nobody had answered; False if the same content was submitted again since."""
    done = conn.execute(
        """
        UPDATE project_evaluations SET state = 'queued', claim = NULL, attempts = 0, total_score = NULL,
            rubric_functionality = NULL, rubric_practicality = NULL, passed = NULL, cumulative_after = NULL,
            feedback = NULL, verdicts = NULL, reason = NULL, evaluated_at = NULL
        WHERE id = :id AND state IN ('done', 'failed') AND NOT EXISTS (
            SELECT 1 FROM project_evaluations AS other
            WHERE other.project_id = project_evaluations.project_id
                AND other.content_hash = project_evaluations.content_hash
                AND other.state <> 'failed' AND other.id <> project_evaluations.id
        )
        """,
        {"id": id},
    )
    if done.rowcount:
        conn.execute("DELETE FROM project_readings WHERE evaluation_id = :id", {"id": id})
    return done.rowcount == 1


def finish(
    conn: sqlite3.Connection, claimed: Claimed, result: Result, verdicts: str, model: str, provider: str, now: int
) -> bool:
    """Write down what came of an evaluation; False if it is not ours any more."""
    done = conn.execute(
        """
        UPDATE project_evaluations SET state = 'done', claim = NULL, total_score = :total,
            rubric_functionality = :functionality, rubric_practicality = :practicality, passed = :passed,
            feedback = :feedback, verdicts = :verdicts, llm_model = :model, llm_provider = :provider,
            evaluated_at = :now
        WHERE id = :id AND claim = :claim AND state = 'running'
        """,
        {
            "id": claimed.id,
            "claim": claimed.claim,
            "total": result.total,
            "functionality": result.functionality,
            "practicality": result.practicality,
            "passed": int(result.passed),
            "feedback": result.feedback,
            "verdicts": verdicts,
            "model": model,
            "provider": provider,
            "now": now,
        },
    )
    return done.rowcount == 1


def set_cumulative(conn: sqlite3.Connection, id: str, cumulative: int) -> None:
    """Keep what a person's projects came to with this evaluation."""
    conn.execute(
        "UPDATE project_evaluations SET cumulative_after = :cumulative WHERE id = :id",
        {"id": id, "cumulative": cumulative},
    )


def fail(conn: sqlite3.Connection, claimed: Claimed, reason: str, model: str, provider: str, now: int) -> bool:
    """Write down why nothing came of an evaluation; False if it is not ours any more."""
    done = conn.execute(
        """
        UPDATE project_evaluations SET state = 'failed', claim = NULL, reason = :reason, llm_model = :model,
            llm_provider = :provider, evaluated_at = :now
        WHERE id = :id AND claim = :claim AND state = 'running'
        """,
        {
            "id": claimed.id,
            "claim": claimed.claim,
            "reason": reason,
            "model": model,
            "provider": provider,
            "now": now,
        },
    )
    return done.rowcount == 1


# -- questions


def under_way(conn: sqlite3.Connection, since: int) -> int:
    """How many questions were asked since an instant and are not answered yet."""
    row = conn.execute(
        "SELECT COUNT(*) FROM project_questions WHERE outcome = 'asked' AND asked_at > :since", {"since": since}
    ).fetchone()
    return int(row[0])


def add_question(conn: sqlite3.Connection, question: Question) -> None:
    """Insert a question that is about to be asked."""
    conn.execute(
        """
        INSERT INTO project_questions (id, evaluation_id, sample, reading, day, outcome, llm_model, most, asked_at)
        VALUES (:id, :evaluation_id, :sample, :reading, :day, 'asked', :model, :most, :asked_at)
        """,
        {
            "id": question.id,
            "evaluation_id": question.evaluation_id,
            "sample": question.sample,
            "reading": question.reading,
            "day": question.day,
            "model": question.model,
            "most": question.most,
            "asked_at": question.asked_at,
        },
    )


def settle_question(conn: sqlite3.Connection, id: str, paid: Paid) -> None:
    """Write down what became of a question."""
    conn.execute(
        """
        UPDATE project_questions SET outcome = :outcome, input_tokens = :input, output_tokens = :output,
            cache_tokens = :cache, cost = :cost
        WHERE id = :id
        """,
        {
            "id": id,
            "outcome": paid.outcome,
            "input": paid.input,
            "output": paid.output,
            "cache": paid.cache,
            "cost": paid.cost,
        },
    )


def put_answer(conn: sqlite3.Connection, evaluation_id: str, reading: int, answer: str) -> None:
    """Keep the good answer to a reading, if its evaluation is still there."""
    conn.execute(
        """
        INSERT INTO project_readings (evaluation_id, reading, answer)
        SELECT id, :reading, :answer FROM project_evaluations WHERE id = :evaluation_id
        ON CONFLICT (evaluation_id, reading) DO UPDATE SET answer = excluded.answer
        """,
        {"evaluation_id": evaluation_id, "reading": reading, "answer": answer},
    )


def answer(conn: sqlite3.Connection, evaluation_id: str, reading: int) -> str | None:
    """The good answer to a reading that was paid for already."""
    row = conn.execute(
        "SELECT answer FROM project_readings WHERE evaluation_id = :evaluation_id AND reading = :reading",
        {"evaluation_id": evaluation_id, "reading": reading},
    ).fetchone()
    return row[0] if row else None


def spent(conn: sqlite3.Connection, day: str) -> int:
    """What the questions of a day cost, in billionths of a dollar; one whose cost is not known, at the most."""
    row = conn.execute(
        "SELECT COALESCE(SUM(COALESCE(cost, most)), 0) FROM project_questions WHERE day = :day", {"day": day}
    ).fetchone()
    return int(row[0])


def outcomes(conn: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """How many questions came to each outcome, and what those cost, in billionths of a dollar."""
    rows = conn.execute(
        "SELECT outcome, COUNT(*), COALESCE(SUM(cost), 0) FROM project_questions GROUP BY outcome ORDER BY outcome"
    )
    return [(row[0], row[1], row[2]) for row in rows]


def spending(conn: sqlite3.Connection, first: str) -> list[Spending]:
    """What was asked on each day since one, and what it cost, the newest first."""
    rows = conn.execute(
        """
        SELECT day, COUNT(*),
            SUM(CASE WHEN outcome = 'answered' THEN 1 ELSE 0 END),
            SUM(CASE WHEN outcome IN ('malformed', 'unfounded') THEN 1 ELSE 0 END),
            SUM(CASE WHEN outcome = 'unanswered' THEN 1 ELSE 0 END),
            COALESCE(SUM(input_tokens), 0), COALESCE(SUM(output_tokens), 0), COALESCE(SUM(cost), 0),
            SUM(CASE WHEN cost IS NULL AND outcome <> 'asked' THEN 1 ELSE 0 END),
            SUM(CASE WHEN sample IS NULL THEN 0 ELSE 1 END)
        FROM project_questions WHERE day >= :first GROUP BY day ORDER BY day DESC
        """,
        {"first": first},
    )
    return [Spending(*row) for row in rows]
