"""The page of the system: what there is, what it does, what is weak, and no secret."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.flows.conftest import Serve
from tests.flows.serving import Serving, Visitor, arena, session, wait_until

HIDDEN = "a-client-secret-of-the-provider"


@pytest.fixture
def box(serve: Serve) -> Serving:
    return serve(
        ARENA_ACCOUNTS__SESSION_DAYS="120",
        ARENA_OAUTH__GITHUB__CLIENT_ID="id-of-the-app",
        ARENA_OAUTH__GITHUB__CLIENT_SECRET=HIDDEN,
    )


@pytest.fixture
def root(box: Serving) -> Iterator[Visitor]:
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        yield visitor


def test_it_shows_the_box_its_storage_and_its_configuration(box: Serving, root: Visitor) -> None:
    box.add("ann").send(session())
    text = root.get("/admin/system").text
    assert f"<dd>{box.url}</dd>" in text
    assert "<dt>TLS</dt><dd>no</dd>" in text
    assert re.search(r"<dt>Database</dt><dd>[\d.]+ [kM]B</dd>", text)
    assert "<code>usage_records</code></dt><dd>1 row</dd>" in text
    assert "<code>users</code></dt><dd>2 rows</dd>" in text
    assert "It runs, heard of" in text
    assert "<code>[accounts] session_days</code>" in text
    assert "<b>120</b>" in text
    assert HIDDEN not in text
    assert "********" in text
    assert (box.data / "secret").read_text().strip() not in text


def test_it_warns_as_the_doctor_does(box: Serving, root: Visitor) -> None:
    text = root.get("/admin/system").text
    assert "1 thing to look at." in text
    assert "A browser stays signed in for 120 days." in text
    done = arena("admin", "doctor", "--data", str(box.data), **box.env)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "- A browser stays signed in for 120 days. Set [accounts] session_days to 30.\n"


def test_a_worker_that_does_not_speak_is_noticed(box: Serving, root: Visitor) -> None:
    old = box.data.stat().st_mtime - 600

    def noticed() -> bool:  # again where the worker spoke in between
        for name in ("beat", "address"):
            os.utime(box.data / name, (old, old))
        return "The worker was not heard of" in root.get("/admin/system").text

    wait_until((box.data / "beat").exists, 20)
    wait_until(noticed, 10)
