"""Requests that leave the box: where they may go, how much they take, and what they do not follow."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from arena.core.origins import is_safe
from arena.core.outgoing import BODY, Careful, Refused
from tests.peers.server import Answer, Asked, Peer


class Echo(Peer):
    """Says what it was told to say, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.said: Answer = 200, {}, b"here"

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self.said


@pytest.fixture
def peer() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


def ask(url: str) -> httpx2.Response:
    async def once() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=Careful(), timeout=5) as client:
            return await client.get(url)

    return asyncio.run(once())


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://github.com", True),
        ("https://[2001:db8::1]:8443/path", True),
        ("http://localhost:9000", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9:80/", True),
        ("http://[::1]:9000", True),
        ("http://github.com", False),
        ("http://localhost.example.org", False),
        ("http://192.168.1.1", False),
        ("http://127.0.0.1.example.org", False),
        ("https://user@github.com", False),
        ("https://github.com@evil.example", False),
        ("https://", False),
        ("https:github.com", False),
        ("//github.com", False),
        ("ftp://localhost", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_others_are_spoken_to_only_where_nobody_listens(address: str, safe: bool) -> None:
    assert is_safe(address) is safe


def test_an_answer_is_taken_as_it_is(peer: Echo) -> None:
    assert ask(f"{peer.url}/path").text == "here"
    assert peer.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("address", ["http://example.org/", "http://10.0.0.1/"])
def test_nothing_is_asked_in_clear(address: str) -> None:
    with pytest.raises(Refused):
        ask(address)


def test_a_redirect_is_not_followed(peer: Echo) -> None:
    peer.said = 302, {"location": f"{peer.url}/elsewhere"}, b""
    assert ask(f"{peer.url}/path").status_code == 302
    assert [each.path for each in peer.asked] == ["/path"]


def test_an_answer_that_is_too_long_is_broken_off(peer: Echo) -> None:
    peer.said = 200, {}, b"x" * BODY
    assert len(ask(peer.url).content) == BODY
    peer.said = 200, {}, b"x" * (BODY + 1)
    with pytest.raises(Refused):
        ask(peer.url)


def test_a_packed_answer_is_not_taken(peer: Echo) -> None:
    peer.said = 200, {"content-encoding": "gzip"}, b"\x1f\x8b"
    with pytest.raises(Refused):
        ask(peer.url)


def test_others_are_reached_through_the_proxy_of_the_environment(peer: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    peer.said = 403, {}, b""
    monkeypatch.setenv("https_proxy", peer.url)
    monkeypatch.setenv("no_proxy", "github.internal")
    with pytest.raises(httpx2.ProxyError):
        ask("https://github.example.org/")
    assert [(each.method, each.headers["host"]) for each in peer.asked] == [("CONNECT", "github.example.org:443")]
    with pytest.raises(httpx2.ConnectError):
        ask("https://github.internal/")
    assert len(peer.asked) == 1
    ask(peer.url)
    assert peer.asked[-1].method == "GET"
