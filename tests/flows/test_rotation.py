"""The secret is rotated under a running box: nobody is signed out, forms still post, the worker lives."""

import re

import pytest

from tests.flows.conftest import Serve
from tests.flows.serving import Serving, Visitor, arena, get, session, wait_until

SENT = "modu_arena_"


def rotate(box: Serving, *options: str) -> None:
    done = arena("admin", "secret", "rotate", "--data", str(box.data), *options)
    assert done.returncode == 0, done.stderr


def token(text: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', text)
    assert found
    return found[1]


def test_whoever_is_signed_in_stays_and_open_forms_still_post(serve: Serve) -> None:
    box = serve()
    with Visitor(box) as alice, Visitor(box) as stranger:
        alice.join(box.first_link(), "alice")
        shown = token(alice.get("/dashboard").text)
        waiting = token(stranger.get("/sign-in").text)
        workers = box.worker_pids()
        rotate(box)
        assert alice.get("/dashboard").status_code == 200
        made = alice.post("/dashboard/keys", data={"csrf": shown, "label": "of before"})
        assert made.status_code == 200
        assert SENT in made.text
        fresh = token(alice.get("/dashboard").text)
        assert fresh != shown
        assert alice.post("/dashboard/keys", data={"csrf": fresh, "label": "of after"}).status_code == 200
        given = {"csrf": waiting, "name": "alice", "password": "correct horse battery"}
        assert stranger.post("/sign-in", data=given).url.path == "/"
        assert stranger.get("/dashboard").status_code == 200
        box.add("bob").send(session())
        assert get(f"{box.url}/readyz").json()["status"] == "ok"
        assert box.worker_pids() == workers

        box.stop()
        box.start()
        assert alice.get(f"{box.url}/dashboard").status_code == 200


@pytest.mark.parametrize("gone", ["by the command", "by hand"])
def test_an_old_cookie_is_refused_only_when_its_secret_is_gone(serve: Serve, gone: str) -> None:
    box = serve()
    with Visitor(box) as alice:
        alice.follow_redirects = False
        alice.post(
            link := box.first_link(), data={"csrf": alice.csrf(link), "name": "alice", "password": "correct horse"}
        )
        for _ in range(3):
            rotate(box)
            assert alice.get("/dashboard").status_code == 200
        if gone == "by the command":
            rotate(box, "--grace", "0")
        else:
            newest = (box.data / "secret").read_text().splitlines()[0]
            (box.data / "secret").write_text(f"{newest}\n")
        assert alice.get("/dashboard").headers["location"].startswith("/sign-in")
        with Visitor(box) as again:
            given = {"csrf": again.csrf("/sign-in"), "name": "alice", "password": "correct horse"}
            assert again.post("/sign-in", data=given).url.path == "/"


def test_a_box_with_half_a_secret_is_not_started_and_says_what_to_do(serve: Serve) -> None:
    box = serve()
    whole = (box.data / "secret").read_text()
    box.stop()
    (box.data / "secret").write_text(whole[:40])
    done = arena("serve", "--port", "0", "--data", str(box.data))
    assert done.returncode == 1
    assert "does not hold 64 hex digits a line; restore it from a backup" in done.stderr
    (box.data / "secret").write_text(whole)
    box.start()


def test_a_secret_that_is_spoilt_under_a_running_box_signs_nobody_out(serve: Serve) -> None:
    box = serve()
    with Visitor(box) as alice:
        alice.join(box.first_link(), "alice")
        whole = (box.data / "secret").read_text()
        (box.data / "secret").write_text("spoilt")
        assert alice.get("/dashboard").status_code == 200
        wait_until(lambda: "does not hold 64 hex digits" in box.log.read_text(), 5)
        (box.data / "secret").write_text(whole)
        assert alice.get("/dashboard").status_code == 200
