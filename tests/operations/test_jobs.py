"""The table of jobs: stable names, and each does its work."""

from pathlib import Path

import pytest

from arena.accounts import store as accounts
from arena.audit import store as audit
from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.backups.actions.keeping import backups_in
from arena.core.clock import DAY
from arena.core.config import Config, Place, Retention
from arena.core.db import Database
from arena.core.keyring import Keyring
from arena.core.queue import open_queue
from arena.operations import jobs, store
from arena.operations.jobs import Job, register, schedule
from arena.operations.models import JobRun
from tests.conftest import NOW, PEOPLE


def test_jobs_have_stable_names_and_do_their_work(db: Database, tmp_path: Path) -> None:
    db.write_sync(lambda conn: accounts.add_session(conn, "s1", PEOPLE["alice"], "hash", None, None, NOW - 10, NOW - 5))
    for age in (31, 29):
        db.write_sync(lambda conn, age=age: note(conn, "user_signed_in", PEOPLE["alice"], OPERATOR, NOW - age * DAY))
    queue = open_queue(tmp_path, Keyring(tmp_path / "secret", lambda: NOW))
    place = Place(db.path.parent)
    config = Config(retention=Retention(audit_days=30))
    register(queue, db, config, place, lambda: NOW)
    names = {task.name: task for task in queue._registry.periodic_tasks}
    expected = {"arena.accounts.tidy", "arena.audit.prune", "arena.operations.optimise", "arena.backups.run"}
    assert set(names) == {*expected, "arena.operations.beat"}
    assert {job.name for job in schedule(config)} == expected
    assert not place.beat.exists()
    for task in names.values():
        task.execute()
    assert db.read_sync(lambda conn: accounts.sessions_of(conn, PEOPLE["alice"])) == []
    assert [entry.created_at for entry in db.read_sync(lambda conn: audit.following(conn, 0, 9))] == [NOW - 29 * DAY]
    assert [each.made_at for each in backups_in(db.path.parent / "backups")] == [NOW]
    assert place.beat.exists()
    assert db.read_sync(store.runs) == [JobRun(name, NOW, NOW, "") for name in sorted(names) if "beat" not in name]
    queue.storage.close()


def test_a_job_that_fails_says_so_and_is_forgiven_when_it_works_again(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    queue = open_queue(tmp_path, Keyring(tmp_path / "secret", lambda: NOW))
    register(queue, db, Config(), Place(tmp_path), lambda: NOW)
    task = next(task for task in queue._registry.periodic_tasks if task.name == "arena.accounts.tidy")
    monkeypatch.setattr(jobs, "tidy", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        task.execute()
    assert [run.problem for run in db.read_sync(store.runs)] == ["OSError: the disk is gone"]
    monkeypatch.undo()
    task.execute()
    assert [run.problem for run in db.read_sync(store.runs)] == [""]
    queue.storage.close()


def test_when_a_job_runs_is_said_in_words() -> None:
    assert Job("x", "does", 5).when == "every hour at :05"
    assert Job("x", "does", 5, 2).when == "every day at 02:05"
