"""Where backups are, which of them stay, and their copies elsewhere.

``Where`` is a folder or a bucket; what is asked of a bucket raises `BucketError`.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from arena.backups import rules
from arena.backups.actions.files import HALF, configured_key, make, working_folder
from arena.backups.models import Backup, Keep
from arena.core.buckets import Bucket, BucketError, is_address, taken_apart
from arena.core.clock import DAY
from arena.core.config import S3, Backups, Place

Where = Path | Bucket
HALF_FOR = DAY
"""Milliseconds after which nobody is still writing or sending what was begun."""


def where(text: str, access: S3) -> Where:
    """Tell what somebody means by a folder's name or ``s3://bucket/prefix``. Raises `BucketError`."""
    return Bucket(text, access) if is_address(text) else Path(text)


def backups_in(where: Where) -> list[Backup]:
    """The backups that lie there, the newest first."""
    found = []
    for name, size in _files(where):
        if (made_at := rules.made_at(name)) is not None:
            found.append(Backup(name, made_at, size))
    return sorted(found, key=lambda each: (each.made_at, each.name), reverse=True)


def prune(where: Where, keep: Keep, now: int) -> list[Backup]:
    """Delete the backups that need not be kept, and what somebody who was killed left by half; return the backups."""
    gone = rules.to_prune(backups_in(where), keep)
    if isinstance(where, Bucket):
        for each in gone:
            where.remove(each.name)
        where.remove_halves(now - HALF_FOR, lambda name: rules.made_at(name) is not None)
    else:
        for each in gone:
            (where / each.name).unlink(missing_ok=True)
        _remove_halves(where, now - HALF_FOR)
    return gone


def run(place: Place, config: Backups, now: int) -> Path:
    """Do what the schedule asks for: write a backup, then let those go that need not be kept."""
    folder = place.backups(config.folder)
    made = make(place, folder, now=now, key=configured_key(config))
    prune(folder, kept(config), now)
    _remove_halves(place.data, now - HALF_FOR)
    return made


def copy(place: Place, config: Backups, now: int) -> list[Backup]:
    """Bring the bucket up: send the backups it lacks, the newest first, then let those go that need not be kept.

    Returns what was sent. One that went meanwhile is left out.
    """
    folder, bucket = place.backups(config.folder), Bucket(config.copy_to, config.s3)
    here, there = backups_in(folder), backups_in(bucket)
    needless = rules.to_prune({each.name: each for each in (*there, *here)}.values(), kept(config))
    sent = []
    for each in here:
        if each not in there and each not in needless:
            with suppress(FileNotFoundError):
                bucket.put(folder / each.name, each.name)
                sent.append(each)
    prune(bucket, kept(config), now)
    if newest := max((each.made_at for each in (*there, *sent)), default=0):
        place.copied.write_text(str(newest))
    return sent


def copied_at(place: Place) -> int | None:
    """When the newest backup was made that was seen in the bucket, if any was."""
    try:
        return int(place.copied.read_text())
    except (FileNotFoundError, ValueError):
        return None


def send(place: Place, bucket: Bucket, *, now: int, key: bytes | None = None) -> str:
    """Write a backup into a bucket without keeping it here; return its address."""
    with working_folder(place.data) as scratch:
        made = make(place, scratch, now=now, key=key)
        bucket.put(made, made.name)
    return f"{bucket}/{made.name}"


@contextmanager
def at_hand(file: str, access: S3, folder: Path | None) -> Iterator[Path]:
    """A backup as a file on this machine, while the block lasts: itself, or one fetched from ``s3://`` into a folder.

    Raises `BucketError` when it is not to be had.
    """
    if not is_address(file):
        yield Path(file)
        return
    address, _, name = file.rstrip("/").rpartition("/")
    if rules.made_at(name) is None:
        taken_apart(file)
        raise BucketError(f"{file} names no backup; `arena admin backups list --in {file}` tells which there are.")
    with working_folder(folder) as scratch:
        Bucket(address, access).fetch(name, scratch / name)
        yield scratch / name


def kept(config: Backups) -> Keep:
    """How long backups are kept."""
    return Keep(config.keep_hours, config.keep_days, config.keep_weeks)


def _files(where: Where) -> list[tuple[str, int]]:
    if isinstance(where, Bucket):
        return [(thing.name, thing.size) for thing in where.things()]
    return [(file.name, file.stat().st_size) for file in where.iterdir()] if where.is_dir() else []


def _remove_halves(folder: Path, before: int) -> None:
    for each in folder.glob(f"{HALF}*"):
        if each.stat().st_mtime_ns // 1_000_000 < before:
            shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
