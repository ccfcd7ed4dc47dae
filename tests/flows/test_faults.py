"""What a box leans on fails: it says so in a sentence, the rest goes on, nothing acknowledged is lost."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from arena.web.listening import SURPLUS
from tests.flows.conftest import Serve
from tests.flows.serving import SESSIONS, Person, Serving, Visitor, environment, get, post, session, wait_until
from tests.peers.model import README, Model

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


@contextmanager
def connections(box: Serving, number: int) -> Iterator[list[socket.socket]]:
    """So many visitors who are connected, each in the middle of a request."""
    host, port = box.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        made = [stack.enter_context(socket.create_connection((host, int(port)), 10)) for _ in range(number)]
        for each in made:
            with suppress(ConnectionError):
                each.sendall(b"GET / HTTP/1.1\r\n")
        yield made


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has hung up."""
    connection.settimeout(0.02)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def streams(box: Serving) -> float:
    """How many live boards are open."""
    return float(get(f"{box.url}/metrics").text.split("\narena_live_streams ")[1].split()[0])


def test_whoever_comes_when_too_many_are_connected_is_asked_to_try_again(serve: Serve) -> None:
    box = serve(ARENA_SERVER__CONNECTIONS="20")
    alice = box.add("alice")
    with ExitStack() as boards:
        for _ in range(30):  # live boards are not among them
            board = boards.enter_context(httpx.stream("GET", f"{box.url}/live", timeout=20))
            assert board.status_code == 200
        assert streams(box) == 30
        with connections(box, 20):
            wait_until(lambda: get(f"{box.url}/").status_code == 503, 5)
            page = get(f"{box.url}/")
            assert "More connections are open than this box takes. Try again in a moment." in page.text
            assert (page.headers["retry-after"], page.headers["connection"]) == ("2", "close")
            assert "content-security-policy" in page.headers
            program = post(f"{box.url}{SESSIONS}", **alice.request(session()))
            assert (program.status_code, program.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        wait_until(lambda: get(f"{box.url}/").status_code == 200, 5)
        assert send(alice, "one").status_code == 201


def test_a_crowd_far_too_large_is_turned_away_at_once_and_the_box_lives_on(serve: Serve) -> None:
    box = serve(ARENA_SERVER__CONNECTIONS="10")
    with connections(box, 300) as crowd:
        assert sum(map(is_closed, crowd)) == 300 - 10 - SURPLUS
    wait_until(lambda: is_ready(box), 10)


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.close()


def submit(person: Person, name: str) -> str:
    """Hand a project in; the id of its evaluation."""
    sent = {"projectName": name, "description": f"{README}\n{name}\n"}
    answer = post(f"{person.box.url}/api/v1/evaluate?wait=0", **person.request(sent))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["evaluation"]["id"])


def state(person: Person, id: str) -> str:
    return str(person.get(f"/api/v1/evaluations/{id}")["evaluation"]["state"])


def test_a_worker_that_cannot_start_is_said_tried_again_and_makes_up_for_it(serve: Serve, model: Model) -> None:
    box = serve(**model.env())
    wait_until((box.data / "beat").exists, 20)
    with Visitor(box) as root:
        root.join(box.first_link(), "root")
        alice = Person(box, "root", root.make_key())
        for file in box.data.glob("queue.db*"):
            file.unlink()
        (box.data / "queue.db").mkdir()
        for worker in box.worker_pids():
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: get(f"{box.url}/readyz").status_code == 503, 10)
        assert get(f"{box.url}/readyz").json()["reason"] == "the worker is being started again"
        assert send(alice, "meanwhile").status_code == 201
        id = submit(alice, "tally")
        [(project,)] = box.ask("SELECT id FROM projects")
        wait_until(lambda: "What judges projects is being started again" in root.get(f"/projects/{project}").text, 10)
        wait_until(lambda: "It is being started again" in root.get("/admin/system").text, 10)
        wait_until(lambda: box.log.read_text().count('"worker died"') > 3, 20)
        assert "Traceback" not in box.log.read_text()
        assert box.log.read_text().count("\n") < 60
        (box.data / "queue.db").rmdir()
        wait_until(lambda: state(alice, id) == "done", 60)
        wait_until(lambda: is_ready(box), 10)
    assert len(model.asked) == 2, "each reading was asked for once"


def test_a_model_that_is_gone_costs_nothing_but_the_judging(serve: Serve, model: Model) -> None:
    box = serve(**model.env(TIMEOUT="1"))
    alice = box.add("alice")
    model.close()
    id = submit(alice, "tally")
    assert send(alice, "meanwhile").status_code == 201
    wait_until(lambda: state(alice, id) == "failed", 60)
    told = alice.get(f"/api/v1/evaluations/{id}")["evaluation"]["reason"]
    assert told.endswith(".")
    assert "model" in told
    assert get(f"{box.url}/").status_code == 200
    assert is_ready(box)
