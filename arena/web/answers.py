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
_KNOWN = re.compile(rb"(?:(?:^|&)(?:(?:period|metric|page|limit|offset|on)=[\w-]{0,10}|(?:tool|team)=[\w%-]{0,99}))*")
_DECIDE = frozenset(
    (b"cookie", b"hx-target", b"hx-history-restore-request", b"if-none-match", b"accept-encoding", b"host")
)
_PROOFS = frozenset((b"x-api-key", b"authorization"))
_OURS = frozenset(("arena", "arena-form"))
"""Cookies of ours: a session, or the one of a form, whose token stands in every page that its bearer gets."""

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
    door: str
    """The path template of its route."""
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
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _PROOFS or name in said:  # of what is said twice, the rooms may hear the other one
            return None
        if name in _DECIDE:
            said[name] = value
    theme = _theme(said.get(b"cookie", b""))
    if theme is None:
        return None
    target, history = said.get(b"hx-target", b""), said.get(b"hx-history-restore-request", b"")
    key = (path, query, target, history, theme, said.get(b"host", b""))
    return Question(key, said.get(b"if-none-match", b""), b"gzip" in said.get(b"accept-encoding", b""))


def _theme(cookies: bytes) -> bytes | None:
    """The theme that cookies choose; None if one of them is ours, or if it takes more than a look to know the theme.

    Names are cut out as the rooms do it, so that no blank hides one.
    """
    theme = ""
    for cookie in cookies.decode("latin-1").split(";") if cookies else ():
        name, _, value = cookie.partition("=")
        name, value = name.strip(), value.strip()
        if name.removeprefix("__Host-") in _OURS or (name == "theme" and (theme or value not in ("light", "dark"))):
            return None
        if name == "theme":
            theme = value
    return theme.encode()


class Answers:
    """The dictionary."""

    def __init__(self) -> None:
        self._kept: dict[Key, Kept] = {}

    def find(self, key: Key, version: int, minute: int) -> Kept | None:
        """The answer, if it still holds."""
        found = self._kept.get(key)
        return found if found is not None and found.version == version and found.minute == minute else None

    def keep(
        self, key: Key, version: int, minute: int, door: str, limit: str | None, headers: Headers, body: bytes
    ) -> Kept:
        """Keep an answer that was made when the database had this version."""
        if len(self._kept) >= KEPT:
            self._kept.clear()
        etag = b'"' + sha256(body).hexdigest()[:20].encode() + b'"'
        answer = Kept(version, minute, door, limit, etag, headers, body, gzip.compress(body, 6, mtime=0))
        self._kept[key] = answer
        return answer
