"""Jobs: each runs when its time comes, once, and again where it was missed, failed, or ended with its worker."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from arena.accounts import store as accounts
from arena.audit import store as audit
from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.backups.actions.keeping import backups_in
from arena.core.clock import DAY, HOUR, MINUTE, Days
from arena.core.config import Config, Place, Retention
from arena.core.db import Database
from arena.core.work import At, Hourly, Job, Minutely, Work
from arena.operations import store
from arena.operations.actions.jobs import DIED, REMEMBERED, WAITS, Runner, optimise
from arena.operations.models import JobRun, JobState
from arena.operations.rules.jobs import LEASE
from arena.schedule import JOBS
from tests.conftest import NOW, PEOPLE


class Clock:
    """A time that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Deed:
    """A job's deed that counts, and does what a test wants."""

    def __init__(self) -> None:
        self.times = 0
        self.do: Callable[[], str | None] = lambda: "a thing"

    def __call__(self, _: Work) -> str | None:
        self.times += 1
        return self.do()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deed() -> Deed:
    return Deed()


@pytest.fixture
def work(db: Database, clock: Clock) -> Work:
    return Work(db, Config(), Place(db.path.parent), Days("UTC"), clock)


@pytest.fixture
def runner(work: Work, deed: Deed) -> Runner:
    return Runner([Job("arena.test.do", "does it", Hourly(30), deed)], work)


def state(work: Work) -> JobState:
    found = work.db.read_sync(lambda conn: store.job(conn, "arena.test.do"))
    assert found is not None
    return found


def runs(work: Work) -> list[JobRun]:
    return work.db.read_sync(lambda conn: store.runs(conn, 99))


def turn(runner: Runner) -> None:
    """What a worker does each minute."""
    for name in runner.due():
        runner.run(name)


def test_every_job_of_the_timetable_does_its_work(db: Database, tmp_path: Path, clock: Clock) -> None:
    db.write_sync(lambda conn: accounts.add_session(conn, "s1", PEOPLE["alice"], "hash", None, None, NOW - 10, NOW - 5))
    for age in (31, 15):
        db.write_sync(lambda conn, age=age: note(conn, "user_signed_in", PEOPLE["alice"], OPERATOR, NOW - age * DAY))
    work = Work(db, Config(retention=Retention(audit_days=30)), Place(db.path.parent), Days("UTC"), clock)
    runner = Runner(JOBS, work)
    assert [name for name in runner.due() if not isinstance(runner.jobs[name].when, Minutely)] == []
    clock.now = NOW + 8 * DAY
    for name in runner.jobs:
        runner.run(name)
    assert [run.problem for run in runs(work) if run.problem] == []
    ran = {run.name for run in runs(work)}
    assert ran == {name for name, job in runner.jobs.items() if not isinstance(job.when, Minutely)}
    assert db.read_sync(lambda conn: accounts.sessions_of(conn, PEOPLE["alice"])) == []
    kept = db.read_sync(lambda conn: audit.following(conn, 0, 9))
    assert [entry.created_at for entry in kept if entry.event_type == "user_signed_in"] == [NOW - 15 * DAY]
    assert [each.made_at for each in backups_in(db.path.parent / "backups")] == [clock.now]


def test_names_of_jobs_never_change() -> None:
    assert {
        "arena.accounts.tidy",
        "arena.audit.prune",
        "arena.operations.optimise",
        "arena.backups.run",
        "arena.backups.copy",
        "arena.projects.evaluate",
    } <= {job.name for job in JOBS}
    for config in (Config(), Config(backups=Config().backups.__class__(every="day"))):
        names = [job.name for job in JOBS if job.is_on(config)]
        assert len(names) == len(set(names))


def test_a_job_runs_once_when_its_time_comes(runner: Runner, work: Work, deed: Deed, clock: Clock) -> None:
    due_at = state(work).due_at
    assert due_at is not None
    assert NOW < due_at <= NOW + HOUR
    turn(runner)
    assert deed.times == 0
    clock.now = due_at
    turn(runner)
    turn(runner)
    assert deed.times == 1
    assert runs(work) == [JobRun("arena.test.do", due_at, due_at, "a thing", "")]
    assert state(work) == JobState("arena.test.do", due_at + HOUR, None, None, None, 0, 1, 0)


def test_a_run_that_was_missed_is_made_up_for_once(work: Work, runner: Runner, deed: Deed, clock: Clock) -> None:
    clock.now = NOW + 5 * DAY
    turn(Runner(runner.jobs.values(), work))
    turn(runner)
    assert deed.times == 1


def test_a_job_that_fails_is_tried_again_ever_later_and_forgiven(
    runner: Runner, work: Work, deed: Deed, clock: Clock
) -> None:
    def fail() -> str:
        raise OSError("the disk is gone")

    deed.do = fail
    clock.now = NOW + HOUR
    pauses: list[int] = []
    for _ in range(4):
        turn(runner)
        due_at = state(work).due_at
        assert due_at is not None
        pauses.append(due_at - clock.now)
        clock.now = due_at - 1
        turn(runner)
        clock.now = due_at
    assert deed.times == 4
    assert all(MINUTE << n <= pause <= MINUTE * 1.25 * (1 << n) for n, pause in enumerate(pauses))
    assert [run.problem for run in runs(work)] == ["OSError: the disk is gone"] * 4
    assert (state(work).attempts, state(work).failed) == (4, 4)
    deed.do = lambda: "it works"
    turn(runner)
    assert (state(work).attempts, state(work).done, state(work).failed) == (0, 1, 4)
    assert runs(work)[0].did == "it works"


def test_of_two_workers_one_does_a_job_and_its_lease_lasts_while_it_works(
    work: Work, runner: Runner, deed: Deed, clock: Clock
) -> None:
    other = Runner(runner.jobs.values(), work)
    clock.now = NOW + HOUR
    working, done = threading.Event(), threading.Event()

    def slowly() -> str:
        working.set()
        assert done.wait(20)
        return "at last"

    deed.do = slowly
    thread = threading.Thread(target=turn, args=(runner,))
    thread.start()
    assert working.wait(20)
    for _ in range(5):
        clock.now += LEASE - 1
        assert runner.due() == []  # and so its lease is renewed
        turn(other)
    done.set()
    thread.join(20)
    turn(other)
    assert deed.times == 1
    assert runs(work)[0].did == "at last"


def test_a_job_that_ended_with_its_worker_is_run_again_when_the_lease_is_over(
    work: Work, runner: Runner, deed: Deed, clock: Clock
) -> None:
    clock.now = NOW + HOUR

    def die() -> str:
        raise KeyboardInterrupt

    deed.do = die
    with pytest.raises(KeyboardInterrupt):
        turn(runner)
    deed.do = lambda: "it goes on"
    other = Runner(runner.jobs.values(), work)
    clock.now += LEASE - 1
    turn(other)
    assert deed.times == 1
    clock.now += 1
    turn(other)
    assert deed.times == 2
    assert [(run.did, run.problem) for run in runs(work)] == [("it goes on", ""), (None, DIED)]


@pytest.mark.parametrize("jump", [-3 * DAY, 3 * DAY])
def test_a_clock_that_was_wrong_keeps_no_job_back(
    work: Work, runner: Runner, deed: Deed, clock: Clock, jump: int
) -> None:
    clock.now = NOW + HOUR
    turn(runner)
    clock.now = NOW + HOUR + jump
    turn(runner)
    turn(runner)
    assert deed.times == 2
    due_at = state(work).due_at
    assert due_at is not None
    assert clock.now < due_at <= clock.now + HOUR


def test_what_cannot_be_undone_waits_once_when_the_clock_is_a_month_further(
    work: Work, deed: Deed, clock: Clock
) -> None:
    runner = Runner([Job("arena.test.do", "does it", At(2, 0), deed, is_final=True)], work)
    clock.now += DAY
    turn(runner)
    assert deed.times == 1
    clock.now += 29 * DAY
    turn(runner)
    assert deed.times == 2
    clock.now += 31 * DAY
    turn(runner)
    turn(runner)
    assert (deed.times, runs(work)[0].did, runs(work)[0].problem) == (2, WAITS, "")
    clock.now -= 31 * DAY  # it was wrong
    turn(runner)
    assert deed.times == 3
    clock.now += 31 * DAY  # or it was right
    turn(runner)
    clock.now += DAY
    turn(runner)
    assert deed.times == 4


def test_a_look_each_minute_leaves_a_row_only_if_there_was_something(work: Work, deed: Deed) -> None:
    runner = Runner([Job("arena.test.do", "does it", Minutely(), deed)], work)
    deed.do = lambda: None
    before = work.db.version()
    for _ in range(3):
        turn(runner)
    assert (deed.times, runs(work), work.db.version()) == (3, [], before)

    def fail() -> str:
        raise ValueError("no")

    deed.do = fail
    turn(runner)
    deed.do = lambda: None
    for _ in range(3):
        turn(runner)
    assert [run.problem for run in runs(work)] == ["", "ValueError: no"]
    assert (state(work).done, state(work).failed, state(work).due_at) == (1, 1, None)


def test_a_job_that_is_switched_off_is_forgotten_and_not_run(work: Work, runner: Runner, deed: Deed) -> None:
    job = runner.jobs["arena.test.do"]
    off = Runner([Job(job.name, job.does, job.when, job.do, lambda config: config.backups.every == "off")], work)
    assert work.db.read_sync(store.jobs) == []
    assert off.due() == []
    off.run(job.name)
    assert deed.times == 0


def test_old_runs_are_forgotten_but_the_last_of_each_job(work: Work, runner: Runner, deed: Deed, clock: Clock) -> None:
    for _ in range(3):
        clock.now += HOUR
        turn(runner)
    assert optimise(work.db, clock.now + REMEMBERED + 1) == 2
    assert len(runs(work)) == 1


def test_when_a_job_runs_is_said_in_words() -> None:
    assert Hourly(5).words == "every hour at :05"
    assert At(2, 5).words == "every day at 02:05"
    assert At(9, 0, 0).words == "every Monday at 09:00"


@pytest.mark.parametrize(
    ("when", "zone", "instant", "expected"),
    [
        (At(2, 0), "UTC", "2026-07-01T01:59:59.999+00:00", "2026-07-01T02:00:00+00:00"),
        (At(2, 0), "UTC", "2026-07-01T02:00:00+00:00", "2026-07-02T02:00:00+00:00"),
        (At(2, 0), "Asia/Seoul", "2026-07-01T00:00:00+09:00", "2026-07-01T02:00:00+09:00"),
        (At(8, 0, 0), "UTC", "2026-07-01T00:00:00+00:00", "2026-07-06T08:00:00+00:00"),
        (At(8, 0, 2), "UTC", "2026-07-01T08:00:00+00:00", "2026-07-08T08:00:00+00:00"),
        # Berlin has no 02:30 on 29 March 2026, and 25 October has it twice.
        (At(2, 30), "Europe/Berlin", "2026-03-29T01:00:00+01:00", "2026-03-29T03:30:00+02:00"),
        (At(2, 30), "Europe/Berlin", "2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00"),
        (At(2, 30), "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        (Hourly(7), "UTC", "2026-07-01T10:06:59+00:00", "2026-07-01T10:07:00+00:00"),
        (Hourly(7), "UTC", "2026-07-01T10:07:00+00:00", "2026-07-01T11:07:00+00:00"),
        (Hourly(0), "Asia/Kolkata", "2026-07-01T10:10:00+05:30", "2026-07-01T11:00:00+05:30"),
    ],
)
def test_times_are_those_of_the_zone(when: At | Hourly, zone: str, instant: str, expected: str) -> None:
    start, end = (round(datetime.fromisoformat(each).timestamp() * 1000) for each in (instant, expected))
    assert when.after(start, Days(zone)) == end
