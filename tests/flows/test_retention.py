"""Retention runs, is killed and runs again while the box serves: nobody who reports meanwhile notices."""

import base64
import json
import signal
import subprocess
import threading

import httpx

from tests.flows.conftest import Serve
from tests.flows.serving import ARENA, ROOT, SESSIONS, Person, Serving, Visitor, arena, environment, now_iso, session

DAY = 86_400
OLD, THREADS = 1_200, 3


def test_retention_beside_a_serving_box_loses_and_doubles_nothing(serve: Serve) -> None:
    box = serve()
    link = box.first_link()
    with Visitor(box) as visitor:
        visitor.join(link, "alice")
        alice = Person(box, "alice", visitor.make_key())
        old = [session(sessionId=f"old-{number}", endedAt=now_iso((95 + number % 200) * DAY)) for number in range(OLD)]
        for at in range(0, OLD, 100):
            assert alice.batch(*old[at : at + 100]).status_code in (200, 201)
        told = json.loads(arena("admin", "retention", "--dry-run", "--json", "--data", str(box.data)).stdout)
        acknowledged, stopped = [0] * THREADS, threading.Event()
        threads = [
            threading.Thread(target=_report, args=(alice, number, acknowledged, stopped)) for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for _ in range(3):
            _kill_after_some(box)
        done = json.loads(arena("admin", "retention", "--json", "--data", str(box.data)).stdout)
        recomputed = arena("admin", "recompute", "--data", str(box.data))
        stopped.set()
        for thread in threads:
            thread.join(15)
        assert told["rows"] == {"usage_records": OLD, "sessions": OLD, "token_usage": OLD}
        assert done["rows"].get("usage_records", 0) < OLD  # those that were killed had begun
        assert recomputed.stdout.startswith("1 person recomputed.\nDays up to ")
        assert min(acknowledged) > 0
        sessions = OLD + sum(acknowledged)
        assert alice.totals() == (300 * sessions, 120 * sessions, sessions)
        assert box.ask("SELECT COUNT(*) FROM closed_records") == [(OLD,)]
        assert box.ask("SELECT COUNT(*) FROM usage_records") == [(sum(acknowledged),)]
        again = alice.batch(*old[:100]).json()["data"]
        assert [each.get("duplicate") for each in again["results"]] == [True] * 100
        assert alice.totals() == (300 * sessions, 120 * sessions, sessions)
        kept = json.loads(visitor.get("/settings/export").text)
    assert len({base64.b64decode(key) for key in kept["closed_records"]}) == OLD
    assert sum(day["input"] for day in kept["closed_days"]) == 300 * OLD
    assert kept["closed_habits"][0]["models"] == {"claude-sonnet-4-5": [OLD, 420 * OLD]}


def _kill_after_some(box: Serving) -> None:
    """Start retention, and end it as a power cut does once it has closed more than before."""
    before = box.ask("SELECT COUNT(*) FROM closed_records")[0][0]
    running = subprocess.Popen([*ARENA, "admin", "retention", "--data", str(box.data)], cwd=ROOT, env=environment())
    while running.poll() is None and box.ask("SELECT COUNT(*) FROM closed_records")[0][0] == before:
        pass
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    assert 0 < box.ask("SELECT COUNT(*) FROM closed_records")[0][0] <= OLD


def _report(person: Person, number: int, acknowledged: list[int], stopped: threading.Event) -> None:
    with httpx.Client(base_url=person.box.url, verify=False, timeout=20) as client:
        while not stopped.is_set():
            name = f"new-{number}-{acknowledged[number]}"
            assert client.post(SESSIONS, **person.request(session(sessionId=name))).status_code == 201
            acknowledged[number] += 1
