"""The figures of a running box: who may read them, and that they are those of what was asked of it."""

import json
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from tests.flows.conftest import Serve
from tests.flows.serving import Person, Serving, arena, get, session
from tests.operations.test_metrics import Samples, samples

TOKEN = "0123456789abcdef"


def read(box: Serving, **headers: str) -> httpx.Response:
    return get(f"{listening(box)}/metrics", headers=headers)


def listening(box: Serving) -> str:
    return (box.data / "listening").read_text().strip()


def figures(box: Serving) -> Samples:
    answer = read(box)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    return samples(answer.content)


def requests(found: Samples, door: str) -> dict[str, float]:
    """How many answers of each kind a door gave."""
    return {
        dict(labels)["status"]: value
        for (name, labels), value in found.items()
        if name == "arena_requests_total" and dict(labels)["door"] == door
    }


def test_what_is_asked_is_counted_by_door_and_status(box: Serving, alice: Person) -> None:
    before = figures(box)
    with httpx.stream("GET", f"{box.url}/live") as stream:
        lines = stream.iter_lines()  # left to itself it would close the stream
        next(lines)
        assert figures(box)["arena_live_streams", ()] == 1
    alice.send(session())
    for path in ("/join/a-secret", "/join/another", "/nowhere", "/nowhere/else"):
        get(box.url + path)
    first = get(f"{box.url}/leaderboard")
    assert get(f"{box.url}/leaderboard", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert httpx.head(f"{box.url}/leaderboard").status_code == 200
    found = figures(box)
    assert requests(found, "/live") == {"2xx": 1}
    assert requests(found, "/api/v1/sessions") == {"2xx": 1}
    assert requests(found, "/join/{token}") == {"4xx": 2}
    assert requests(found, "none") == {"4xx": requests(before, "none").get("4xx", 0) + 2}
    assert requests(found, "/leaderboard") == {"2xx": 2, "3xx": 1}
    kept = [found.get(("arena_kept_answers_total", (("outcome", each),)), 0) for each in ("made", "found")]
    assert sum(kept) >= 3  # which of them is found depends on what is written meanwhile
    assert found["arena_records_total", (("outcome", "stored"), ("road", "session_api"))] == 1
    assert found["arena_commit_writes_count", ()] > before["arena_commit_writes_count", ()]
    assert found["arena_rows", (("table", "usage_records"),)] >= 1
    assert found["arena_price_version", ()] >= 1
    assert found["arena_worker_up", ()] == 1
    assert "secret" not in str(found)


def test_a_call_that_is_one_too_many_is_counted_by_its_limit(serve: Serve) -> None:
    box = serve(ARENA_LIMITS__PUBLIC="2")
    assert [get(f"{box.url}/api/v1/status").status_code for _ in range(4)] == [200, 200, 429, 429]
    assert figures(box)["arena_refusals_total", (("limit", "public"),)] == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"X-Real-IP": "::1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Host": "arena.example.org"},
        {"Host": "127.0.0.1.example.org"},
    ],
    ids=str,
)
def test_what_may_come_through_a_proxy_is_not_from_this_machine(box: Serving, headers: dict[str, str]) -> None:
    answer = read(box, **headers)
    assert answer.status_code == 403
    assert "bearer_token" in answer.text
    assert "arena_" not in answer.text


@pytest.fixture(params=["url", "trusted_proxies"])
def proxied(request: pytest.FixtureRequest, serve: Serve, free_port: int) -> Callable[..., Serving]:
    """Start a box whose configuration says that there is a proxy before it."""
    if request.param == "url":
        return partial(serve, "--port", str(free_port), ARENA_SERVER__URL=f"http://localhost:{free_port}")
    return partial(serve, ARENA_SERVER__TRUSTED_PROXIES="10.0.0.1")


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_behind_a_proxy_only_the_token_and_the_operator_read(proxied: Callable[..., Serving]) -> None:
    box = proxied(ARENA_METRICS__BEARER_TOKEN=TOKEN)
    assert read(box).status_code == 401
    assert read(box, Authorization=f"Bearer {TOKEN}0").status_code == 401
    assert read(box, Authorization=f"Bearer {TOKEN}").status_code == 200
    assert read(box, Authorization=f"Bearer {TOKEN}", **{"X-Forwarded-For": "10.1.1.1"}).status_code == 200
    assert "arena_build_info" in arena("admin", "metrics", "--data", str(box.data)).stdout


def test_behind_a_proxy_without_a_token_only_the_operator_reads(proxied: Callable[..., Serving]) -> None:
    box = proxied()
    assert read(box).status_code == 403
    printed = arena("admin", "metrics", "--data", str(box.data))
    assert (printed.returncode, printed.stderr) == (0, "")
    assert {name for name, _ in samples(printed.stdout.encode())} > {"arena_worker_up", "arena_requests_total"}


def test_an_old_or_made_up_pass_lets_nobody_in(box: Serving) -> None:
    for made in ("1700000000000." + "0" * 64, "nothing", "1.2.3", "9" * 13 + "." + "0" * 64):
        assert read(box, Host="arena.example.org", Authorization=f"Bearer {made}").status_code == 403


def test_a_box_that_does_not_run_has_no_figures(serve: Serve) -> None:
    box = serve()
    box.stop()
    printed = arena("admin", "metrics", "--data", str(box.data))
    assert (printed.returncode, printed.stdout) == (1, "")
    assert "no box runs" in printed.stderr


def test_a_slow_or_failed_request_is_a_line_with_the_id_that_its_answer_carries(serve: Serve) -> None:
    box = serve(ARENA_ARENA__SLOW_MS="1")
    answers = [get(f"{box.url}/readyz"), get(f"{box.url}/join/a-secret")]
    for pid in box.worker_pids():
        os.kill(pid, signal.SIGKILL)
    answers.append(until_unready(box))
    assert box.stop() == 0
    lines: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, box.log.read_text().splitlines()):
        if "request_id" in line:
            assert line["request_id"] not in lines
            lines[line["request_id"]] = line
    told = [lines.get(answer.headers["x-request-id"]) for answer in answers]
    assert told[1] is not None
    assert (told[1]["event"], told[1]["path"], told[1]["status"]) == ("slow", "/join/{token}", 404)
    assert told[1]["ms"] >= 1
    assert told[2] is not None
    assert (told[2]["event"], told[2]["path"], told[2]["status"]) == ("failed", "/readyz", 503)
    assert "a-secret" not in box.log.read_text()


def until_unready(box: Serving) -> httpx.Response:
    """An answer of a box whose worker was just ended."""
    for _ in range(200):
        answer = get(f"{box.url}/readyz")
        if answer.status_code == 503:
            return answer
    raise AssertionError("the box never noticed that its worker is gone")
