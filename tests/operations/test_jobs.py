"""The table of jobs: stable names, and each does its work."""

from arena.accounts import store as accounts
from arena.audit import store as audit
from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.backups.actions import backups_in
from arena.core.clock import DAY
from arena.core.config import Config, Place, Retention
from arena.core.db import Database
from arena.core.keyring import Keyring
from arena.core.queue import open_queue
from arena.operations.jobs import register
from tests.conftest import NOW, PEOPLE


def test_jobs_have_stable_names_and_do_their_work(db: Database, tmp_path) -> None:
    db.write_sync(lambda conn: accounts.add_session(conn, "s1", PEOPLE["alice"], "hash", None, None, NOW - 10, NOW - 5))
    for age in (31, 29):
        db.write_sync(lambda conn, age=age: note(conn, "user_signed_in", PEOPLE["alice"], OPERATOR, NOW - age * DAY))
    queue = open_queue(tmp_path, Keyring(tmp_path / "secret", lambda: NOW))
    register(queue, db, Config(retention=Retention(audit_days=30)), Place(db.path.parent), lambda: NOW)
    names = {task.name: task for task in queue._registry.periodic_tasks}
    assert set(names) == {"arena.accounts.tidy", "arena.audit.prune", "arena.operations.optimise", "arena.backups.run"}
    for task in names.values():
        task.execute()
    assert db.read_sync(lambda conn: accounts.sessions_of(conn, PEOPLE["alice"])) == []
    assert [entry.created_at for entry in db.read_sync(lambda conn: audit.following(conn, 0, 9))] == [NOW - 29 * DAY]
    assert [each.made_at for each in backups_in(db.path.parent / "backups")] == [NOW]
    queue.storage.close()
