"""The page of the jobs: what the worker does and when, and a job that is called for."""

from collections.abc import Iterator

import pytest

from arena.backups.actions.keeping import backups_in
from arena.core.config import Config
from arena.schedule import JOBS
from tests.flows.conftest import Serve
from tests.flows.serving import Serving, Visitor, wait_until


@pytest.fixture
def box(serve: Serve) -> Serving:
    return serve()


@pytest.fixture
def root(box: Serving) -> Iterator[Visitor]:
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        yield visitor


def test_a_job_that_is_called_for_runs_at_once_and_is_seen_there(box: Serving, root: Visitor) -> None:
    wait_until((box.data / "beat").exists, 20)
    text = root.get("/admin/jobs").text
    assert "No job ran yet." in text
    assert "Nothing ran yet." in text
    for job in JOBS:
        assert job.name in text or not job.is_on(Config()), "there is neither model nor bucket"
    assert "arena.projects.evaluate" not in text
    assert not backups_in(box.data / "backups")
    done = root.post("/admin/jobs/arena.backups.run/run", data={"csrf": root.csrf("/admin/jobs")})
    assert "Called for: writes a backup, and lets old ones go." in done.text
    wait_until(lambda: "arena-" in root.get("/admin/jobs").text, 20)
    assert "Every job did its work." in root.get("/admin/jobs").text
    assert len(backups_in(box.data / "backups")) == 1
    assert 'arena_job_runs_total{job="arena.backups.run",outcome="done"} 1.0' in root.get("/metrics").text
    assert "An administrator had a job run" in root.get("/admin/audit?event=job_called_for").text


def test_a_job_that_nobody_knows_is_refused_in_a_sentence(box: Serving, root: Visitor) -> None:
    refused = root.post("/admin/jobs/arena.nothing.do/run", data={"csrf": root.csrf("/admin/jobs")})
    assert refused.status_code == 404
    assert "There is no such job." in refused.text


def test_a_job_that_fails_is_told_with_its_reason(serve: Serve) -> None:
    box = serve(ARENA_BACKUPS__KEY_FILE="/nowhere/key")
    with Visitor(box) as root:
        root.join(box.first_link(), "root")
        wait_until((box.data / "beat").exists, 20)
        root.post("/admin/jobs/arena.backups.run/run", data={"csrf": root.csrf("/admin/jobs")})
        wait_until(lambda: "1 job failed." in root.get("/admin/jobs").text, 20)
        assert "No such file or directory" in root.get("/admin/jobs").text
