"""One file that proves itself: a digest of everything in it, and, with a key, nothing that others can read.

It begins with a line that says what it is, then the SHA-256 of all that follows. Sealed, what follows is AES-256-GCM
in blocks: each carries its number and whether it is the last, so none can be changed, exchanged, repeated or cut off.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Protocol

MAGIC = {False: b"arena-backup 1 plain\n", True: b"arena-backup 1 sealed\n"}
BLOCK = 1024 * 1024
DIGEST = 32
TAG = 16
NONCE = 12


class NotWhole(Exception):
    """The file is not what was written; one sentence why."""


class Sink(Protocol):
    """What can be written to."""

    def write(self, data: bytes, /) -> int:
        """Take all of it."""


@contextmanager
def writing(path: Path, key: bytes | None) -> Iterator[Sink]:
    """Write a file; it is there, whole and on disk, only after the block ended well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            magic = MAGIC[key is not None]
            file.write(magic + bytes(DIGEST))
            digest = _Digest(file)
            sink = _Sealing(digest, key) if key is not None else digest
            yield sink
            if isinstance(sink, _Sealing):
                sink.close()
            file.seek(len(magic))
            file.write(digest.sum.digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(path: Path, key: bytes | None) -> Iterator[IO[bytes]]:
    """Read what was written, after its digest was found right.

    Raises `NotWhole` for a file that was changed, cut off or is none of ours, and for a sealed one without its key.
    """
    with path.open("rb") as file:
        magic = file.readline(64)
        if magic not in MAGIC.values():
            raise NotWhole(f"{path.name} is not a backup of arena.")
        told, start = file.read(DIGEST), file.tell()
        found = sha256()
        while block := file.read(BLOCK):
            found.update(block)
        if found.digest() != told:
            raise NotWhole(f"{path.name} is damaged: what is in it is not what was written.")
        file.seek(start)
        if magic == MAGIC[False]:
            yield file
        elif key is None:
            raise NotWhole(f"{path.name} is sealed; its key is needed ([backups] key_file).")
        else:
            yield _Opening(file, key, path.name)  # type: ignore[misc]


class _Digest:
    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sum = sha256()

    def write(self, data: bytes, /) -> int:
        self.sum.update(data)
        return self.file.write(data)


class _Sealing:
    """Gathers blocks and seals each; the last one, even an empty one, says that it is the last."""

    def __init__(self, sink: Sink, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._sink = sink
        self._cipher = AESGCM(key)
        self._prefix = os.urandom(NONCE - 4)
        self._number = 0
        self._waiting = bytearray()
        sink.write(self._prefix)

    def write(self, data: bytes, /) -> int:
        self._waiting += data
        while len(self._waiting) > BLOCK:
            self._seal(bytes(self._waiting[:BLOCK]), last=False)
            del self._waiting[:BLOCK]
        return len(data)

    def close(self) -> None:
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, block: bytes, *, last: bool) -> None:
        nonce = self._prefix + self._number.to_bytes(4)
        self._sink.write(self._cipher.encrypt(nonce, block, b"last" if last else b"more"))
        self._number += 1


class _Opening:
    """Reads sealed blocks as the stream they were."""

    def __init__(self, file: IO[bytes], key: bytes, name: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._file = file
        self._cipher = AESGCM(key)
        self._name = name
        self._prefix = file.read(NONCE - 4)
        self._number = 0
        self._next = file.read(BLOCK + TAG)
        self._plain = b""
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as asked for unless it ends before."""
        parts, wanted = [], size if size >= 0 else 1 << 62
        while wanted and (self._at < len(self._plain) or self._open()):
            part = self._plain[self._at : self._at + wanted]
            self._at += len(part)
            wanted -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _open(self) -> bool:
        from cryptography.exceptions import InvalidTag

        if not self._next:
            return False
        block, self._next = self._next, self._file.read(BLOCK + TAG)
        nonce = self._prefix + self._number.to_bytes(4)
        try:
            self._plain = self._cipher.decrypt(nonce, block, b"more" if self._next else b"last")
        except InvalidTag as problem:
            raise NotWhole(f"{self._name} does not open with this key.") from problem
        self._at = 0
        self._number += 1
        return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
