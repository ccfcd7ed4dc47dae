"""What a box leans on fails: it says so in a sentence, the rest goes on, nothing acknowledged is lost."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.flows.serving import SESSIONS, Person, Serving, environment, get, post, session, wait_until

HOLD = """
import sys
from pathlib import Path
from arena.core import sqlite
conn = sqlite.connect(Path(sys.argv[1]))
conn.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(box: Serving) -> Iterator[None]:
    """Another program holds the write lock of the database."""
    command = [sys.executable, "-c", HOLD, box.data / "arena.db"]
    process = subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.communicate()


def send(person: Person, name: str) -> httpx.Response:
    """Send a session, whatever is answered."""
    return post(f"{person.box.url}{SESSIONS}", **person.request(session(sessionId=name)))


def refused_for(answer: httpx.Response) -> str:
    """The sentence of a refusal that asks to come again."""
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
    return str(answer.json()["error"]["message"])


def is_ready(box: Serving) -> bool:
    return get(f"{box.url}/readyz").status_code == 200


def test_a_lock_that_another_program_holds_is_said_and_keeps_no_reader_waiting(box: Serving, alice: Person) -> None:
    assert send(alice, "before").status_code == 201
    wait_until((box.data / "beat").exists, 20)
    with held(box), ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(send, alice, f"s{at}") for at in range(3)]
        looking = pool.submit(wait_until, lambda: "database is locked" in get(f"{box.url}/readyz").text, 15)
        read = 0
        while not any(each.done() for each in sending):
            assert get(f"{box.url}/leaderboard?period=all_time").status_code == 200
            read += 1
        assert read > 10, "readers waited for the lock"
        assert {refused_for(each.result()) for each in sending} == {
            "The box cannot store anything just now (database is locked). Nothing was lost; try again in a moment."
        }
        looking.result()
    assert [send(alice, f"s{at}").status_code for at in range(3)] == [201] * 3
    wait_until(lambda: is_ready(box), 5)
    assert alice.totals() == (300 * 4, 120 * 4, 4)
