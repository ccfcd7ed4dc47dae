"""Brings the ledger up to what the tools keep now: reads what is new, merges, loses nothing."""

import gc
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from importlib import import_module
from io import FileIO
from typing import Protocol

import msgspec

from arena.client import ledger, tools
from arena.client.models import Copy, Reading, Stretch, merge
from arena.client.sources import MALFORMED, Database, Document, Log, Part, Source, Stamp

BUFFER = 1 << 18
"""Bytes; what stays in the processor's own cache is read a quarter faster than a megabyte is."""

EDGE = 1024
"""Bytes at the start and before the position whose hashes tell that a transcript was only appended to."""

FILES_PER_COMMIT = 200
PARTS_AT_ONCE = 50

decode_copies = msgspec.msgpack.Decoder(list[Copy]).decode
decode_stretches = msgspec.msgpack.Decoder(list[Stretch]).decode
decode_cwds = msgspec.msgpack.Decoder(list[str]).decode
_encode = msgspec.msgpack.Encoder().encode


class Tool(Protocol):
    """What a module in `arena.client.tools` offers."""

    NAME: str
    COLLECTOR: str
    places: Callable[[], list[str]]
    sources: Callable[[], Iterator[Source]]


class Files:
    """How many transcripts were read or had not changed, and which could not be read and why."""

    def __init__(self) -> None:
        self.read = self.unchanged = 0
        self.unreadable: list[str] = []

    def add(self, more: "Files") -> None:
        """Add what became of other transcripts."""
        self.read += more.read
        self.unchanged += more.unchanged
        self.unreadable += more.unreadable


def tool_names() -> list[str]:
    """List the tools that can be read."""
    names = (os.path.splitext(name) for name in os.listdir(tools.__path__[0]))
    return sorted(name.replace("_", "-") for name, kind in names if kind == ".py" and not name.startswith("_"))


def count(conn: sqlite3.Connection, tool: Tool, sources: Iterable[Source], full: bool = False) -> Files:
    """Read what is new in a tool's sources; ``full`` reads and marks for sending all of it again."""
    counter = _Counter(conn, tool.NAME, full)
    # A transcript gives thousands of small objects and no cycles: looking for some costs a tenth of the work.
    gc.disable()
    try:
        try:
            for source in sources:
                counter.take(source)
                counter.keep(FILES_PER_COMMIT)
        except (OSError, *MALFORMED) as error:
            counter.files.unreadable.append(f"all of {tool.NAME}: {error}")
        counter.keep()
    finally:
        gc.enable()
    return counter.files


def homes_of_sessions(conn: sqlite3.Connection) -> dict[str, str]:
    """Map each session to the folder where it began, wherever its sub-agents worked later."""
    first: dict[str, tuple[int, str]] = {}
    for _, packed in ledger.stretches(conn):
        for stretch in decode_stretches(packed):
            known = first.get(stretch.session)
            if stretch.cwd and (known is None or (stretch.started_at, stretch.cwd) < known):
                first[stretch.session] = (stretch.started_at, stretch.cwd)
    return {session: cwd for session, (_, cwd) in first.items()}


def found(tool: Tool) -> bool:
    """Say whether a tool has been used here."""
    return any(map(os.path.exists, tool.places()))


def module(name: str) -> Tool:
    """Import one tool's module by its name."""
    found: Tool = import_module(f"arena.client.tools.{name.replace('-', '_')}")
    return found


class _Counter:
    """Reads source after source of one tool, and keeps in the ledger what they gave."""

    def __init__(self, conn: sqlite3.Connection, tool: str, full: bool) -> None:
        self.conn, self.tool, self.full = conn, tool, full
        self.known = ledger.positions(conn, tool)
        self.files = Files()
        self.buffer: bytearray | None = None
        # Rows written one after the other cost half of what they cost between two transcripts.
        self.done: list[tuple[str, ledger.Position, ledger.Counts | None]] = []

    def take(self, source: Source) -> None:
        """Read a source if it changed; one that cannot be read costs no other."""
        if self.known.get(ledger.name(source.path)) == source.stamp and not self.full:
            self.files.unchanged += 1
            return
        try:
            if isinstance(source, Log):
                self._log(source)
            elif isinstance(source, Document):
                self._document(source)
            else:
                self._database(source)
        except OSError as error:
            self.files.unreadable.append(f"{source.path}: {error.strerror or error}")
        except MALFORMED as error:
            self.files.unreadable.append(f"{source.path}: {error}")

    def keep(self, at_least: int = 1) -> None:
        """Commit what so many sources gave; if that fails, only these are read again."""
        if len(self.done) < at_least:
            return
        done, self.done = self.done, []
        self.conn.execute("begin immediate")
        try:
            for path, here, counts in done:
                number = ledger.put_position(self.conn, self.tool, path, here)
                if counts is not None:
                    ledger.put_counts(self.conn, counts._replace(file=number))
            self.conn.execute("commit")
        except BaseException:
            self.conn.execute("rollback")
            raise

    def _log(self, source: Log) -> None:
        self.buffer = self.buffer or bytearray(BUFFER)
        at, old = self._earlier(source.path)
        with open(source.file or source.path, "rb", buffering=0) as file:
            offset, state = 0, b""
            if at and old and not self.full and _only_grew(file, at, source.stamp[1]):
                offset, state = at.position, old.state
            file.seek(offset)
            reading = source.read(file, offset, state, self.buffer)
            edges = _edges(file, reading.offset)
        self._read(source.path, source.stamp, reading, old, edges)

    def _document(self, source: Document) -> None:
        reading = source.read()
        self._read(source.path, source.stamp, reading, self._earlier(source.path)[1])

    def _database(self, source: Database) -> None:
        from arena.client import databases

        parts = databases.read(source.path, source.parts)
        changed = [part for part in parts if self.full or self.known.get(ledger.name(part.path)) != part.stamp]
        self.files.unchanged += len(parts) - len(changed)
        for start in range(0, len(changed), PARTS_AT_ONCE):
            some = changed[start : start + PARTS_AT_ONCE]
            readings = databases.read(source.path, partial(_each, some))
            for part, reading in zip(some, readings, strict=True):
                self._read(part.path, part.stamp, reading, self._earlier(part.path)[1])
            self.keep(FILES_PER_COMMIT)
        self.done.append((source.path, ledger.Position(0, *source.stamp, 0, b"", b""), None))

    def _earlier(self, path: str) -> tuple[ledger.Position | None, ledger.Counts | None]:
        at = ledger.position(self.conn, path) if ledger.name(path) in self.known else None
        return at, ledger.counts(self.conn, at.file) if at else None

    def _read(
        self,
        path: str,
        stamp: Stamp,
        reading: Reading,
        old: ledger.Counts | None,
        edges: tuple[bytes, bytes] = (b"", b""),
    ) -> None:
        here = ledger.Position(0, *stamp, reading.offset, *edges)
        self.done.append((path, here, _merged(self.tool, old, reading, self.full)))
        self.files.read += 1


def _each(parts: list[Part], conn: sqlite3.Connection) -> list[Reading]:
    return [part.read(conn) for part in parts]


def _only_grew(file: FileIO, at: ledger.Position, size: int) -> bool:
    if size <= at.size or size < at.position:
        return False
    return _edges(file, at.position) == (at.head, at.tail)


def _edges(file: FileIO, position: int) -> tuple[bytes, bytes]:
    file.seek(0)
    head = file.read(min(EDGE, position)) or b""
    start = max(0, position - EDGE)
    file.seek(start)
    tail = file.read(position - start) or b""
    return sha256(head).digest()[:16], sha256(tail).digest()[:16]


def _merged(tool: str, old: ledger.Counts | None, new: Reading, full: bool) -> ledger.Counts:
    if old is None:
        unsent = ledger.ALL if new.copies else None
        copies, stretches, cwds = list(new.copies.values()), new.stretches, new.cwds
        return ledger.Counts(0, tool, _encode(copies), _encode(stretches), _encode(cwds), new.state, unsent, None)
    stretches, moved = _joined(decode_stretches(old.stretches), new.stretches)
    all_copies: dict[bytes, Copy] = {}
    for copy in decode_copies(old.copies):
        copy.session = moved[copy.session]
        all_copies[copy.key] = copy
    changed: set[bytes] = set()
    for key, copy in new.copies.items():
        known = all_copies.get(key)
        best = copy if known is None else merge(known, copy)
        if best != known:
            changed.add(key)
            all_copies[key] = best
    cwds = list(dict.fromkeys([*decode_cwds(old.cwds), *new.cwds]))
    refused = None
    if old.refused and not full:
        reasons = msgspec.msgpack.decode(old.refused, type=dict[bytes, str])
        refused = _encode({key: why for key, why in reasons.items() if key not in changed}) if reasons else None
    return ledger.Counts(
        old.file,
        tool,
        _encode(list(all_copies.values())),
        _encode(stretches),
        _encode(cwds),
        new.state,
        _still_unsent(old.unsent, changed, full and bool(all_copies)),
        refused,
    )


def _still_unsent(before: bytes | None, changed: set[bytes], everything: bool) -> bytes | None:
    if everything or before == ledger.ALL:
        return ledger.ALL
    keys = changed.union(before[i : i + 16] for i in range(0, len(before), 16)) if before else changed
    return b"".join(sorted(keys)) or None


def _joined(old: list[Stretch], new: list[Stretch]) -> tuple[list[Stretch], list[int]]:
    """Join two lists of sessions in the order of the new one; says where each of the old went."""
    joined = list(new)
    index = {stretch.session: at for at, stretch in enumerate(joined)}
    moved = []
    for stretch in old:
        at = index.setdefault(stretch.session, len(joined))
        if at == len(joined):
            joined.append(stretch)
        else:
            same = joined[at]
            joined[at] = Stretch(
                same.session,
                min(same.started_at, stretch.started_at),
                max(same.ended_at, stretch.ended_at),
                stretch.cwd or same.cwd,
            )
        moved.append(at)
    return joined, moved
