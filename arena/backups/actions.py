"""Make backups, prove them by restoring, put one in the place of a box, and let old ones go.

All of it runs in commands and jobs: it waits for the disk. A backup is a tar, packed, behind the seal of
`arena.core.sealed`; in it a manifest, the database, and every other file of the data folder that is not made anew.
"""

import gzip
import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import file_digest
from pathlib import Path

import msgspec

import arena
from arena.backups import rules, store
from arena.backups.models import FORMAT, Backup, Content, Keep, Manifest
from arena.core import sealed, sqlite
from arena.core.config import Backups, Place
from arena.core.lock import only_one
from arena.core.sealed import NotWhole

DATABASE, MANIFEST = "arena.db", "manifest.json"
MADE_ANEW = ("address", "listening", "lock", "queue.db")
"""What a box makes again by itself; the queue's loss is harmless."""
KEPT_BACK = "before-restore-"
"""How a folder begins to which a restore moves what was there."""


def make(place: Place, folder: Path, *, now: int, key: bytes | None = None, why: str = "") -> Path:
    """Write a backup of a data folder, consistent while the box serves, and return its file once it is on disk.

    Raises ``OSError`` or ``sqlite3.Error`` when there is no room for it; then no part of it is left.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / rules.name_of(now, why)
    with _scratch(folder) as scratch:
        copy = scratch / DATABASE
        with closing(sqlite.connect(place.database)) as conn:
            store.copy_to(conn, copy)
        with closing(sqlite.connect(copy, readonly=True)) as conn:
            counted = sqlite.count_rows(conn)
        files = {DATABASE: copy, **{file.name: file for file in _beside(place)}}
        manifest = Manifest(
            format=FORMAT,
            made_at=now,
            arena=arena.__version__,
            sqlite=sqlite.VERSION,
            files={name: _content(file) for name, file in files.items()},
            rows=counted,
        )
        with sealed.writing(path, key) as sink, _tar(sink) as tar:
            _add(tar, MANIFEST, io.BytesIO(said := msgspec.json.encode(manifest)), len(said))
            for name, file in files.items():
                with file.open("rb") as content:
                    _add(tar, name, content, manifest.files[name].size)
    return path


def verify(path: Path, *, key: bytes | None = None) -> Manifest:
    """Restore a backup into a scratch place and prove it: every byte, the database's integrity, every table's rows.

    Raises `NotWhole` with what is wrong.
    """
    with _scratch(path.parent if os.access(path.parent, os.W_OK) else None) as scratch:
        return _unpack(path, scratch, key)


def restore(
    path: Path, place: Place, *, bring_up: Callable[[Path], object], now: int, key: bytes | None = None
) -> Path | None:
    """Put a backup in the place of what is in a data folder; return the folder to which that was moved, if any was.

    It is proved and brought to this release's schema first (``bring_up``), beside what is there; the database then
    takes its place in one step. Raises `Held` while a box serves the folder, `NotWhole`, and `NewerSchema`.
    """
    with only_one(place.data), _scratch(place.data) as scratch:
        manifest = _unpack(path, scratch, key)
        bring_up(scratch / DATABASE)
        with closing(sqlite.connect(scratch / DATABASE)) as conn:
            store.come_to_rest(conn)
        kept = _set_aside(place, now)
        for name in manifest.files:
            if name != DATABASE:
                (scratch / name).replace(place.data / name)
        for name in MADE_ANEW:
            if name != "lock":
                (place.data / name).unlink(missing_ok=True)
        (scratch / DATABASE).replace(place.database)
        return kept


def backups_in(folder: Path) -> list[Backup]:
    """The backups of a folder, the newest first."""
    found = []
    for file in folder.iterdir() if folder.is_dir() else ():
        if (made_at := rules.made_at(file.name)) is not None:
            found.append(Backup(file.name, made_at, file.stat().st_size))
    return sorted(found, key=lambda each: (each.made_at, each.name), reverse=True)


def prune(folder: Path, keep: Keep) -> list[Backup]:
    """Delete the backups that need not be kept; return them."""
    gone = rules.to_prune(backups_in(folder), keep)
    for each in gone:
        (folder / each.name).unlink(missing_ok=True)
    return gone


def run(place: Place, config: Backups, now: int) -> Path:
    """Do what the schedule asks for: write a backup, then let those go that need not be kept."""
    folder = place.backups(config.folder)
    made = make(place, folder, now=now, key=configured_key(config))
    prune(folder, Keep(config.keep_hours, config.keep_days, config.keep_weeks))
    return made


def configured_key(config: Backups) -> bytes | None:
    """The key that backups are sealed with, if one is configured. Raises as `key_in`."""
    return key_in(Path(config.key_file)) if config.key_file else None


def key_in(file: Path) -> bytes:
    """Read a key: 64 hex digits. Raises ``ValueError``, without any of what the file holds, and ``OSError``."""
    text = file.read_text().strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError(f"{file} does not hold a key of 64 hex digits (openssl rand -hex 32 makes one)")
    return key


def _beside(place: Place) -> list[Path]:
    """Everything in the data folder that belongs into a backup beside the database."""
    return sorted(
        file
        for file in place.data.iterdir()
        if file.is_file()
        and not file.name.startswith((".", f"{DATABASE}", *MADE_ANEW))
        and rules.made_at(file.name) is None
    )


def _content(file: Path) -> Content:
    with file.open("rb") as opened:
        return Content(file.stat().st_size, file_digest(opened, "sha256").hexdigest())


@contextmanager
def _tar(sink: sealed.Sink) -> Iterator[tarfile.TarFile]:
    """A tar that is packed lightly: a database shrinks to about a third, and the box serves meanwhile."""
    with (
        gzip.GzipFile(mode="wb", compresslevel=1, fileobj=sink, mtime=0) as packed,  # type: ignore[call-overload]
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        yield tar


def _add(tar: tarfile.TarFile, name: str, content: io.BufferedIOBase | io.BytesIO, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    tar.addfile(entry, content)


def _unpack(path: Path, scratch: Path, key: bytes | None) -> Manifest:
    """Unpack a backup and prove what is in it; its manifest says what that must be."""
    try:
        with sealed.reading(path, key) as stream, tarfile.open(fileobj=stream, mode="r|gz") as tar:
            first = tar.next()
            said = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
            if said is None:
                raise NotWhole(f"{path.name} has no manifest.")
            manifest = msgspec.json.decode(said.read(), type=Manifest)
            if manifest.format != FORMAT:
                raise NotWhole(f"{path.name} was written by another release of arena (format {manifest.format}).")
            while (entry := tar.next()) is not None:
                content = tar.extractfile(entry)
                if entry.name not in manifest.files or content is None or Path(entry.name).name != entry.name:
                    raise NotWhole(f"{path.name} holds something that its manifest does not name.")
                with (scratch / entry.name).open("xb") as written:
                    shutil.copyfileobj(content, written, 1024 * 1024)
    except (tarfile.TarError, EOFError, msgspec.MsgspecError, OSError) as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            raise
        raise NotWhole(f"{path.name} cannot be unpacked ({problem}).") from problem
    for name, told in manifest.files.items():
        file = scratch / name
        if not file.is_file() or _content(file) != told:
            raise NotWhole(f"{name} in {path.name} is not what its manifest says.")
    _prove(scratch / DATABASE, manifest, path.name)
    return manifest


def _prove(database: Path, manifest: Manifest, name: str) -> None:
    try:
        with closing(sqlite.connect(database, readonly=True)) as conn:
            problem, counted = store.problem(conn), sqlite.count_rows(conn)
    except sqlite3.DatabaseError as error:
        raise NotWhole(f"The database in {name} cannot be read ({error}).") from error
    if problem is not None:
        raise NotWhole(f"The database in {name} is damaged: {problem}.")
    if counted != manifest.rows:
        raise NotWhole(f"The database in {name} does not hold as many rows as were counted when it was written.")


def _set_aside(place: Place, now: int) -> Path | None:
    """Keep what a restore replaces. The database stays where it is until another takes its place in one step."""
    there = [file for file in place.data.iterdir() if file.is_file() and not file.name.startswith((".", "lock"))]
    if not there:
        return None
    kept = place.data / f"{KEPT_BACK}{rules.name_of(now)[6:-7]}"
    kept.mkdir(mode=0o700)
    try:
        with closing(sqlite.connect(place.database)) as conn:
            store.come_to_rest(conn)
    except sqlite3.DatabaseError:
        pass  # that it cannot be read may be why somebody restores
    for file in there:
        if file == place.database:
            os.link(file, kept / file.name)
        elif file.exists():
            move = file.name.startswith(DATABASE)  # a log belongs to its database and to no other
            (shutil.move if move else shutil.copy2)(file, kept / file.name)
    return kept


@contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    """A folder beside what is read or written (None: where the system has such), gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix=".arena-", dir=folder) as made:
        yield Path(made)
