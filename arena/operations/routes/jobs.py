"""The timetable, for administrators: how each job stands, and a way to have it run now."""

import sqlite3
from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from arena.accounts.guards import caller_of, me, write
from arena.core import clock
from arena.operations import store
from arena.operations.actions.health import changed_at
from arena.operations.actions.jobs import call_for
from arena.operations.models import JobRun, JobState
from arena.operations.pages.jobs import JobsPage, planned, ran
from arena.web.box import box_of
from arena.web.forms import PRIVATE, see_other
from arena.web.render import render

SHOWN = 50
"""Runs."""

AnyRequest = Request[Any, Any, Any]


@get("/admin/jobs")
async def timetable(request: AnyRequest, called: FromQuery[str] = "") -> Response[bytes]:
    """Show every job and the last runs."""
    box, now = box_of(request), clock.now()

    def look(conn: sqlite3.Connection) -> tuple[list[JobState], list[JobRun], list[JobRun]]:
        return store.jobs(conn), store.last_runs(conn), store.runs(conn, SHOWN)

    states, last, runs = await box.db.read(look)
    does = {job.name: job.does for job in box.jobs}
    page = JobsPage(
        jobs=planned(box.jobs, box.config, states, last),
        runs=ran(box.jobs, runs),
        worker_runs=box.worker_runs(),
        beat_at=changed_at(box.place.beat),
        zone=box.config.arena.time_zone,
        now=now,
        done=does.get(called, ""),
    )
    return render(request, "operations/jobs.html", page, headers=PRIVATE)


@post("/admin/jobs/{name:str}/run")
async def run(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """Have a job run now."""
    box = box_of(request)
    await write(
        request,
        partial(call_for, name=name, user_id=me(request).id, caller=caller_of(request), now=clock.now()),
    )
    await box.wake(name)
    return see_other(f"/admin/jobs?called={name}")
