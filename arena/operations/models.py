"""What an administrator asks of the security log, and what is known of the box."""

from collections.abc import Mapping

from msgspec import Struct

from arena.audit.models import Chain, Entry
from arena.core.spread import Spread
from arena.deliveries.models import Waiting


class Asked(Struct, frozen=True):
    """The filters as they were typed; days are YYYY-MM-DD in the zone of the box, ``to`` included."""

    event: str = ""
    person: str = ""
    address: str = ""
    since: str = ""
    until: str = ""
    words: str = ""


class Log(Struct, frozen=True):
    """A page of the security log, newest first, with the names of whoever is in it as they are now.

    ``names`` holds no id of somebody who is deleted. ``more`` is the place to go on after; ``since`` the time of the
    oldest row there is.
    """

    rows: list[Entry]
    names: dict[str, str]
    more: tuple[int, int] | None
    looked: int
    chain: Chain
    since: int | None


class JobRun(Struct, frozen=True):
    """A run of a job. Times are epoch milliseconds; ``problem`` is empty for a run that did its work."""

    name: str
    started_at: int
    finished_at: int
    did: str | None
    problem: str


class JobState(Struct, frozen=True):
    """How a job stands. Times are epoch milliseconds; who has a claim runs it since ``started_at``."""

    name: str
    due_at: int | None
    """None for a job that runs each minute."""
    claim: str | None
    started_at: int | None
    lease_ends_at: int | None
    attempts: int
    """Failures since it last did its work."""
    done: int
    failed: int


class Facts(Struct, frozen=True):
    """What was seen of a box and its machine. Sizes in bytes, times in epoch milliseconds."""

    version: str
    sqlite: str
    journal: str
    database_size: int
    log_size: int
    """What was committed and not yet moved into the database."""
    queue_size: int
    disk_free: int
    clock_off: int
    """By how many milliseconds the file system's clock differs from the machine's."""
    readable: list[str]
    """Paths that other users of the machine can read."""
    zone: str
    """The time zone that the days in the database were made in."""
    prices_of: str
    """The day that the newest price table is of; empty before there is one."""
    is_served: bool
    started_at: int | None
    """When it was last started to serve."""
    beat_at: int | None
    """When the worker last said that it lives."""
    copied_at: int | None
    """When the newest backup was made that lies in the bucket, too."""
    jobs: list[JobState]
    runs: list[JobRun]
    """The last run of each job."""
    admins: int
    admin_seen_at: int | None
    admin_links: int
    """One-time links that are still open and would make, or let in, an administrator."""
    unused_keys: int
    stranded: list[str]
    """Some people, by name, who have no way in."""
    waiting_since: int | None
    """Since when the message waits to be sent that waits for longest, if one does."""


class Finding(Struct, frozen=True):
    """Something weak about a box, and what to do about it, in one sentence or two."""

    code: str
    sentence: str


class Counted(Struct, frozen=True):
    """What a box counted since it was started, and what is open in it now."""

    requests: Mapping[tuple[str, str, int], Spread]
    """Seconds until an answer began, by method, path template and the status's first digit."""
    kept: Mapping[str, int]
    records: Mapping[tuple[str, str], int]
    refused: Mapping[str, int]
    streams: int
    commits: Spread
    commit_seconds: Spread
    slow_statements: int
    refused_writes: int
    is_damaged: bool
    worker_runs: bool


class Seen(Struct, frozen=True):
    """What is seen in the rows and files of a box. Sizes in bytes, times in epoch milliseconds."""

    files: dict[str, int]
    disk_free: int
    queue: int
    """Tasks that wait."""
    beat_at: int | None
    jobs: list[JobState]
    runs: list[JobRun]
    backups: list[int]
    """When each of them was made."""
    copied_at: int | None
    """When the newest was made that lies in the bucket, too."""
    prices: int
    """The version of the price table."""
    deliveries: Waiting
