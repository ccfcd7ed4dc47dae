"""What a backup says of itself, and how long backups are kept."""

from msgspec import Struct

FORMAT = 1


class Content(Struct, frozen=True):
    """A file in a backup: its size in bytes and its SHA-256 in hex."""

    size: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What is in a backup. ``made_at`` is epoch milliseconds; ``rows`` counts the rows of every table."""

    format: int
    made_at: int
    arena: str
    sqlite: str
    files: dict[str, Content]
    rows: dict[str, int]


class Backup(Struct, frozen=True):
    """A backup in a folder: when it was made (epoch milliseconds, to the second) and its size in bytes."""

    name: str
    made_at: int
    size: int


class Keep(Struct, frozen=True):
    """The newest backup of each of the last so many hours, days and weeks (UTC) stays."""

    hours: int
    days: int
    weeks: int
