"""What the page of the jobs shows."""

from collections.abc import Iterable

from msgspec import Struct

from arena.core.config import Config
from arena.core.work import Job
from arena.operations.models import JobRun, JobState


class Planned(Struct, frozen=True):
    """A job: what it does and when, how it stands, and how it went last. Nothing is known of one that is new."""

    name: str
    does: str
    when: str
    next_at: int | None
    """None for one that runs each minute."""
    state: JobState | None
    last: JobRun | None


class Ran(Struct, frozen=True):
    """A run, and what the job does; its name, where the timetable does not know it any more."""

    does: str
    run: JobRun


class JobsPage(Struct, frozen=True):
    """What `operations/jobs.html` shows."""

    jobs: tuple[Planned, ...]
    runs: tuple[Ran, ...]
    worker_runs: bool
    beat_at: int | None
    zone: str
    now: int
    done: str

    @property
    def failing(self) -> int:
        """How many jobs failed when they last ran."""
        return sum(1 for job in self.jobs if job.last is not None and job.last.problem)


def planned(
    jobs: Iterable[Job], config: Config, states: Iterable[JobState], runs: Iterable[JobRun]
) -> tuple[Planned, ...]:
    """Every job of the timetable that is not switched off."""
    state_of, last_of = {state.name: state for state in states}, {run.name: run for run in runs}
    return tuple(
        Planned(
            job.name,
            job.does,
            job.when.words,
            state.due_at if state is not None else None,
            state,
            last_of.get(job.name),
        )
        for job in jobs
        if job.is_on(config)
        for state in (state_of.get(job.name),)
    )


def ran(jobs: Iterable[Job], runs: Iterable[JobRun]) -> tuple[Ran, ...]:
    """Runs, with what their jobs do."""
    does = {job.name: job.does for job in jobs}
    return tuple(Ran(does.get(run.name, run.name), run) for run in runs)
