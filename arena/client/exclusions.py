"""Which transcripts must never be sent: those of excluded folders, and whatever belongs to their sessions."""

import os
import sqlite3
from collections.abc import Iterable
from fnmatch import fnmatchcase

from arena.client import ledger
from arena.client.counting import decode_cwds, decode_stretches, homes_of_sessions


def pattern_of(text: str) -> str:
    """Make the pattern to keep from what a person typed: a whole path, or a name with wildcards found anywhere."""
    text = os.path.expanduser(text or ".")
    if not _wild(text):
        return os.path.abspath(text)
    if os.path.isabs(text) or text.startswith("*"):
        return text.rstrip("/\\")
    if "/" in text:
        return os.path.join(os.getcwd(), text).rstrip("/\\")
    return "*/" + text


def matches(cwd: str, patterns: Iterable[str]) -> bool:
    """Say whether a folder equals, lies under or matches one of the patterns."""
    folder = _plain(cwd)
    for pattern in patterns:
        for wanted in {_plain(pattern), _plain(pattern if _wild(pattern) else os.path.realpath(pattern))}:
            if folder == wanted or folder.startswith(wanted + "/"):
                return True
            if _wild(wanted) and (fnmatchcase(folder, wanted) or fnmatchcase(folder, wanted + "/*")):
                return True
    return False


def excluded_files(conn: sqlite3.Connection, patterns: tuple[str, ...]) -> tuple[set[int], set[str]]:
    """Find the transcripts that must not be sent, and their sessions."""
    if not patterns:
        return set(), set()
    files: set[int] = set()
    sessions: set[str] = set()
    others: list[tuple[int, list[str]]] = []
    for counts in ledger.every(conn):
        names = [stretch.session for stretch in decode_stretches(counts.stretches)]
        if any(matches(cwd, patterns) for cwd in decode_cwds(counts.cwds)):
            files.add(counts.file)
            sessions.update(names)
        else:
            others.append((counts.file, names))
    # A sub-agent may have worked elsewhere, but for a session that is excluded.
    files.update(file for file, names in others if sessions.intersection(names))
    return files, sessions


def projects(conn: sqlite3.Connection, pattern: str) -> dict[str, set[int]]:
    """Map each project in the ledger that matches to the transcripts of its sessions."""
    found: dict[str, set[int]] = {}
    homes = homes_of_sessions(conn)
    for file, packed in ledger.stretches(conn):
        for stretch in decode_stretches(packed):
            home = homes.get(stretch.session, "")
            if home and matches(home, (pattern,)):
                found.setdefault(home, set()).add(file)
    return found


def _wild(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _plain(path: str) -> str:
    return path.replace("\\", "/").rstrip("/") or "/"
