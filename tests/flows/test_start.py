"""Starting, stopping and starting again."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.flows.conftest import Serve
from tests.flows.serving import Person, Serving, Visitor, arena, get, session, wait_until


@contextmanager
def administrator(box: Serving) -> Iterator[Visitor]:
    """Become the administrator by the link that the box prints."""
    with Visitor(box) as visitor:
        assert visitor.join(box.first_link(), "alice").status_code == 200
        yield visitor


def test_the_first_start_prints_a_link_that_makes_its_visitor_the_administrator_once(serve: Serve) -> None:
    box = serve()
    link = box.first_link()
    assert link.startswith(f"{box.url}/join/")
    assert sum("/" in line.removeprefix(box.url) for line in box.said if line.startswith("http")) == 1
    with Visitor(box) as alice, Visitor(box) as mallory:
        assert alice.get("/dashboard").url.path == "/sign-in"
        csrf = mallory.csrf(link)
        assert "Your arena is running" in alice.join(link, "alice").text
        assert alice.get("/dashboard").status_code == 200
        again = mallory.get(link)
        assert (again.status_code, "used already" in again.text) == (404, True)
        late = mallory.post(link, data={"csrf": csrf, "name": "mallory", "password": "correct horse battery"})
        assert late.status_code == 404
    assert box.ask("SELECT username, role FROM users") == [("alice", "admin")]


def test_a_join_form_from_another_site_is_refused(serve: Serve) -> None:
    box = serve()
    link = box.first_link()
    form = {"name": "mallory", "password": "correct horse battery"}
    with Visitor(box) as mallory:
        assert mallory.post(link, data=form).status_code == 403
        form["csrf"] = mallory.csrf(link)
        assert mallory.post(link, data=form, headers={"Origin": "http://evil.example"}).status_code == 403
        assert mallory.post(link, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert box.ask("SELECT COUNT(*) FROM users") == [(0,)]


def test_a_restart_keeps_everything_and_prints_no_link(serve: Serve) -> None:
    box = serve()
    with administrator(box) as alice:
        key = alice.make_key()
        person = Person(box, "alice", key)
        assert person.send(session()).status_code == 201
        assert box.stop() == 0
        box.start()
        alice.base_url = box.url
        assert person.totals() == (300, 120, 1)
        assert "API keys" in alice.get("/dashboard").text
    assert box.stop() == 0
    assert not [line for line in box.said if "/join/" in line]


def test_until_there_is_an_administrator_every_start_prints_a_fresh_link(serve: Serve) -> None:
    box = serve()
    first = box.first_link().removeprefix(box.url)
    assert box.stop() == 0
    box.start()
    second = box.first_link().removeprefix(box.url)
    with Visitor(box) as alice:
        assert alice.get(first).status_code == 404
        assert alice.get(second).status_code == 200


def test_an_invited_person_joins_and_makes_a_key_of_their_own(serve: Serve) -> None:
    box = serve()
    with administrator(box) as alice, Visitor(box) as bob:
        answer = alice.post("/dashboard/invitations", data={"csrf": alice.csrf("/dashboard")})
        link = answer.text.split("/join/", 1)[1][:43]
        assert bob.join(f"/join/{link}", "bob").status_code == 200
        assert Person(box, "bob", bob.make_key()).get("/api/v1/verify")["username"] == "bob"
        refused = bob.post("/dashboard/invitations", data={"csrf": bob.csrf("/dashboard")})
        assert refused.status_code == 403


def refused(*argv: str) -> str:
    """Try to serve; the one sentence why not."""
    done = arena("serve", *argv)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    [sentence] = done.stderr.splitlines()
    return sentence


def test_a_second_box_on_the_same_folder_is_refused(serve: Serve) -> None:
    box = serve()
    assert "another arena serves" in refused("--data", str(box.data), "--port", "0")
    assert get(f"{box.url}/healthz").json()["status"] == "ok"


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "choose another --port" in refused("--data", str(tmp_path / "d"), "--port", port)


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_cannot_be_is_refused(tmp_path: Path, port: str) -> None:
    assert "port" in refused("--data", str(tmp_path / "d"), "--port", port)


def test_an_unknown_key_in_the_configuration_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "arena.toml"
    file.write_text("[server]\nprot = 1\n")
    assert "prot" in refused("--data", str(tmp_path / "d"), "--config", str(file))


def test_a_demo_refuses_a_folder_with_real_people(serve: Serve) -> None:
    box = serve()
    box.add("alice")
    assert box.stop() == 0
    assert "holds real people" in refused("--data", str(box.data), "--port", "0", "--demo")
    assert box.ask("SELECT COUNT(*) FROM users") == [(1,)]


def test_the_data_folder_is_its_owners_alone(serve: Serve) -> None:
    box = serve()
    assert box.data.stat().st_mode & 0o077 == 0
    assert (box.data / "secret").stat().st_mode & 0o077 == 0


def test_open_streams_do_not_hold_up_the_end(serve: Serve) -> None:
    box = serve()
    begun, ended = threading.Barrier(6), []

    def listen() -> None:
        with httpx.Client(verify=False, timeout=20) as client, client.stream("GET", f"{box.url}/live") as stream:
            lines = stream.iter_lines()
            next(lines)
            begun.wait(10)
            ended.append(list(lines)[-1:])

    threads = [threading.Thread(target=listen) for _ in range(5)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    start = time.monotonic()
    assert box.stop() == 0
    assert time.monotonic() - start < 10
    for thread in threads:
        thread.join(5)
    assert len(ended) == 5


def test_the_end_leaves_no_worker_behind(serve: Serve) -> None:
    box = serve()
    [worker] = box.worker_pids()
    assert box.stop() == 0
    assert not Path(f"/proc/{worker}").exists()


def test_an_interrupt_from_the_keyboard_is_a_clean_end_too(serve: Serve) -> None:
    box = serve()
    assert box.process is not None
    box.process.send_signal(signal.SIGINT)
    assert box.process.wait(10) == 0
    box.kill()


def test_a_worker_that_dies_is_started_again(serve: Serve) -> None:
    box = serve()
    [worker] = box.worker_pids()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: get(f"{box.url}/readyz").status_code == 503, 2, pause=0.005)
    wait_until(lambda: get(f"{box.url}/readyz").status_code == 200, 5)
    wait_until(lambda: box.worker_pids() not in ([], [worker]), 5)


def test_a_worker_ends_when_its_box_is_gone(serve: Serve) -> None:
    box = serve()
    [worker] = box.worker_pids()
    time.sleep(1)  # until it listens for signals: one that is still being imported would end anyhow
    box.kill()
    wait_until(lambda: worker not in box.worker_pids(), 10)
