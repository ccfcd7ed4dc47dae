"""What the front rooms hand out: the wheel of the laptop's half, and to somebody what the box keeps of them."""

import io
import sqlite3
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from functools import cache, partial
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import msgspec

import arena
from arena.accounts.actions.people import export_user
from arena.audit import store as audit
from arena.audit.models import Entry
from arena.budgets import store as budgets
from arena.chat import store as chat
from arena.core import clock
from arena.core.db import Database
from arena.deliveries import actions as deliveries
from arena.leaderboard import store as rankings
from arena.projects import store as projects
from arena.usage import store as usage

DISTRIBUTION = "arena-box"
LEFT_OUT = ("__pycache__", "templates", "static", "calibration")
"""A laptop shows no pages and judges nothing. What is left is plain Python, whose only requirement is msgspec."""
RECORDS = 5_000
"""Records that are read and written out at once."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@cache
def wheel() -> tuple[str, bytes]:
    """Build the wheel of the running program, the same bytes each time: its file name and its content."""
    package = Path(arena.__file__).parent
    name = f"{DISTRIBUTION.replace('-', '_')}-{arena.__version__}"
    info = f"{name}.dist-info"
    distribution = metadata.distribution(DISTRIBUTION)
    files = {
        f"arena/{file.relative_to(package).as_posix()}": file.read_bytes()
        for file in sorted(package.rglob("*"))
        if file.is_file() and not set(file.relative_to(package).parts) & set(LEFT_OUT)
    }
    files[f"{info}/METADATA"] = (distribution.read_text("METADATA") or "").encode()
    files[f"{info}/entry_points.txt"] = (distribution.read_text("entry_points.txt") or "").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: arena\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return f"{name}-py3-none-any.whl", packed.getvalue()


async def everything_of(db: Database, *, user_id: str, name: str) -> AsyncIterator[bytes]:
    """Write all that the box keeps of a person as one JSON object, piece by piece; no secret is in it.

    Instants are RFC 3339, and epoch milliseconds in ``at`` of records; keys of records are base64. Of records whose
    detail is gone (``closed_records``) the keys are all there is.
    """
    yield await db.read(partial(_but_records, user_id=user_id, name=name))
    for heading, some in ((b',"records":[', _some_records), (b',"closed_records":[', _some_closed_records)):
        yield heading
        after, more = b"", b""
        while True:
            last, piece = await db.read(partial(some, user_id=user_id, after=after))
            if not piece:
                break
            yield more + piece
            after, more = last, b","
        yield b"]"
    yield b"}"


def _but_records(conn: sqlite3.Connection, *, user_id: str, name: str) -> bytes:
    log = audit.newest_of_person(conn, user_id, 0, 2**62, 0)
    closed = usage.closed_days(conn, user_id)
    found = {
        **msgspec.to_builtins(export_user(conn, name=name)),
        "mail_and_messages": msgspec.to_builtins(deliveries.everything_of(conn, user_id)),
        "security_log": [_told(entry) for entry in log],
        "totals": msgspec.to_builtins(usage.user_totals(conn, user_id)),
        "days": msgspec.to_builtins(usage.days(conn, user_id, "", "9999")),
        "rankings": msgspec.to_builtins(rankings.rankings_of_user(conn, user_id)),
        "slack_accounts": msgspec.to_builtins(chat.accounts_of(conn, user_id)),
        "monthly_budget": budgets.person_budget(conn, user_id),
        "project_evaluations": msgspec.to_builtins(projects.everything_of(conn, user_id)),
        "sessions": msgspec.to_builtins(usage.sessions_of_user(conn, user_id)),
        "closed_days": [{**part._asdict(), **msgspec.structs.asdict(sums)} for part, sums in closed],
        "closed_habits": [
            {"project": project, **msgspec.to_builtins(each, str_keys=True)}
            for project, each in usage.habits(conn, user_id).items()
        ],
    }
    return msgspec.json.encode(clock.readable(found))[:-1]


def _told(entry: Entry) -> dict[str, object]:
    """A row as its person may have it: where an administrator came from who did it to them is not theirs to know."""
    left_out = {"hash"} | ({"ip_address", "user_agent"} if "by" in msgspec.json.decode(entry.details) else set())
    return {name: value for name, value in msgspec.to_builtins(entry).items() if name not in left_out}


def _some_records(conn: sqlite3.Connection, *, user_id: str, after: bytes) -> tuple[bytes, bytes]:
    found = usage.some_records_of_user(conn, user_id, after, RECORDS)
    return (found[-1].key, b",".join(map(msgspec.json.encode, found))) if found else (b"", b"")


def _some_closed_records(conn: sqlite3.Connection, *, user_id: str, after: bytes) -> tuple[bytes, bytes]:
    found = usage.some_closed_records(conn, user_id, after, RECORDS)
    return (found[-1], b",".join(map(msgspec.json.encode, found))) if found else (b"", b"")


def _record(files: dict[str, bytes], itself: str) -> bytes:
    """List every file with its hash and size, as the wheel format asks (PEP 427)."""
    lines = []
    for path, content in files.items():
        digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{itself},,", ""]).encode()
