"""Brings the ledger up to what the tools' transcripts say now: reads what is new, merges, loses nothing."""

import gc
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from importlib import import_module
from io import FileIO
from typing import Protocol

import msgspec

from arena.client import ledger, tools
from arena.client.models import Copy, Reading, Stretch, merge

BUFFER = 1 << 18
"""Bytes; what stays in the processor's own cache is read a quarter faster than a megabyte is."""

EDGE = 1024
"""Bytes at the start and before the position whose hashes tell that a transcript was only appended to."""

FILES_PER_COMMIT = 200

decode_copies = msgspec.msgpack.Decoder(list[Copy]).decode
decode_stretches = msgspec.msgpack.Decoder(list[Stretch]).decode
decode_cwds = msgspec.msgpack.Decoder(list[str]).decode
_encode = msgspec.msgpack.Encoder().encode


Transcript = tuple[str, os.stat_result]


class Tool(Protocol):
    """What a module in `arena.client.tools` offers."""

    NAME: str
    COLLECTOR: str
    found: Callable[[], bool]
    transcripts: Callable[[], Iterator[Transcript]]
    companions: Callable[[str], Iterator[Transcript]]
    read: Callable[[FileIO, int, bytes, bytearray], Reading]


class Files:
    """How many transcripts were read or had not changed, and which could not be read and why."""

    def __init__(self) -> None:
        self.read = self.unchanged = 0
        self.unreadable: list[str] = []


def tool_names() -> list[str]:
    """List the tools that can be read."""
    names = (os.path.splitext(name) for name in os.listdir(tools.__path__[0]))
    return sorted(name.replace("_", "-") for name, kind in names if kind == ".py" and not name.startswith("_"))


def count(conn: sqlite3.Connection, tool: Tool, transcripts: Iterable[Transcript], full: bool = False) -> Files:
    """Read what is new in transcripts; ``full`` reads and marks for sending all of it again."""
    known = ledger.positions(conn, tool.NAME)
    files = Files()
    buffer: bytearray | None = None
    # Rows written one after the other cost half of what they cost between two transcripts.
    done: list[tuple[str, ledger.Position, ledger.Counts]] = []
    # A transcript gives thousands of small objects and no cycles: looking for some costs a tenth of the work.
    gc.disable()
    try:
        for path, stat in transcripts:
            seen = (stat.st_ino & 0x7FFF_FFFF_FFFF_FFFF, stat.st_size, stat.st_mtime_ns)
            if not full and known.get(path) == seen:
                files.unchanged += 1
                continue
            buffer = buffer or bytearray(BUFFER)
            try:
                with open(path, "rb", buffering=0) as file:
                    done.append(_count_file(conn, tool, path, file, seen, buffer, path in known, full))
            except OSError as error:
                files.unreadable.append(f"{path}: {error.strerror or error}")
                continue
            files.read += 1
            if len(done) == FILES_PER_COMMIT:
                _keep(conn, tool, done)
                done = []
        if done:
            _keep(conn, tool, done)
    finally:
        gc.enable()
    return files


def homes_of_sessions(conn: sqlite3.Connection) -> dict[str, str]:
    """Map each session to the folder where it began, wherever its sub-agents worked later."""
    first: dict[str, tuple[int, str]] = {}
    for _, packed in ledger.stretches(conn):
        for stretch in decode_stretches(packed):
            known = first.get(stretch.session)
            if stretch.cwd and (known is None or (stretch.started_at, stretch.cwd) < known):
                first[stretch.session] = (stretch.started_at, stretch.cwd)
    return {session: cwd for session, (_, cwd) in first.items()}


def module(name: str) -> Tool:
    """Import one tool's module by its name."""
    found: Tool = import_module(f"arena.client.tools.{name.replace('-', '_')}")
    return found


def _count_file(
    conn: sqlite3.Connection,
    tool: Tool,
    path: str,
    file: FileIO,
    seen: tuple[int, int, int],
    buffer: bytearray,
    known: bool,
    full: bool,
) -> tuple[str, ledger.Position, ledger.Counts]:
    at = ledger.position(conn, path) if known else None
    old = ledger.counts(conn, at.file) if at else None
    if at and old and not full and _only_grew(file, at, seen[1]):
        reading = tool.read(file, at.position, old.state, buffer)
    else:
        reading = tool.read(file, 0, b"", buffer)
    here = ledger.Position(0, *seen, reading.offset, *_edges(file, reading.offset))
    return path, here, _merged(tool.NAME, old, reading, full)


def _keep(conn: sqlite3.Connection, tool: Tool, done: list[tuple[str, ledger.Position, ledger.Counts]]) -> None:
    """Commit what transcripts gave; if that fails, only these are read again."""
    conn.execute("begin immediate")
    try:
        for path, here, counts in done:
            number = ledger.put_position(conn, tool.NAME, path, here)
            ledger.put_counts(conn, counts._replace(file=number))
        conn.execute("commit")
    except BaseException:
        conn.execute("rollback")
        raise


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
