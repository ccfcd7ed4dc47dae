"""The signing secrets: the newest signs, older ones still verify for a while, so that a rotation signs nobody out.

They stand in one file of the data folder, readable by its owner alone, newest first: 64 hex digits a line, and for an
older one the instant (epoch milliseconds) until which it verifies.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from arena.core.config import ConfigError
from arena.core.log import log

LINE = re.compile(r"([0-9a-f]{64})(?: (\d{13}))?")


class Secret(Struct, frozen=True):
    """A secret; an older one verifies until an instant."""

    value: str
    until: int | None = None

    def __repr__(self) -> str:
        """Tell its time, not the secret."""
        return f"Secret(until={self.until})"


class Keyring:
    """The secrets of a file as they are now: whoever holds a keyring notices a rotation at its next use.

    Makes the file if it is not there. Raises `ConfigError` for one that cannot be used. While it is in use, a file that
    cannot be used (any more) changes nothing: what was known last stays.
    """

    def __init__(self, file: Path, now: Callable[[], int]) -> None:
        self._file = file
        self._now = now
        _make(file)
        self._mark = _mark(file)
        self._secrets = read(file)

    @property
    def newest(self) -> str:
        """What signs."""
        return self._current()[0].value

    @property
    def valid(self) -> list[str]:
        """What verifies, newest first."""
        now = self._now()
        return [secret.value for secret in self._current() if secret.until is None or secret.until > now]

    def _current(self) -> list[Secret]:
        with contextlib.suppress(OSError):
            mark = _mark(self._file)
            if mark != self._mark:
                self._mark = mark
                try:
                    self._secrets = read(self._file)
                except (ConfigError, OSError) as problem:
                    log().error("secret", reason=str(problem))
        return self._secrets


def read(file: Path) -> list[Secret]:
    """Read the secrets of a file, newest first. Raises `ConfigError` for anything else, half a file too."""
    found = [LINE.fullmatch(line) for line in file.read_text(errors="replace").splitlines()]
    known = [Secret(line[1], int(line[2]) if line[2] else None) for line in found if line]
    newest = [number for number, each in enumerate(known) if each.until is None]
    if newest != [0] or len(known) < len(found):
        raise ConfigError(
            f"{file} does not hold 64 hex digits a line; restore it from a backup, or remove it for a new one"
        )
    return known


def rotate(file: Path, *, grace: int, now: int) -> list[Secret]:
    """Let a new secret sign, and the older ones verify for so many milliseconds from now; return them all.

    Raises `ConfigError`, with nothing changed, when the file cannot be used or belongs to somebody else.
    """
    with _alone(file.parent):
        _make(file)
        older = [Secret(each.value, min(each.until or now + grace, now + grace)) for each in read(file)]
        owner = file.stat()
        if os.geteuid() not in (0, owner.st_uid):
            raise ConfigError(f"{file} belongs to another user; rotate it as the user who runs `arena serve`")
        known = [Secret(secrets.token_hex(32)), *(each for each in older if each.until and each.until > now)]
        text = "".join(f"{each.value} {each.until}\n" if each.until else f"{each.value}\n" for each in known)
        temporary = _write(file, text)
        if owner.st_uid != os.geteuid():
            os.chown(temporary, owner.st_uid, owner.st_gid)
        temporary.replace(file)
        _sync_folder(file.parent)
        return known


def _make(file: Path) -> None:
    if file.exists():
        return
    temporary = _write(file, f"{secrets.token_hex(32)}\n")
    with contextlib.suppress(FileExistsError):  # another process was first
        os.link(temporary, file)  # never shows half a file
    temporary.unlink()


def _write(file: Path, text: str) -> Path:
    """Write beside the file; whoever calls puts it in its place."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    return temporary


def _mark(file: Path) -> tuple[int, int, int]:
    state = file.stat()
    return state.st_ino, state.st_mtime_ns, state.st_size


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder, so that of two rotations at once each keeps what the other made."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
