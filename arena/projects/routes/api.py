"""Projects for programs: submit one and wait for what the model says, or ask for it later."""

import asyncio
import sqlite3
from functools import partial
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.types import ASGIApp

from arena.accounts.actions.keys import still_good
from arena.accounts.guards import caller_of, me, reader_of, refuse_key, sent_key, signed, write
from arena.core import clock
from arena.core.clock import iso
from arena.core.errors import Invalid, NotFound, Unavailable
from arena.projects import store
from arena.projects.actions.queue import submit
from arena.projects.models import EvaluateBody, Evaluation, Submission
from arena.projects.rules import readings, submission
from arena.web.api import answer
from arena.web.box import Box, body_of, box_of
from arena.wire import Judged, JudgedAnswer

BODY = 2**20
PATIENCE = 110
"""Seconds that a program is kept waiting; then it hears where to ask."""
LOOK = 0.25
EVALUATE = "arena.projects.evaluate"
"""The job that the worker is called for."""

AnyRequest = Request[Any, Any, Any]


@post("/api/v1/evaluate", csrf="json", status_code=200, body=EvaluateBody, data=JudgedAnswer)
async def evaluate(request: AnyRequest, wait: FromQuery[int] = PATIENCE) -> ASGIApp:
    """Have a project judged. 200 with the result, 202 with an address to ask after `wait` seconds (110 at the most).

    The same content of the same project is not judged again: its result is answered.
    """
    body = await body_of(request, BODY)
    owner = signed(request, body) if sent_key(request) else None
    user_id = owner.person.id if owner else me(request).id
    try:
        sent = submission(msgspec.json.decode(body, type=EvaluateBody))
    except msgspec.ValidationError as problem:
        raise Invalid(f"body: {problem}") from problem
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"body: is not JSON ({problem})") from problem
    except ValueError as problem:
        raise Invalid(str(problem)) from problem
    box, deed = box_of(request), submitting(request, user_id, sent)
    if owner is None:
        id = await write(request, deed)
    else:
        id = await box.db.write(lambda conn: deed(conn) if still_good(conn, owner) else None)
    if id is None:
        raise refuse_key()
    await box.wake(EVALUATE)
    found = await _settled(box, id, min(max(wait, 0), PATIENCE))
    if found.state == "failed":
        raise Unavailable(f"{found.reason} It did not count as one of today's; submit it again.")
    return answer(_judged(box, found), 200 if found.state == "done" else 202, mirror=True)


@get("/api/v1/evaluations/{id:str}", data=JudgedAnswer)
async def evaluation(request: AnyRequest, id: FromPath[str]) -> ASGIApp:
    """Say how an evaluation of one's own stands."""
    box, reader = box_of(request), reader_of(request)
    found = await box.db.read(partial(store.evaluation, id=id))
    if found is None or found.user_id != reader:
        raise NotFound("Evaluation not found")
    return answer(_judged(box, found), mirror=True)


def submitting(request: AnyRequest, user_id: str, sent: Submission) -> Any:
    """The write that puts a project into the queue."""
    box, now = box_of(request), clock.now()
    return partial(
        submit,
        user_id=user_id,
        sent=sent,
        settings=box.config.llm,
        day=box.days.of(now),
        caller=caller_of(request),
        now=now,
    )


async def _settled(box: Box, id: str, seconds: int) -> Evaluation:
    """The evaluation once it came to an end, or as it is when the time is up or the box stops."""

    def look(conn: sqlite3.Connection) -> Evaluation | None:
        return store.evaluation(conn, id)

    until = clock.ticks() + seconds * 1000
    while True:
        found = await box.db.read(look)
        if found is None:
            raise NotFound("Evaluation not found")
        if found.is_over or clock.ticks() >= until or box.live.is_closed:
            return found
        await asyncio.sleep(LOOK)


def _judged(box: Box, found: Evaluation) -> dict[str, Any]:
    done = found.state == "done"
    return {
        "success": found.state != "failed",
        "evaluation": msgspec.to_builtins(
            Judged(
                id=found.id,
                url=f"{box.address}/api/v1/evaluations/{found.id}",
                state=found.state,
                projectName=found.project_name,
                projectPathHash=found.path_hash,
                localScore=found.local_score,
                backendScore=found.functionality,
                penaltyScore=0 if done else None,
                functionalityScore=found.functionality,
                practicalityScore=found.practicality,
                finalScore=found.total,
                passed=found.passed,
                cumulativeScoreAfter=found.cumulative_after,
                feedback=found.feedback,
                reason=found.reason,
                evaluatedAt=iso(found.evaluated_at) if found.evaluated_at else None,
                readings=readings(found.verdicts),
            )
        ),
    }
