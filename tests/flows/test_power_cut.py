"""The box is killed in the middle of work: what it acknowledged is there, once."""

import json
import threading
import time
from collections import Counter

import httpx

from arena.audit.actions import verify
from arena.core.db import Database
from tests.flows.conftest import Serve
from tests.flows.serving import SESSIONS, Person, Serving, session

THREADS = 6


def test_every_acknowledged_session_is_there_once_after_a_kill(serve: Serve) -> None:
    box = serve()
    people = [box.add(f"person-{number}") for number in range(3)]
    acknowledged: list[tuple[str, str]] = []
    enough, stopped = threading.Event(), threading.Event()

    def work(worker: int) -> None:
        person = people[worker % 3]
        with httpx.Client(base_url=box.url, verify=False, timeout=10) as client:
            for number in range(100_000):
                name = f"{worker}-{number}"
                try:
                    if client.post(SESSIONS, **person.request(session(sessionId=name))).status_code != 201:
                        return
                except httpx.TransportError:
                    return
                acknowledged.append((person.name, name))
                if len(acknowledged) > 150:
                    enough.set()
                if stopped.is_set():
                    return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    assert enough.wait(20)
    box.kill()
    stopped.set()
    for thread in threads:
        thread.join(15)

    time.sleep(0.2)
    box.start()
    for person in people:
        _check(person, [name for owner, name in acknowledged if owner == person.name])
    _check_log(box)


def _check_log(box: Serving) -> None:
    """The security log is whole, and names each session that was stored, once."""
    db = Database(box.data / "arena.db")
    assert verify(db).problem is None
    db.close_sync()
    details = box.ask("SELECT details FROM security_audit_log WHERE event_type = 'session_created'")
    noted = Counter(id for (text,) in details for id in json.loads(text)["sessions"])
    assert noted == Counter(id for (id,) in box.ask("SELECT id FROM sessions"))


def _check(person: Person, names: list[str]) -> None:
    tokens_in, tokens_out, sessions = person.totals()
    # What was stored and never answered may be there as well: one request of each thread at the most.
    assert len(names) <= sessions <= len(names) + THREADS
    assert (tokens_in, tokens_out) == (300 * sessions, 120 * sessions)
    again = Counter(person.send(session(sessionId=name)).status_code for name in names[-20:])
    assert again == {200: min(20, len(names))}
    assert person.totals() == (tokens_in, tokens_out, sessions)
    records = person.box.ask(
        "SELECT COUNT(*), SUM(input_tokens), SUM(output_tokens) FROM usage_records JOIN users ON users.id = user_id "
        "WHERE username = :name AND counted = 1",
        name=person.name,
    )
    assert records == [(sessions, tokens_in, tokens_out)]
    assert person.box.ask("PRAGMA integrity_check") == [("ok",)]
