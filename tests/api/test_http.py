"""What any HTTP client may expect of any address: HEAD, preflights, sound headers, no surprises from odd names."""

import httpx
import pytest

from tests.flows.serving import Serving, Visitor


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
