"""The figures of a box as text: every one is there, is well formed, and is what was counted."""

from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from arena.core.config import Config, Place
from arena.core.db import Database
from arena.core.spread import Spread
from arena.operations import store
from arena.operations.actions.metrics import exposition, look
from arena.operations.models import Counted, JobRun
from arena.web.counts import Counts
from tests.conftest import NOW

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: bytes) -> Samples:
    """Every sample by its name and labels; two of one would be a mistake."""
    found: Samples = {}
    for family in text_string_to_metric_families(text.decode()):
        assert family.documentation
        assert family.type != "unknown"
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def told(db: Database, counts: Counts, rows: dict[str, int] | None = None) -> Samples:
    """All that a box with these counts says."""
    counted = Counted(
        requests=counts.requests,
        kept=counts.kept,
        records=counts.records,
        refused=counts.refused,
        streams=7,
        commits=db.commits,
        commit_seconds=db.commit_seconds,
        slow_statements=db.slow_statements,
        refused_writes=db.refused_writes,
        is_damaged=bool(db.damage),
        worker_runs=False,
    )
    seen = db.read_sync(lambda conn: look(conn, place=Place(db.path.parent), config=Config()))
    return samples(exposition(counted, seen, rows or {}))


def test_requests_are_told_by_method_door_and_kind_of_status(db: Database) -> None:
    counts = Counts()
    for status, seconds in ((200, 0.002), (204, 0.3), (404, 60)):
        counts.answered("GET", "/api/users/{name}", status, seconds)
    found = told(db, counts)
    door = ("door", "/api/users/{name}"), ("method", "GET")
    assert found["arena_requests_total", (*door, ("status", "2xx"))] == 2
    assert found["arena_requests_total", (*door, ("status", "4xx"))] == 1
    assert found["arena_request_seconds_count", door] == 3
    assert found["arena_request_seconds_sum", door] == pytest.approx(60.302)
    buckets = {bound: found["arena_request_seconds_bucket", (*door[:1], ("le", bound), door[1])] for bound in LE}
    assert buckets == {"0.001": 0, "0.0025": 1, "0.5": 2, "10.0": 2, "+Inf": 3}


LE = ("0.001", "0.0025", "0.5", "10.0", "+Inf")


def test_addresses_and_methods_that_somebody_makes_up_are_one_line(db: Database) -> None:
    counts = Counts()
    for number in range(100):
        counts.answered(f"METHOD{number}", "", 404, 0.001)
    assert {key: value for key, value in told(db, counts).items() if key[0] == "arena_requests_total"} == {
        ("arena_requests_total", (("door", "none"), ("method", "other"), ("status", "4xx"))): 100
    }


def test_what_a_box_counts_is_told(db: Database) -> None:
    counts = Counts()
    counts.records.update({("transcripts", "stored"): 5, ("day_rows", "known"): 2})
    counts.refused["api"] = 3
    counts.kept = Counter(found=9, made=1)
    found = told(db, counts, {"users": 3})
    assert found["arena_records_total", (("outcome", "stored"), ("road", "transcripts"))] == 5
    assert found["arena_records_total", (("outcome", "known"), ("road", "day_rows"))] == 2
    assert found["arena_refusals_total", (("limit", "api"),)] == 3
    assert found["arena_kept_answers_total", (("outcome", "found"),)] == 9
    assert found["arena_live_streams", ()] == 7
    assert found["arena_worker_up", ()] == 0
    assert found["arena_rows", (("table", "users"),)] == 3
    assert found["arena_commit_writes_count", ()] == db.commits.total > 0
    assert found["arena_commit_writes_bucket", (("le", "1.0"),)] == db.commits.total
    assert found["process_resident_memory_bytes", ()] > 0
    assert any(name == "arena_build_info" and dict(labels)["version"] for name, labels in found)


def test_what_stands_in_files_and_rows_is_told(db: Database) -> None:
    folder = db.path.parent
    found = told(db, Counts())
    assert ("arena_backup_timestamp_seconds", ()) not in found
    assert ("arena_worker_beat_timestamp_seconds", ()) not in found
    assert ("arena_backup_copy_timestamp_seconds", ()) not in found
    (folder / "beat").touch()
    (folder / "copied").write_text(str(NOW - 7_200_000))
    (folder / "backups").mkdir()
    for hour in (11, 10):
        (folder / "backups" / f"arena-20261120T{hour}0000Z.backup").touch()
    db.write_sync(lambda conn: store.add_job(conn, "arena.b", NOW + 1500))
    db.write_sync(lambda conn: store.add_run(conn, JobRun("arena.a", NOW - 1500, NOW, "a thing", "")))
    db.write_sync(lambda conn: store.add_run(conn, JobRun("arena.b", NOW, NOW, None, "OSError: full")))
    found = told(db, Counts())
    assert found["arena_file_bytes", (("file", "database"),)] == db.path.stat().st_size
    assert found["arena_disk_free_bytes", ()] > 0
    assert found["arena_worker_beat_timestamp_seconds", ()] == pytest.approx(
        (folder / "beat").stat().st_mtime, abs=0.01
    )
    assert found["arena_backups", ()] == 2
    assert found["arena_backup_timestamp_seconds", ()] == NOW / 1000 - 3600
    assert found["arena_backup_copy_timestamp_seconds", ()] == NOW / 1000 - 7200
    assert found["arena_job_timestamp_seconds", (("job", "arena.a"),)] == NOW / 1000
    assert found["arena_job_seconds", (("job", "arena.a"),)] == 1.5
    assert found["arena_job_failed", (("job", "arena.a"),)] == 0
    assert found["arena_job_failed", (("job", "arena.b"),)] == 1
    assert found["arena_job_runs_total", (("job", "arena.b"), ("outcome", "failed"))] == 1
    assert found["arena_job_runs_total", (("job", "arena.b"), ("outcome", "done"))] == 0
    assert found["arena_job_due_timestamp_seconds", (("job", "arena.b"),)] == NOW / 1000 + 1.5
    assert found["arena_queue_tasks", ()] == 0
    assert found["arena_price_version", ()] == 0


def test_a_queue_that_is_just_being_made_is_empty(db: Database) -> None:
    Path(db.path.parent, "queue.db").touch()
    assert told(db, Counts())["arena_queue_tasks", ()] == 0


def test_counting_a_request_again_and_again_takes_no_more_room() -> None:
    counts = Counts()
    for _ in range(1000):
        counts.answered("GET", "/", 200, 0.001)
    ((key, spread),) = counts.requests.items()
    assert (key, spread.total) == (("GET", "/", 2), 1000)
    assert isinstance(spread, Spread)
