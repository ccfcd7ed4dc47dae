"""Finished public answers, kept until the database changes or a minute ends.

A signed-out reader gets the same bytes as any other, so those leave from a dictionary before the router is asked. A
commit of any process moves the database's version; the minute is part of the question because boards show who has
been active in the last few of them.
"""

import gzip
import re
from hashlib import sha256

from msgspec import Struct

KEPT = 512
"""Answers kept at the most; then all are dropped. A board of 50 rows takes about 80 KB."""
_THEME = re.compile(rb"(?:^|;\s*)theme=(light|dark)(?:;|$)")
_KNOWN = re.compile(rb"(?:(?:^|&)(?:(?:period|metric|page|limit|offset)=[\w-]{0,10}|(?:tool|team)=[\w%-]{0,99}))*")
_OURS = re.compile(rb"(?:^|;\s*)(?:__Host-)?arena(?:-form)?=")
"""A cookie of ours: a session, or the one of a form, whose token stands in every page that its bearer gets."""

Key = tuple[bytes, ...]
Headers = list[tuple[bytes, bytes]]


class Question(Struct, frozen=True):
    """What of a request decides the answer: address, fragment and theme; and what it has already."""

    key: Key
    etag: bytes
    gzip: bool


class Kept(Struct, frozen=True):
    """A finished answer, both plain and packed."""

    version: int
    minute: int
    limit: str | None
    """The limit that its reading counts against."""
    etag: bytes
    headers: Headers
    plain: bytes
    packed: bytes


def question(path: bytes, query: bytes, headers: Headers) -> Question | None:
    """What a GET asks for, or None if its answer may depend on who asks."""
    if not _KNOWN.fullmatch(query):
        return None  # a search, or something that only fills the memory
    cookie = target = etag = encoding = history = host = b""
    for name, value in headers:
        match name:
            case b"cookie":
                cookie = value
            case b"x-api-key" | b"authorization":
                return None
            case b"hx-target":
                target = value
            case b"hx-history-restore-request":
                history = value
            case b"if-none-match":
                etag = value
            case b"accept-encoding":
                encoding = value
            case b"host":
                host = value
    theme = b""
    if cookie:
        if _OURS.search(cookie):
            return None
        found = _THEME.search(cookie)
        theme = found[1] if found else b""
    return Question((path, query, target, history, theme, host), etag, b"gzip" in encoding)


class Answers:
    """The dictionary."""

    def __init__(self) -> None:
        self._kept: dict[Key, Kept] = {}

    def find(self, key: Key, version: int, minute: int) -> Kept | None:
        """The answer, if it still holds."""
        found = self._kept.get(key)
        return found if found is not None and found.version == version and found.minute == minute else None

    def keep(self, key: Key, version: int, minute: int, limit: str | None, headers: Headers, body: bytes) -> Kept:
        """Keep an answer that was made when the database had this version."""
        if len(self._kept) >= KEPT:
            self._kept.clear()
        etag = b'"' + sha256(body).hexdigest()[:20].encode() + b'"'
        answer = Kept(version, minute, limit, etag, headers, body, gzip.compress(body, 6, mtime=0))
        self._kept[key] = answer
        return answer
