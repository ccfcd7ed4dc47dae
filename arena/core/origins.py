"""Which addresses of others the box speaks to."""

import ipaddress
from urllib.parse import urlsplit


def is_safe(address: str) -> bool:
    """Say whether nobody on the way can read or change what is sent there: https, or this very machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:  # "https://[", say
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_here(host))


def is_here(host: str) -> bool:
    """Say whether a host is this very machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
