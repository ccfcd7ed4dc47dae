"""P12: bytes of disk that a usage record takes, and what is left of it after retention.

    python tests/bench/disk.py                     # --records 100000 for a quick look

Invented people work for four months; what their tools note is recorded by the box's own actions: each session is a
report, a third of them come in two parts, one in fifty is sent again. The size is that of the database file, less
what an empty box takes; sessions, sums and daily rows are in it. Retention then closes what is older than 90 days.
SQLite keeps the room that becomes free for what comes next, so the file stays as large; a compact copy, as a backup
holds it, shows what is left. At last everything is sent again.
"""

# isort: skip_file
# `arena.core.sqlite` first: it chooses the SQLite library.
from arena.core import sqlite

import argparse
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import measure
from measure import heading, table

from arena.accounts import store as accounts
from arena.core import clock, config, ids, log
from arena.core.clock import Days
from arena.core.config import Retention
from arena.core.db import Database
from arena.core.migrate import migrate
from arena.prices.actions import load_shipped
from arena.rooms import schemas
from arena.usage.actions.costs import apply_prices
from arena.usage.actions.records import record
from arena.usage.actions.retention import retain
from arena.usage.models import TOOL_BY_ID, Report, Road
from arena.wire import Record, record_key, session_hash, short_hash

PEOPLE = 20
DAYS = 120
"""So a quarter of it is older than detail is kept."""
RESPONSES = 60
"""Of a session, on average."""
MODELS = (
    ("claude-code", ("claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"), (6, 2, 2)),
    ("codex", ("gpt-5.1-codex", "gpt-5.1"), (8, 2)),
    ("gemini", ("gemini-2.5-pro",), (1,)),
)
SHARES = (7, 2, 1)
CALLS = ("Bash", "Read", "Edit", "Grep", "Write", "TodoWrite", "WebFetch", "Task", "mcp")
OFTEN = (30, 30, 20, 8, 5, 3, 1, 1, 2)


def main() -> None:
    """Fill a box, let retention run, and tell the sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    records: int = parser.parse_args().records
    log.configure("warning")
    with measure.scratch() as scratch:
        place, now = config.place(scratch), clock.now()
        migrate(place.database, schemas())
        empty = _used(place.database)
        heading(f"P12: {records:,} records of {PEOPLE} people in {DAYS} days")
        db = Database(place.database)
        people = join(db, now)
        cpu = [_cpu(partial(fill, db, people, records, now))]
        full, compact = _used(place.database) - empty, _compact(place.database, scratch) - empty
        began = time.process_time()
        closed = retain(db, Retention(), days=Days("UTC"), now=now, pause=0)
        cpu.append(time.process_time() - began)
        count = closed.rows["usage_records"]
        left, identities = _compact(place.database, scratch) - empty, _size_of_identities(scratch)
        cpu.append(_cpu(partial(fill, db, people, records, now)))
        db.close_sync()
    table(
        ("", "records", "MiB", "bytes a record", "target"),
        [
            ["before retention", f"{records:,}", *_size(full, records), "<= 250"],
            ["before retention, compact", f"{records:,}", *_size(compact, records), "-"],
            ["after retention, compact", f"{records:,}", *_size(left, records), "-"],
            ["of it identities of closed records", f"{count:,}", *_size(identities, count), "-"],
        ],
    )
    new, closing, again = cpu[0] / records, cpu[1] / count, cpu[2] / records
    print(f"\nCPU: {1e6 * new:.0f} us a new record, {1e6 * closing:.0f} us to close one ({closed.writes:,} writes),")
    print(f"{1e6 * again:.0f} us for one that is sent again afterwards.")


def join(db: Database, now: int) -> list[str]:
    """Make the people who work, and let prices be known; return their ids."""
    db.write_sync(partial(load_shipped, now=now))
    apply_prices(db, days=Days("UTC"), now=now)
    people = [ids.uuid7() for _ in range(PEOPLE)]
    for number, id in enumerate(people):
        db.write_sync(partial(_join, id=id, name=f"worker-{number}", now=now))
    return people


def fill(db: Database, people: list[str], records: int, now: int) -> None:
    """Record what people did, day by day."""
    rng, days = random.Random(1), Days("UTC")
    for user_id, reports in work(rng, people, records, now):
        for report in reports:
            db.write_sync(partial(_take, user_id=user_id, report=report, days=days, now=report.ended_at))


def work(rng: random.Random, people: list[str], records: int, now: int) -> Iterator[tuple[str, list[Report]]]:
    """Invent sessions, in the order in which they began, until there are so many records."""
    made, number, sessions = 0, 0, max(1, records // RESPONSES)
    while made < records:
        number += 1
        start = now - DAYS * clock.DAY + int(min(number / sessions, 0.999) * (DAYS - 0.5) * clock.DAY)
        size = min(records - made, max(1, int(rng.expovariate(1 / RESPONSES))))
        made += size
        report = session(rng, number, start, size)
        parts = [report]
        if size > 1 and rng.random() < 1 / 3:
            half = _part(report, report.records[: size // 2])
            parts = [half, _part(report, report.records[size // 2 :])]
        if rng.random() < 1 / 50:
            parts.append(report)
        yield people[rng.randrange(len(people))], parts


def session(rng: random.Random, number: int, start: int, size: int) -> Report:
    """Invent a session."""
    tool, models, weights = rng.choices(MODELS, SHARES)[0]
    model, at, made = rng.choices(models, weights)[0], start, []
    context = rng.randrange(12_000, 25_000)
    for index in range(size):
        at += int(rng.lognormvariate(9.5, 1))
        output = int(rng.lognormvariate(5.5, 1.2)) + 1
        context = min(context + output + rng.randrange(2_000), 190_000)
        uses = rng.random() < 0.75
        edits = uses and rng.random() < 0.3
        claude = tool == "claude-code"
        key = record_key(f"msg_{number}_{index}", f"req_{number}_{index}" if claude else "")
        made.append(
            Record(
                key=key,
                at=at,
                model=model,
                input=rng.randrange(1, 12) if claude else rng.randrange(200, 9_000),
                output=output,
                cache_write_5m=rng.randrange(200, 6_000) if claude else 0,
                cache_read=context,
                request=short_hash(f"req_{number}_{index}") if claude else None,
                sidechain=claude and rng.random() < 0.1,
                tools={rng.choices(CALLS, OFTEN)[0]: 1} if uses else {},
                lines_added=rng.randrange(60) if edits else 0,
                lines_deleted=rng.randrange(20) if edits else 0,
                files_modified=1 if edits else 0,
                turns=1 if index % 9 == 0 else 0,
                speed="standard" if claude else None,
                service_tier="standard" if claude else None,
            )
        )
    return Report(
        tool=TOOL_BY_ID[tool],
        session_hash=session_hash(tool, f"bench-{number}"),
        started_at=start,
        ended_at=at,
        records=made,
        project=short_hash(f"project-{number % 40}"),
        device="laptop",
        collector=f"{tool}/1",
    )


def _part(report: Report, records: list[Record]) -> Report:
    return Report(
        tool=report.tool,
        session_hash=report.session_hash,
        started_at=report.started_at,
        ended_at=records[-1].at,
        records=records,
        project=report.project,
        device=report.device,
        collector=report.collector,
    )


def _join(conn: object, id: str, name: str, now: int) -> None:
    accounts.add_user(conn, id, name, name, "member", None, now)  # type: ignore[arg-type]


def _take(conn: object, user_id: str, report: Report, days: Days, now: int) -> None:
    record(conn, user_id, [report], Road.TRANSCRIPTS, days=days, now=now)  # type: ignore[arg-type]


def _cpu(do: Callable[[], None]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began


def _used(database: Path) -> int:
    """Bytes in pages that hold something."""
    with closing(sqlite.connect(database)) as conn:
        pages, free, size = (
            conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def _compact(database: Path, scratch: Path) -> int:
    """Bytes of a copy without empty places, as a backup holds it."""
    copy = scratch / "copy.db"
    copy.unlink(missing_ok=True)
    with closing(sqlite.connect(database)) as conn:
        conn.execute("VACUUM INTO :copy", {"copy": str(copy)})
    return _used(copy)


def _size_of_identities(scratch: Path) -> int:
    """Bytes that the identities of closed records take in the last copy."""
    copy = scratch / "copy.db"
    full = _used(copy)
    with closing(sqlite.connect(copy)) as conn:
        conn.execute("DROP TABLE closed_records")
    return full - _used(copy)


def _size(size: int, records: int) -> tuple[str, str]:
    return f"{size / 2**20:,.1f}", f"{size / records:.0f}"


if __name__ == "__main__":
    main()
