"""What a tool keeps, as the engine sees it: logs that grow, documents that are written anew, databases in use.

Each has a name in the ledger (``path``) and a stamp; while the stamp stays the same, nothing is read.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from stat import S_ISREG
from typing import NamedTuple, Protocol

import msgspec

from arena.client.models import Reading

LINE_LIMIT = 1 << 26
"""Bytes; a line longer than this holds somebody's file or picture and is passed over."""

DOCUMENT_LIMIT = 1 << 28
"""Bytes of a document that are read at most."""

MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises where something is not what it should be: no JSON, no text, no end to its depth."""

Stamp = tuple[int, int, int]
"""For a file its inode, size and time of change; for part of a database any three numbers that move with it."""


class Readable(Protocol):
    """A file that was opened for reading bytes, at the offset from which on it shall be read."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


class Log(NamedTuple):
    """A file that the tool appends lines to.

    ``read`` takes the file, an offset, the state that it left there itself (or nothing) and a buffer to use. It is
    given offset 0 and no state whenever the file shrank or was written anew. ``file`` says where it lies where that is
    not ``path``: a tool that moves its files about must not make them look like new ones.
    """

    path: str
    stamp: Stamp
    read: Callable[[Readable, int, bytes, bytearray], Reading]
    file: str = ""


class Document(NamedTuple):
    """A file, or a folder of small ones, that is read whole whenever its stamp changed."""

    path: str
    stamp: Stamp
    read: Callable[[], Reading]


class Part(NamedTuple):
    """One session in a database, read whole whenever its stamp changed.

    It is named by its database's path, ``#`` and the session: one project of the many in there can be excluded.
    """

    path: str
    stamp: Stamp
    read: Callable[[sqlite3.Connection], Reading]


class Database(NamedTuple):
    """An SQLite database, perhaps in use. ``parts`` and their ``read`` may be called again: they only look."""

    path: str
    stamp: Stamp
    parts: Callable[[sqlite3.Connection], list[Part]]


Source = Log | Document | Database


def stamp(stat: os.stat_result) -> Stamp:
    """Tell a file's state in three numbers."""
    return stat.st_ino & 0x7FFF_FFFF_FFFF_FFFF, stat.st_size, stat.st_mtime_ns


def stamp_of_database(path: str) -> Stamp:
    """Tell a database's state in three numbers, what stands in the log beside it included."""
    inode, size, changed = stamp(os.stat(path))
    with suppress(FileNotFoundError):
        log = os.stat(path + "-wal")
        return inode, size + log.st_size, max(changed, log.st_mtime_ns)
    return inode, size, changed


def stamp_of_files(stats: Iterable[os.stat_result]) -> Stamp:
    """Tell the state of many small files in three numbers."""
    each = [stamp(stat) for stat in stats]
    return len(each), sum(size for _, size, _ in each), max((changed for _, _, changed in each), default=0)


def walk(folder: str, endings: str | tuple[str, ...]) -> Iterator[tuple[str, os.stat_result]]:
    """Find the files under a folder whose names end so, each once, however links run in circles."""
    folders = [folder]
    linked: list[str] = []
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir():
                        if not (entry.is_symlink() and _walked(entry.path, folder, linked)):
                            folders.append(entry.path)
                    elif entry.name.endswith(endings):
                        with suppress(OSError):
                            if S_ISREG((stat := entry.stat()).st_mode):
                                yield entry.path, stat
        except OSError:
            continue


def content(path: str) -> bytes:
    """Read a document whole, or raise OSError where it is absurdly large."""
    with open(path, "rb") as file:
        text = file.read(DOCUMENT_LIMIT + 1)
    if len(text) > DOCUMENT_LIMIT:
        raise OSError(f"it is larger than {DOCUMENT_LIMIT >> 20} MiB")
    return text


def in_lines(file: Readable, offset: int, buffer: bytearray, take: Callable[[bytearray, int, int], None]) -> int:
    """Hand each complete line from an offset on to ``take``, as a buffer, its start and its stop.

    Returns where the first incomplete line starts. Search the buffer for what matters before decoding anything.
    """

    def block(buffer: bytearray, scanned: int, end: int) -> int:
        start, stop = 0, buffer.find(b"\n", scanned, end)
        while stop >= 0:
            take(buffer, start, stop)
            start = stop + 1
            stop = buffer.find(b"\n", start, end)
        return start

    return in_blocks(file, offset, buffer, block)


def in_blocks(file: Readable, offset: int, buffer: bytearray, take: Callable[[bytearray, int, int], int]) -> int:
    """Hand a file from an offset on to ``take`` as a buffer, how much of it was seen before, and where it ends.

    ``take`` says where the first incomplete line starts, which is also what is returned in the end. A line longer
    than the buffer gets a larger one for itself.
    """
    held = 0
    while got := file.readinto(memoryview(buffer)[held:]):
        end = held + got
        start = take(buffer, held, end)
        offset += start
        held = end - start
        if start:
            buffer[:held] = buffer[start:end]
        elif held == len(buffer) < LINE_LIMIT:
            buffer = buffer + bytes(len(buffer))
        elif held == len(buffer):
            passed, got = _rest_of_line(file, buffer)
            if not passed:
                break
            start = take(buffer, 0, got)
            offset += held + passed + start
            held = got - start
            buffer[:held] = buffer[start:got]
    return offset


def _rest_of_line(file: Readable, buffer: bytearray) -> tuple[int, int]:
    """Pass over a line up to its newline; says how many bytes that were, 0 without one, and how many wait behind it."""
    passed = 0
    while got := file.readinto(memoryview(buffer)):
        at = buffer.find(b"\n", 0, got)
        if at >= 0:
            buffer[: got - at - 1] = buffer[at + 1 : got]
            return passed + at + 1, got - at - 1
        passed += got
    return 0, 0


def _walked(link: str, folder: str, linked: list[str]) -> bool:
    """Say whether a link leads to, into or around a folder that is walked anyway; if not, it is from now on."""
    target = os.path.join(os.path.realpath(link), "")
    known = [os.path.join(os.path.realpath(folder), ""), *linked]
    if any(target.startswith(other) or other.startswith(target) for other in known):
        return True
    linked.append(target)
    return False
