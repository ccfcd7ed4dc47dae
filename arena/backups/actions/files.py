"""Make backups, prove them by restoring, and put one in the place of a box.

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
from functools import partial
from hashlib import file_digest
from pathlib import Path

import msgspec

import arena
from arena.backups import rules, store
from arena.backups.models import FORMAT, Content, Manifest
from arena.core import damage, sealed, sqlite
from arena.core.config import Backups, ConfigError, Place
from arena.core.errors import Unavailable
from arena.core.lock import only_one
from arena.core.sealed import NotWhole

DATABASE, MANIFEST = "arena.db", "manifest.json"
MADE_ANEW = ("address", "listening", "lock", "queue.db", "copied", "damaged")
"""What a box makes again by itself, or says of the database that was there; the queue's loss is harmless."""
HALF = ".arena-"
"""How begins what is not whole yet."""
KEPT_BACK = "before-restore-"
"""How a folder begins to which a restore moves what was there."""


def make(place: Place, folder: Path, *, now: int, key: bytes | None = None, why: str = "") -> Path:
    """Write a backup of a data folder, consistent while the box serves, and return its file once it is on disk.

    Raises ``OSError`` or ``sqlite3.Error`` when there is no room for it, and `Unavailable` for a damaged database, so
    that no bad backup ever takes the place of a good one; then no part of it is left.
    """
    _refuse_damaged(place.database, damage_of(place.database, thorough=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / rules.name_of(now, why)
    with working_folder(folder) as scratch:
        copy = scratch / DATABASE
        with closing(sqlite.connect(place.database)) as conn:
            store.copy_to(conn, copy)
        with closing(sqlite.connect(copy, readonly=True)) as conn:
            if (wrong := store.problem(conn)) is not None:
                raise Unavailable(f"The copy of the database is not sound ({wrong}), so it was not kept.")
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


def damage_of(database: Path, *, thorough: bool = True) -> str:
    """Say what makes no sense in a database; empty if nothing does.

    Marks a damaged one, so that nobody uses it, and takes the mark away from a sound one.
    """
    found = _malformed(partial(sqlite.connect, database, readonly=True), thorough=thorough)
    if found:
        damage.mark(database, found)
    elif thorough:
        damage.unmark(database)
    return found


def is_foreign_log(database: Path) -> bool:
    """Say whether the log beside a database makes no sense together with it. Both stay as they are."""
    return bool(_malformed(partial(sqlite.look_into, database), thorough=True))


def _malformed(open_it: Callable[[], sqlite3.Connection], *, thorough: bool) -> str:
    try:
        with closing(open_it()) as conn:
            return store.malformed(conn, thorough=thorough) or ""
    except sqlite3.DatabaseError as problem:
        if not sqlite.is_damage(problem):
            raise
        return str(problem)


def verify(path: Path, *, key: bytes | None = None) -> Manifest:
    """Restore a backup into a scratch place and prove it: every byte, the database's integrity, every table's rows.

    Raises `NotWhole` with what is wrong.
    """
    with working_folder(path.parent if os.access(path.parent, os.W_OK) else None) as scratch:
        return _unpack(path, scratch, key)


def restore(
    path: Path, place: Place, *, bring_up: Callable[[Path], object], now: int, key: bytes | None = None
) -> Path | None:
    """Put a backup in the place of what is in a data folder; return the folder to which that was moved, if any was.

    It is proved and brought to this release's schema first (``bring_up``), beside what is there; the database then
    takes its place in one step. Raises `Held` while a box serves the folder, `NotWhole`, and `NewerSchema`.
    """
    with only_one(place.data), working_folder(place.data) as scratch:
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


def _refuse_damaged(database: Path, found: str) -> None:
    if found:
        raise Unavailable(f"{database} is damaged ({found}), so it is not backed up. Restore the last good backup.")


def configured_key(config: Backups) -> bytes | None:
    """The key that backups are sealed with, if one is configured. Raises `ConfigError`."""
    return key_in(Path(config.key_file)) if config.key_file else None


def key_in(file: Path) -> bytes:
    """Read a key: 64 hex digits. Raises `ConfigError`, without any of what the file holds."""
    try:
        key = bytes.fromhex(file.read_text().strip())
    except OSError as problem:
        raise ConfigError(f"[backups] key_file: {file} cannot be read ({problem.strerror})") from problem
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(f"{file} does not hold a key of 64 hex digits (openssl rand -hex 32 makes one)")
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
def working_folder(folder: Path | None) -> Iterator[Path]:
    """A folder beside what is read or written (None: where the system has such), gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix=HALF, dir=folder) as made:
        yield Path(made)
