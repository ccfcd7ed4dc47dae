"""Put projects into the queue, and back into it."""

import sqlite3

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids
from arena.core.config import LLM
from arena.core.errors import Conflict, Invalid, NotFound
from arena.prices.actions import current
from arena.projects import rules, store
from arena.projects.models import Submission


def submit(
    conn: sqlite3.Connection, *, user_id: str, sent: Submission, settings: LLM, day: str, caller: Caller, now: int
) -> str:
    """Put a project into the queue; return the id of its evaluation. Raises `Invalid` and `Conflict`.

    Content of the same project that waits or was judged already is not judged again: its evaluation is returned, and
    the day's quota is not touched.
    """
    path_hash = sent.path_hash or rules.path_hash(user_id, sent.name)
    content_hash = rules.content_hash(sent, settings.model)
    project_id = store.project_id(conn, user_id, path_hash)
    if project_id is not None and (known := store.same_content(conn, project_id, content_hash)):
        return known
    _refuse(conn, user_id, settings, day)
    project_id = project_id or ids.uuid7()
    store.put_project(conn, project_id, user_id, path_hash, sent.name, now)
    id = ids.uuid7()
    files = "\n".join(f"{folder}: {', '.join(names)}" for folder, names in sorted(sent.files.items())) or None
    store.add_evaluation(conn, id, user_id, project_id, sent, files, content_hash, day, now)
    note(conn, "project_submitted", user_id, caller, now, evaluation=id)
    return id


def judge_again(conn: sqlite3.Connection, id: str, *, by: str, settings: LLM, caller: Caller, now: int) -> None:
    """Put an evaluation that came to an end back into the queue, as if nobody had answered yet.

    Raises `NotFound`, and `Conflict` where nothing would come of it.
    """
    found = store.evaluation(conn, id)
    if found is None:
        raise NotFound("There is no such evaluation.")
    if not settings.provider:
        raise Conflict(rules.NO_MODEL)
    if found.state not in ("done", "failed"):
        raise Conflict("It waits or is being judged already.")
    if not store.requeue(conn, id):
        raise Conflict("The same text of this project was submitted again since, and is judged there.")
    note(conn, "project_judged_again", found.user_id, caller, now, evaluation=id, by=by, total=found.total)


def _refuse(conn: sqlite3.Connection, user_id: str, settings: LLM, day: str) -> None:
    if not settings.provider:
        raise Conflict(rules.NO_MODEL)
    if settings.daily_budget and not current(conn).of(settings.model):
        raise Conflict(
            f"Nobody here knows what {settings.model} costs, so the daily budget cannot be kept. "
            "An administrator takes prices over with `arena admin prices update`."
        )
    counted, tried = store.used(conn, user_id, day)
    if counted >= rules.A_DAY:
        raise Invalid(f"Daily evaluation limit reached ({rules.A_DAY} a day). Submit this again tomorrow.")
    if tried >= rules.TRIES_A_DAY:
        raise Invalid("Too many of today's evaluations failed. Submit this again tomorrow.")
