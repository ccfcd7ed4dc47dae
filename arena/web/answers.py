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
_ALONE = frozenset((b"x-api-key", b"authorization", b"content-length", b"transfer-encoding"))
"""What makes a request one of its kind: a proof of who asks, a body."""
_VARIES = re.compile(rb"accept-encoding", re.I)
_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset(("arena", "arena-form"))
"""Cookies of ours: a session, or the one of a form, whose token stands in every page that its bearer gets."""

Key = tuple[bytes, ...]
Headers = list[tuple[bytes, bytes]]


class Question(Struct, frozen=True):
    """What of a request decides the answer: address, fragment and theme; and what it has already."""

    key: Key
    etag: bytes
    gzip: bool

    @property
    def host(self) -> bytes:
        """The host that was asked, empty if none was named."""
        return self.key[-1]


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
    heads: tuple[bytes, bytes, bytes]
    """What is written before the plain one, before the packed one, and to whom has it already, but for what changes
    with each request and the empty line."""


def question(path: bytes, query: bytes, headers: Headers) -> Question | None:
    """What a GET asks for, or None if its answer may depend on who asks."""
    if not _KNOWN.fullmatch(query):
        return None  # a search, or something that only fills the memory
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ALONE or name in said:  # of what is said twice, the rooms may hear the other one
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

    def has(self, key: Key) -> bool:
        """Whether there is an answer, be it out of date."""
        return key in self._kept

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
        headers = [*headers, (b"etag", etag)]
        small = gzip.compress(body, 6, mtime=0)
        heads = (
            head(b"200 OK", [*headers, (b"content-length", b"%d" % len(body))]),
            head(b"200 OK", packed(headers, len(small))),
            head(b"304 Not Modified", headers),
        )
        answer = Kept(version, minute, door, limit, etag, headers, body, small, heads)
        self._kept[key] = answer
        return answer


def head(status: bytes, headers: Headers) -> bytes:
    """Write the beginning of an answer, without its empty line. Raises `ValueError` for a value that would end it."""
    if any(_NO_VALUE.search(value) for _, value in headers):
        raise ValueError("a header's value with a line end in it")
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(b"%b: %b\r\n" % pair for pair in headers)


def packed(headers: Headers, length: int) -> Headers:
    """The headers of an answer that is sent packed."""
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    kept.append((b"content-encoding", b"gzip"))
    kept.append((b"content-length", str(length).encode()))
    vary = next((value for name, value in kept if name == b"vary"), b"")
    if not _VARIES.search(vary):
        kept = [pair for pair in kept if pair[0] != b"vary"]
        kept.append((b"vary", (vary + b", " if vary else b"") + b"Accept-Encoding"))
    return kept
