"""Behind the proxies of docs/deploy everything is as without one: sign-in, addresses, streams, large reports."""

import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from arena.wire import BODY_LIMIT
from tests.deploy.conftest import Proxied
from tests.flows.serving import Person, Visitor, session, wait_until


def test_somebody_signs_in_over_tls_by_the_proxys_address(box: Proxied) -> None:
    link = box.first_link()
    assert link.startswith(f"https://127.0.0.1:{box.port}/join/")
    with Visitor(box) as visitor:
        visitor.follow_redirects = False
        joined = visitor.join(link, "root")
        said = joined.headers.get_list("set-cookie")
        assert {each.partition("=")[0] for each in said} == {"__Host-arena", "__Host-arena-device"}
        assert all("secure" in each.lower() for each in said)
        assert joined.headers["strict-transport-security"]
        assert visitor.get("/dashboard").status_code == 200
        key = visitor.make_key()
        assert Person(box, "root", key).get("/api/v1/verify")["username"] == "root"


def test_the_security_log_knows_who_asked_whatever_they_say_of_themselves(box: Proxied) -> None:
    transport = httpx.HTTPTransport(local_address="127.0.0.77", verify=False)
    with httpx.Client(base_url=box.url, transport=transport) as client:
        assert client.post("/sign-in", headers={"X-Forwarded-For": "192.0.2.66"}).status_code == 403
    asked = "SELECT DISTINCT ip_address FROM security_audit_log WHERE event_type = 'unauthorized_access'"
    wait_until(lambda: box.ask(asked), 2)
    assert box.ask(asked) == [("127.0.0.77",)]


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    for line in lines:
        if line.startswith("event: "):
            yield line.removeprefix("event: "), json.loads(next(lines).removeprefix("data: "))


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_an_event_comes_at_once_over_either_protocol(box: Proxied, alice: Person, version: str) -> None:
    waiting = httpx.Timeout(5)  # seconds; a proxy that gathered what streams say would keep it for minutes
    client = httpx.Client(verify=False, timeout=waiting, http2=version == "HTTP/2")
    with client, client.stream("GET", f"{box.url}/live") as stream:
        assert stream.http_version == version
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = events(stream.iter_lines())
        assert next(told)[0] == "presence"
        for number in range(3):
            alice.send(session(sessionId=f"{version} {number}", inputTokens=400, outputTokens=20 + number))
            name, arrived = next(told)
            assert (name, arrived["arrivals"][0]["tokens"]) == ("record", 420 + number)


def test_a_quiet_stream_is_kept_by_its_heartbeat(boxes: dict[str, Proxied]) -> None:
    with httpx.Client(verify=False, timeout=20) as client, ExitStack() as stack:
        streams = [stack.enter_context(client.stream("GET", f"{box.url}/live")) for box in boxes.values()]
        for stream in streams:  # each says the first thing at once, the second after 15 s
            told = events(stream.iter_lines())
            assert [next(told)[0], next(told)[0]] == ["presence", "presence"]


def test_pages_come_packed_and_are_the_same_unpacked(box: Proxied) -> None:
    with httpx.Client(base_url=box.url, verify=False, http2=True) as client:
        plain, packed = (client.get("/", headers={"Accept-Encoding": each}) for each in ("identity", "gzip"))
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.text == packed.text
    assert "Accept-Encoding" in packed.headers["vary"]


def test_a_report_as_large_as_the_box_takes_arrives(box: Proxied, alice: Person) -> None:
    body = json.dumps({"sessions": []}).encode()
    large = body[:-1] + b" " * (BODY_LIMIT - len(body)) + b"}"
    assert len(large) == BODY_LIMIT
    assert alice.post("/api/v1/usage", large).status_code == 200
    assert alice.post("/api/v1/usage", gzip.compress(large), **{"Content-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize("size", [BODY_LIMIT + 1, 12_000_000])
def test_of_a_larger_one_the_box_itself_says_what_is_wrong(box: Proxied, alice: Person, size: int) -> None:
    for _ in range(5):
        refused = alice.post("/api/v1/usage", b" " * size)
        assert refused.status_code == 413
        assert "larger than 10 MiB; send it in parts" in refused.json()["error"]["message"]


def test_one_that_is_much_larger_is_refused_by_the_proxy(box: Proxied, alice: Person) -> None:
    for _ in range(5):
        assert alice.post("/api/v1/usage", b" " * (4 * BODY_LIMIT)).status_code == 413


def test_whoever_comes_without_tls_is_led_to_it(box: Proxied) -> None:
    """Caddy does so on port 80 by itself, which a test leaves alone."""
    if (box.data.parent / "nginx.conf").exists():
        answer = httpx.get(f"http://127.0.0.1:{box.plain_port}/dashboard?a=b")
        assert (answer.status_code, answer.headers["location"]) == (301, "https://127.0.0.1/dashboard?a=b")
