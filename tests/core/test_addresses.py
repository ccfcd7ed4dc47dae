"""Which addresses are one visitor's."""

from ipaddress import ip_address, ip_network

import pytest

from arena.core.addresses import as_seen_by_any_socket, network_of, plain


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unknown", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_one_line_of_the_internet_is_one_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_an_address_is_written_in_its_shortest_way_and_odd_ones_as_they_are() -> None:
    assert plain("2001:0DB8:0:0::1") == "2001:db8::1"
    assert plain("::ffff:c000:207") == "192.0.2.7"
    assert plain("unknown") == "unknown"


def test_a_proxy_of_ipv4_is_known_on_a_socket_of_ipv6_too() -> None:
    seen = as_seen_by_any_socket(["10.0.0.7", "172.16.0.0/12", "fd00::/8"])
    networks = [ip_network(each) for each in seen]
    for address in ("10.0.0.7", "::ffff:10.0.0.7", "::ffff:172.31.1.1", "fd12::1"):
        assert any(ip_address(address) in network for network in networks), address
    for address in ("10.0.0.8", "::ffff:10.0.0.8", "::ffff:172.32.0.1", "fe80::1"):
        assert not any(ip_address(address) in network for network in networks), address
