"""Run the jobs of the timetable, each in one place at a time, and again where a worker died in the middle."""

import random
import sqlite3
from collections.abc import Iterable
from functools import partial

from arena.audit.actions import note
from arena.audit.models import Caller
from arena.core import ids
from arena.core.clock import DAY
from arena.core.db import Database
from arena.core.errors import NotFound
from arena.core.log import log
from arena.core.work import At, Hourly, Job, Minutely, Work
from arena.operations import store
from arena.operations.models import JobRun
from arena.operations.rules.jobs import LEASE, again_at, is_due

REMEMBERED = 30 * DAY
DIED = "The worker ended in the middle of it."
LONG = 30 * DAY
WAITS = "nothing: its last run is so long ago that the clock may be wrong; if it is right, the next run goes ahead"


class Runner:
    """A worker's side of the timetable. (From threads: each method waits.)

    The row of a job says when it is due and who runs it. So a run that was missed while the box was off, and one that
    ended with its worker, is made up for; and of two workers one does it. A job that cannot be undone and has not run
    for a month only says so, once: a clock that jumps ahead must not take away what is young.
    """

    def __init__(self, jobs: Iterable[Job], work: Work) -> None:
        self.jobs = {job.name: job for job in jobs if job.is_on(work.config)}
        self.work = work
        self.me = ids.token()
        self.running: set[str] = set()
        work.db.write_sync(partial(self._take_over, now=work.now()))

    def due(self) -> list[str]:
        """Name the jobs to be run now. Keeps what runs here from being taken for dead."""
        now = self.work.now()
        if self.running:
            self.work.db.write_sync(partial(store.renew, claim=self.me, lease_ends_at=now + LEASE))
        states = {state.name: state for state in self.work.db.read_sync(store.jobs)}
        return [
            name
            for name, job in self.jobs.items()
            if isinstance(job.when, Minutely) or is_due(states[name], job.when, now, self.work.days)
        ]

    def run(self, name: str) -> None:
        """Run a job if it is due and nobody else does; write down how that went."""
        job = self.jobs.get(name)
        if job is None:
            return
        if isinstance(job.when, Minutely):
            self._look(job)
        elif self.work.db.write_sync(partial(self._claim, job=job, when=job.when, now=self.work.now())):
            self.running.add(name)
            try:
                run = self._do(job) if not job.is_final or self._ran_lately(name) else self._wait(name)
            finally:
                self.running.discard(name)
            self.work.db.write_sync(partial(self._finish, when=job.when, run=run))

    def _take_over(self, conn: sqlite3.Connection, now: int) -> None:
        """Have a row for each job of the timetable, and for no other."""
        for state in store.jobs(conn):
            if state.name not in self.jobs:
                store.drop_job(conn, state.name)
        for name, job in self.jobs.items():
            first = None if isinstance(job.when, Minutely) else job.when.after(now, self.work.days)
            store.add_job(conn, name, first)

    def _claim(self, conn: sqlite3.Connection, job: Job, when: At | Hourly, now: int) -> bool:
        state = store.job(conn, job.name)
        if state is None or not is_due(state, when, now, self.work.days):
            return False
        if state.claim is not None:
            store.add_run(conn, JobRun(job.name, state.started_at or now, now, None, DIED))
        store.claim(conn, job.name, self.me, now, now + LEASE)
        return True

    def _finish(self, conn: sqlite3.Connection, when: At | Hourly, run: JobRun) -> None:
        state = store.job(conn, run.name)
        due_at = when.after(run.finished_at, self.work.days)
        if run.problem and state is not None:
            due_at = again_at(state.attempts + 1, random.random(), due_at, run.finished_at)  # noqa: S311
        store.finish(conn, run.name, self.me, due_at, failed=bool(run.problem))
        store.add_run(conn, run)

    def _look(self, job: Job) -> None:
        """Do what is done each minute. It leaves a row only if it did something, failed, or stopped failing."""
        run = self._do(job)
        last = self.work.db.read_sync(partial(store.last_run, name=job.name))
        if run.did or run.problem or (last is not None and last.problem):
            self.work.db.write_sync(partial(store.add_run, run=run))

    def _ran_lately(self, name: str) -> bool:
        last = self.work.db.read_sync(partial(store.last_run, name=name))
        return last is None or self.work.now() - last.finished_at < LONG

    def _wait(self, name: str) -> JobRun:
        log().warning("job", name=name, reason=WAITS)
        now = self.work.now()
        return JobRun(name, now, now, WAITS, "")

    def _do(self, job: Job) -> JobRun:
        started = self.work.now()
        did, problem = None, ""
        try:
            did = job.do(self.work)
        except Exception as failure:
            problem = f"{type(failure).__name__}: {failure}"[:200]
            log().error("job", name=job.name, exc_info=failure)
        else:
            if did:
                log().info("job", name=job.name, reason=did)
        return JobRun(job.name, started, self.work.now(), did, problem)


def call_for(conn: sqlite3.Connection, *, name: str, user_id: str, caller: Caller, now: int) -> None:
    """Have a job run as soon as somebody wakes the worker. Raises `NotFound`."""
    if not store.set_due(conn, name, now):
        raise NotFound("There is no such job.")
    note(conn, "job_called_for", user_id, caller, now, job=name)


def optimise(db: Database, now: int) -> int:
    """Let SQLite renew its planner's figures and forget old runs; return how many. (From a thread: it waits.)"""

    def write(conn: sqlite3.Connection) -> int:
        store.optimise(conn)
        return store.drop_runs(conn, now - REMEMBERED)

    return db.write_sync(write)
