"""Addresses of visitors, as far as they tell one visitor from another."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


@lru_cache(4096)
def plain(address: str) -> str:
    """Write an address as it is known: an IPv4 visitor of a socket that speaks IPv6 too ("::ffff:...") by IPv4."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def as_seen_by_any_socket(networks: Iterable[str]) -> list[str]:
    """Write addresses and networks so that those of IPv4 are known on a socket that speaks IPv6 too."""
    seen = []
    for network in networks:
        found = ip_network(network)
        seen.append(str(found))
        if found.version == 4:
            seen.append(f"::ffff:{found.network_address}/{96 + found.prefixlen}")
    return seen


@lru_cache(4096)
def network_of(address: str | None) -> str:
    """Name the network that one line of the Internet is given: of IPv4 the address itself, of IPv6 the first 64 bits.

    Whoever has such a line chooses the rest of an IPv6 address as they like. What is no address is all one network.
    """
    try:
        found = ip_address(plain(address or ""))
    except ValueError:
        return ""
    return str(IPv6Address(int(found) >> 64 << 64)) + "/64" if found.version == 6 else str(found)
