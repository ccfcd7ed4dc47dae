"""Whose word on where a caller comes from is believed, seen in the security log of a box behind real sockets."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flows.serving import Serving, wait_until

PROXY, OTHER_PROXY, STRANGER = "127.0.0.9", "127.1.2.3", "127.0.0.8"
TRUSTED = f"{PROXY}, 127.1.0.0/16, 2001:db8:ffff::/48"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A box behind proxies."""
    made = Serving(tmp_path_factory.mktemp("box") / "data", ARENA_SERVER__TRUSTED_PROXIES=TRUSTED).start()
    yield made
    assert made.stop() == 0


def heard(box: Serving, source: str, *forwarded: str, host: str = "") -> Any:
    """The address that the box takes a caller for, who comes from ``source`` with these X-Forwarded-For headers."""
    transport = httpx.HTTPTransport(local_address=source, verify=False)
    with httpx.Client(base_url=host or box.url, transport=transport, timeout=20) as client:
        before = rows(box)
        headers = [("X-Forwarded-For", each) for each in forwarded] + [("User-Agent", f"caller {len(before)}")]
        assert client.post("/sign-in", headers=headers).status_code == 403  # noted once for each new address
        wait_until(lambda: len(rows(box)) > len(before), 2)
    return rows(box)[-1][0]


def rows(box: Serving) -> list[tuple[Any, ...]]:
    return box.ask("SELECT ip_address FROM security_audit_log WHERE event_type = 'unauthorized_access' ORDER BY seq")


@pytest.mark.parametrize(
    ("source", "forwarded", "address"),
    [
        (PROXY, ["192.0.2.1"], "192.0.2.1"),
        (OTHER_PROXY, ["192.0.2.2"], "192.0.2.2"),
        (PROXY, ["192.0.2.3, 127.1.9.9"], "192.0.2.3"),  # two proxies of ours
        (PROXY, ["192.0.2.4", "127.1.9.9"], "192.0.2.4"),  # in two headers
        (PROXY, ["6.6.6.6, 192.0.2.5"], "192.0.2.5"),  # the left end is whatever the caller wrote
        (PROXY, ["6.6.6.6, 127.0.0.9, 192.0.2.6, 127.1.0.1"], "192.0.2.6"),
        (PROXY, ["<script>, 192.0.2.7"], "192.0.2.7"),
        (PROXY, ["192.0.2.8:4711"], "192.0.2.8"),
        (PROXY, ["2001:DB8::0:9"], "2001:db8::9"),
        (PROXY, ["[2001:db8:0:7::10]:4711"], "2001:db8:0:7::10"),
        (PROXY, ["192.0.2.11, 2001:db8:ffff::1"], "192.0.2.11"),
        (PROXY, ["::ffff:192.0.2.12"], "192.0.2.12"),
        (STRANGER, ["192.0.2.13"], STRANGER),
        ("127.0.0.7", ["127.0.0.9"], "127.0.0.7"),
        ("127.0.0.6", ["192.0.2.14, 127.0.0.9"], "127.0.0.6"),
    ],
)
def test_only_a_proxy_of_ours_is_believed(box: Serving, source: str, forwarded: list[str], address: str) -> None:
    assert heard(box, source, *forwarded) == address


def test_a_proxy_that_says_nothing_is_the_caller(box: Serving) -> None:
    assert heard(box, "127.1.0.20") == "127.1.0.20"


def test_without_proxies_nobody_is_believed(serve: Any) -> None:
    alone = serve(ARENA_LIMITS__PUBLIC="3/day")
    assert heard(alone, "127.0.0.1", "192.0.2.1") == "127.0.0.1"
    spoofed = [
        httpx.get(f"{alone.url}/api/leaderboard", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
        for n in range(4)
    ]
    assert spoofed == [200] * 3 + [429]


def test_on_a_socket_that_speaks_both_a_caller_of_ipv4_is_known_as_one(serve: Any) -> None:
    both = serve("--host", "::", ARENA_SERVER__TRUSTED_PROXIES=PROXY)
    port = both.url.rpartition(":")[2]
    over_4 = f"http://127.0.0.1:{port}"
    assert heard(both, STRANGER, "192.0.2.1", host=over_4) == STRANGER
    assert heard(both, PROXY, "192.0.2.2", host=over_4) == "192.0.2.2"
    assert heard(both, "::1", "192.0.2.3", host=f"http://[::1]:{port}") == "::1"
