"""What any HTTP client may expect of any address: HEAD, preflights, sound headers, no surprises from odd names."""

import contextlib
import socket

import httpx
import pytest

from tests.flows.serving import Person, Serving, Visitor, session


def said_to(box: Serving, *lines: str) -> bytes:
    """The answer to a request as it stands: no client would send all of them."""
    port = int(box.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join((*lines, "Connection: close", "", "")).encode("latin-1"))
        answer = b""
        while more := connection.recv(65_536):
            answer += more
        return answer


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/leaderboard", "/install", "/static/base.css"])
def test_head_says_what_get_would_without_the_body(box: Serving, path: str) -> None:
    whole, head = httpx.get(box.url + path), httpx.head(box.url + path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/leaderboard", "/api/users/alice"])
def test_a_browser_elsewhere_may_ask_first(box: Serving, path: str) -> None:
    answer = httpx.options(box.url + path, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-Signature" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("host", ["[", "a b", "x/y", "host:port", "a@b"])
def test_a_host_that_is_none_is_refused(box: Serving, host: str) -> None:
    answer = httpx.get(box.url + "/", headers={"Host": host})
    assert answer.status_code == 400
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("hosts", [[], ["Host: a", "Host: b"], ["Host: a", "Host: a"]], ids=str)
def test_a_request_names_one_host(box: Serving, hosts: list[str]) -> None:
    assert said_to(box, "GET / HTTP/1.1", *hosts).startswith(b"HTTP/1.1 400")


def test_an_old_program_need_not_name_a_host(box: Serving) -> None:
    assert said_to(box, "GET /healthz HTTP/1.0").startswith(b"HTTP/1.1 200")


def test_a_head_without_an_end_is_not_listened_to(box: Serving) -> None:
    with socket.create_connection(("127.0.0.1", int(box.url.rpartition(":")[2])), timeout=10) as connection:
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000)
        with contextlib.suppress(ConnectionError):
            assert b" 200 " not in connection.recv(100)
    assert httpx.get(box.url + "/healthz").status_code == 200


def test_nonsense_fills_no_log(box: Serving) -> None:
    before = box.log.stat().st_size
    assert said_to(box, "NONSENSE").startswith(b"HTTP/1.1 400")
    assert said_to(box, "GET / HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade").count(b" 200 ") == 1
    assert box.log.stat().st_size == before


@pytest.mark.parametrize(
    "headers",
    [
        ("HX-Target: board", "HX-Target: "),
        ("HX-Target: board", "HX-History-Restore-Request: true", "HX-History-Restore-Request: "),
        ("Cookie: theme=light; theme=dark",),
        ('Cookie: theme="dark"',),
        ("Cookie: a=b;\xa0theme=dark",),
    ],
    ids=str,
)
def test_nobody_leaves_an_answer_for_others_that_is_not_theirs(box: Serving, headers: tuple[str, ...]) -> None:
    place = f"/?page={sum(map(len, headers))}"  # that nobody has asked for
    said_to(box, f"GET {place} HTTP/1.1", "Host: " + box.url.partition("//")[2], *headers)
    page, fragment, light = (
        httpx.get(box.url + place, headers=each).text
        for each in ({}, {"HX-Target": "board"}, {"Cookie": "theme=light"})
    )
    assert "<!doctype html>" in page
    assert "data-theme" not in page
    assert "<!doctype html>" not in fragment
    assert 'data-theme="light"' in light


@pytest.mark.parametrize("path", ["/", "/admin", "/sign-in", "/live", "/static/base.css"])
def test_a_page_answers_no_question_about_its_methods(box: Serving, path: str) -> None:
    answer = httpx.options(box.url + path)
    assert answer.status_code == 405
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["%00", "a" * 5000, "..%2f..%2fsecret", "%ff"])
def test_no_file_has_an_odd_name(box: Serving, name: str) -> None:
    assert httpx.get(f"{box.url}/static/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/nope", "/static/nope", "/api/nope", "/healthz", "/sign-out"])
def test_every_answer_carries_the_security_headers(box: Serving, path: str) -> None:
    headers = httpx.get(box.url + path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["permissions-policy"]
    assert headers["x-request-id"]


def test_a_form_larger_than_any_of_ours_is_refused(box: Serving) -> None:
    with Visitor(box) as visitor:
        token = visitor.csrf("/sign-in")
        answer = visitor.post("/sign-in", data={"csrf": token, "name": "x" * 300_000, "password": "y"})
        assert answer.status_code == 413
        assert "larger than this box takes" in answer.text


@pytest.mark.parametrize(
    "next", ["//evil.example", "https://evil.example", "/\\evil.example", "/%0d%0aSet-Cookie:x", ""]
)
def test_nobody_is_led_to_another_site(box: Serving, next: str) -> None:
    answer = httpx.get(f"{box.url}/theme", params={"to": "dark", "next": next})
    assert answer.headers["location"].startswith("/")
    assert not answer.headers["location"].startswith(("//", "/\\"))
    assert "\r" not in answer.headers["location"]


def test_a_kept_answer_is_what_was_made(box: Serving) -> None:
    """The first one takes the long way, others leave before it; a HEAD is answered by the long way again."""
    changing = ("x-request-id", "date", "x-ratelimit-remaining", "x-ratelimit-reset")
    for path in ("/leaderboard", "/api/leaderboard?limit=7"):
        for packing in ("gzip", "identity"):
            heads = {"Accept-Encoding": packing}
            first, *others = [httpx.get(box.url + path, headers=heads) for _ in range(4)]
            others.append(httpx.head(box.url + path, headers=heads))
            for other in others:
                assert sorted(name for name, _ in other.headers.multi_items()) == sorted(first.headers)
                for name, value in first.headers.items():
                    assert name in changing or other.headers[name] == value, name
            assert {other.content for other in others[:-1]} == {first.content}
            assert len({other.headers["x-request-id"] for other in (first, *others)}) == 5
            known = httpx.get(box.url + path, headers={**heads, "If-None-Match": first.headers["etag"]})
            assert (known.status_code, known.content) == (304, b"")
            assert known.headers["content-security-policy"] == first.headers["content-security-policy"]


def test_an_answer_is_the_same_over_a_connection_that_ends_and_one_that_stays(box: Serving, alice: Person) -> None:
    changing = ("x-request-id", "date", "x-ratelimit-remaining", "x-ratelimit-reset", "connection")
    sent = session()
    assert alice.send(sent).status_code == 201
    stays = alice.send(sent)
    ends = alice.send(sent, Connection="close")
    assert (stays.status_code, ends.status_code) == (200, 200)
    assert stays.json()["data"] == ends.json()["data"]
    assert sorted(stays.headers) == sorted(set(ends.headers) - {"connection"})
    for name, value in stays.headers.items():
        assert name in changing or ends.headers[name] == value, name
    with httpx.Client() as one:
        for number in range(5):
            request = alice.request(session(sessionId=f"over-one-connection-{number}"))
            assert one.post(f"{box.url}/api/v1/sessions", **request).status_code == 201
            assert one.get(f"{box.url}/api/leaderboard").status_code == 200
