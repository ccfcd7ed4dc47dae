"""The clock of the machine jumps by hours and days: nobody is signed out, no work is stuck for ever or done twice."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.conftest import Serve
from tests.flows.serving import ROOT, SESSIONS, Person, Serving, Visitor, get, post, session, wait_until
from tests.peers.model import README, Model

HOUR, DAY = 3_600, 86_400
SOME_MINUTE = 90
"""Seconds: a job whose time comes just now is run at the next full minute."""
WRONG = """
import os, time

_clocks, _file = (time.time, time.time_ns), os.environ["WRONG_CLOCK"]

def _off():
    try:
        with open(_file) as file:
            return int(file.read() or 0)
    except OSError:
        return 0

time.time = lambda: _clocks[0]() + _off()
time.time_ns = lambda: _clocks[1]() + _off() * 10**9
"""
"""Every process of the box imports this first. (What counts lengths of time goes by the monotonic clock.)"""


class Clock:
    """The clock of a box, as many seconds wrong as its file says."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(WRONG)
        self._file = folder / "off"
        self.env = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "WRONG_CLOCK": str(self._file)}
        self.off = 0

    def jump(self, seconds: int) -> None:
        """Be so many seconds wrong from now on."""
        self._file.with_name("new").write_text(str(seconds))
        self._file.with_name("new").replace(self._file)
        self.off = seconds

    def now(self) -> int:
        return int(time.time()) + self.off


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.close()


def send(person: Person, clock: Clock, name: str) -> httpx.Response:
    """Send a session from a laptop whose clock is the box's."""
    ended = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clock.now() - 1))
    raw = json.dumps(session(sessionId=name, endedAt=ended)).encode()
    headers = {"Content-Type": "application/json", **person.sign(raw, at=clock.now())}
    return post(f"{person.box.url}{SESSIONS}", content=raw, headers=headers)


def evaluate(person: Person, clock: Clock, name: str) -> str:
    """Hand a project in; the id of its evaluation."""
    raw = json.dumps({"projectName": name, "description": f"{README}\n{name}\n"}).encode()
    headers = {"Content-Type": "application/json", **person.sign(raw, at=clock.now())}
    answer = post(f"{person.box.url}/api/v1/evaluate?wait=0", content=raw, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["evaluation"]["id"])


def state(box: Serving, id: str) -> str:
    return str(box.ask("SELECT state FROM project_evaluations WHERE id = :id", id=id)[0][0])


def new_worker(box: Serving) -> None:
    """Let another worker look what is due."""
    [before] = box.worker_pids()
    (box.data / "beat").unlink(missing_ok=True)
    os.kill(before, signal.SIGKILL)
    wait_until((box.data / "beat").exists, 20)


def runs(box: Serving) -> Counter[str]:
    """How often each job ran."""
    return Counter(name for (name,) in box.ask("SELECT name FROM job_runs WHERE problem = ''"))


def listen(box: Serving, heard: list[str], ready: threading.Event) -> None:
    with httpx.stream("GET", f"{box.url}/live", timeout=60) as stream:
        for line in stream.iter_lines():
            heard.append(line)
            ready.set()


def test_a_clock_that_jumps_back_and_forth_harms_nothing(serve: Serve, clock: Clock, model: Model) -> None:
    box = serve(**clock.env, **model.env())
    wait_until((box.data / "beat").exists, 20)
    heard: list[str] = []
    ready = threading.Event()
    listening = threading.Thread(target=listen, args=(box, heard, ready), daemon=True)
    listening.start()
    assert ready.wait(10)
    stored = 0
    with Visitor(box) as root:
        root.join(box.first_link(), "root")
        alice = Person(box, "root", root.make_key())
        for off in (0, 5 * HOUR, 3 * DAY, -2 * DAY, -HOUR, 2 * DAY, 0):
            clock.jump(off)
            assert root.get("/dashboard").url.path == "/dashboard", f"signed out by a jump to {off}"
            assert send(alice, clock, f"at-{off}-{stored}").status_code == 201
            stored += 1
            assert send(alice, clock, f"at-{off}-{stored - 1}").status_code == 200
            for path in ("/", "/leaderboard?period=all_time", "/admin/system", "/admin/jobs"):
                assert root.get(path).status_code == 200, (path, off)
            wait_until(lambda: get(f"{box.url}/readyz").status_code == 200, 10)
        before = len(heard)
        assert send(alice, clock, "last").status_code == 201
        stored += 1
        wait_until(lambda: any("record" in line for line in heard[before:]), 10)
    assert box.ask("SELECT COUNT(*), SUM(counted) FROM usage_records") == [(stored, stored)]
    assert box.ask("SELECT total_sessions, total_input_tokens FROM user_stats") == [(stored, 300 * stored)]
    assert box.ask("SELECT SUM(session_count), SUM(input_tokens) FROM daily_user_stats") == [(stored, 300 * stored)]


def test_work_that_a_wrong_clock_gave_away_is_not_stuck_and_done_once(serve: Serve, clock: Clock, model: Model) -> None:
    box = serve(**clock.env, **model.env())
    wait_until((box.data / "beat").exists, 20)
    alice = box.add("alice")
    clock.jump(3 * DAY)
    model.delay = 2.0
    id = evaluate(alice, clock, "tally")
    wait_until(lambda: state(box, id) == "running", 20)
    clock.jump(0)
    model.delay = 0.0
    new_worker(box)
    wait_until(lambda: state(box, id) == "done", 30)
    assert box.ask("SELECT COUNT(*) FROM project_evaluations") == [(1,)]
    later = evaluate(alice, clock, "later")
    wait_until(lambda: state(box, later) == "done", 30)


def test_a_job_runs_once_for_a_jump_forward_and_goes_on_after_one_back(serve: Serve, clock: Clock) -> None:
    box = serve(**clock.env)
    wait_until((box.data / "beat").exists, 20)
    first = runs(box)
    clock.jump(3 * DAY)
    new_worker(box)
    wait_until(lambda: not waiting(box, clock), SOME_MINUTE)
    ahead = runs(box) - first
    assert ahead["arena.audit.prune"] == 1, "three nights that were missed are made up for at once"
    assert set(ahead.values()) == {1}
    clock.jump(0)
    new_worker(box)
    wait_until(lambda: not waiting(box, clock), SOME_MINUTE)
    assert set((runs(box) - first).values()) <= {1, 2}
    new_worker(box)
    assert set((runs(box) - first).values()) <= {1, 2}


def waiting(box: Serving, clock: Clock) -> list[Any]:
    """The jobs that run, whose time has come, or that wait for a time that only a wrong clock can have told."""
    sql = "SELECT name FROM jobs WHERE claim IS NOT NULL OR due_at <= :now OR due_at > :soon"
    return box.ask(sql, now=clock.now() * 1000, soon=(clock.now() + 8 * DAY) * 1000)
