"""Ids, keys and tokens."""

import os
import secrets
import time
from hashlib import sha256


def uuid7() -> str:
    """Make a UUIDv7 (RFC 9562 section 5.7) as text: sortable by the millisecond of its making."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"  # the standard library's UUID costs ten times as much
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def token() -> str:
    """Make a secret of 256 random bits that fits into an address or a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Hash a random secret for storage. A secret of 128 or more random bits needs no salt and no slow hash."""
    return sha256(secret.encode()).hexdigest()
