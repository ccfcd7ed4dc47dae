"""Turns what the ledger holds unsent into requests, and notes in the ledger what became of each."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from arena.client import ledger
from arena.client.counting import decode_copies, decode_stretches, homes_of_sessions, module
from arena.client.home import keyed_hash
from arena.client.models import Copy, Figures, Stretch, size, total
from arena.wire import (
    RECORDS_PER_REQUEST,
    SESSIONS_PER_REQUEST,
    Record,
    RecordProblem,
    SessionReport,
    UsageAnswer,
    UsageReport,
)

DAY = 86_400_000
"""Milliseconds."""

_encode = msgspec.msgpack.Encoder().encode
_decode_figures = msgspec.msgpack.Decoder(list[Figures]).decode


class Outbox(msgspec.Struct):
    """What of one transcript is not yet sent, and what was refused."""

    file: int
    unsent: set[bytes]
    refused: dict[bytes, str]


class Batch(msgspec.Struct):
    """One request, and for each of its sessions the transcript that it came from."""

    report: UsageReport
    boxes: list[Outbox] = []
    size: int = 0

    def __len__(self) -> int:
        return self.size


class Totals:
    """Sums per day (UTC) and model, each response once."""

    def __init__(self) -> None:
        self._best: dict[bytes, Figures] = {}

    def add(self, copies: Sequence[Figures]) -> None:
        """Take in what one transcript says."""
        best = self._best
        for new in copies:
            old = best.setdefault(new.key, new)
            if old is not new:
                larger, at = new if size(new) > size(old) else old, min(old.at, new.at)
                best[new.key] = larger if larger.at == at else msgspec.structs.replace(larger, at=at)

    def rows(self) -> list[dict[str, int | str]]:
        """Sum up; a sidechain's copy of a main-chain message is not a response of its own.

        ``tokens_unknown`` counts the responses whose tool does not keep their tokens.
        """
        best = self._best
        side = any(copy.sidechain for copy in best.values())
        main = {key[:8] for key, copy in best.items() if not copy.sidechain} if side else set()
        sums: dict[tuple[int, str], list[int]] = {}
        for key, copy in best.items():
            if copy.sidechain and key[:8] in main:
                continue
            bucket = (copy.at // DAY, copy.model)
            row = sums.get(bucket)
            if row is None:
                row = sums[bucket] = [0] * 7
            row[0] += copy.input
            row[1] += copy.output
            row[2] += copy.cache_write_5m
            row[3] += copy.cache_write_1h
            row[4] += copy.cache_read
            row[5] += 1
            row[6] += not total(copy)
        names = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read", "responses", "tokens_unknown")
        return [
            {"day": _day(day), "model": model, **dict(zip(names, row, strict=True))}
            for (day, model), row in sorted(sums.items())
        ]


def batches(
    conn: sqlite3.Connection,
    tools: list[str],
    since: int = 0,
    excluded: frozenset[int] = frozenset(),
    only: set[int] | None = None,
    totals: Totals | None = None,
) -> Iterator[Batch]:
    """Make requests of what waits, none larger than the box takes; ``since`` is an instant, ``only`` transcripts."""
    machine = keyed_hash("machine")
    projects = _projects(conn)
    batch = Batch(UsageReport([], machine))
    for counts in ledger.unsent(conn, only):
        if counts.tool not in tools or counts.file in excluded:
            continue
        box, copies = _waiting(counts, since)
        if totals is not None:
            totals.add(copies)
        collector = module(counts.tool).COLLECTOR
        stretches = decode_stretches(counts.stretches)
        for number, mine in _by_session(copies).items():
            rest = mine
            while rest:
                room = RECORDS_PER_REQUEST - batch.size
                part, rest = rest[:room], rest[room:]
                records = [_record(copy) for copy in part]
                batch.report.sessions.append(_report(counts.tool, stretches[number], projects, collector, records))
                batch.boxes.append(box)
                batch.size += len(part)
                if batch.size >= RECORDS_PER_REQUEST or len(batch.boxes) >= SESSIONS_PER_REQUEST:
                    yield batch
                    batch = Batch(UsageReport([], machine))
    if batch.size:
        yield batch


def summed(
    conn: sqlite3.Connection, tools: list[str], since: int, excluded: frozenset[int], totals: Totals
) -> tuple[int, int]:
    """Add up what waits, without making requests of it; says how many records of how many sessions there are."""
    records = 0
    sessions: set[str] = set()
    for counts in ledger.unsent(conn):
        if counts.tool not in tools or counts.file in excluded:
            continue
        if counts.unsent == ledger.ALL and not since:
            copies: Sequence[Figures] = _decode_figures(counts.copies)
        else:
            _, copies = _waiting(counts, since)
        totals.add(copies)
        records += len(copies)
        stretches = decode_stretches(counts.stretches)
        sessions.update(stretches[number].session for number in {copy.session for copy in copies})
    return records, len(sessions)


def settle(conn: sqlite3.Connection, batch: Batch, answer: UsageAnswer) -> list[RecordProblem]:
    """Note what the box has now, and what it refused: that waits for ``--full`` or until it changes."""
    wrong: dict[tuple[int, int], str] = {}
    real = []
    for problem in answer.problems:
        if 0 <= problem.session < len(batch.boxes):
            wrong[problem.session, problem.record] = problem.reason
            real.append(problem)
    touched: dict[int, Outbox] = {}
    for number, (session, box) in enumerate(zip(batch.report.sessions, batch.boxes, strict=True)):
        touched[box.file] = box
        for place, record in enumerate(session.records):
            key = bytes.fromhex(record.key)
            box.unsent.discard(key)
            reason = wrong.get((number, place)) or wrong.get((number, -1))
            if reason:
                box.refused[key] = reason
            else:
                box.refused.pop(key, None)
    conn.execute("begin immediate")
    for box in touched.values():
        unsent = b"".join(sorted(box.unsent)) or None
        ledger.put_sent(conn, box.file, unsent, _encode(box.refused) if box.refused else None)
    conn.execute("commit")
    return real


def waiting(conn: sqlite3.Connection, excluded: set[int]) -> tuple[int, int]:
    """Count what waits to be sent and what the box refused."""
    unsent = refused = 0
    for counts in ledger.every(conn):
        if counts.file in excluded:
            continue
        if counts.unsent == ledger.ALL:
            unsent += len(decode_copies(counts.copies))
        elif counts.unsent:
            unsent += len(counts.unsent) // 16
        if counts.refused:
            refused += len(msgspec.msgpack.decode(counts.refused, type=dict[bytes, str]))
    return unsent, refused


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY // 1000, UTC).strftime("%Y-%m-%d")


def _waiting(counts: ledger.Counts, since: int) -> tuple[Outbox, list[Copy]]:
    copies = decode_copies(counts.copies)
    if counts.unsent == ledger.ALL:
        keys = {copy.key for copy in copies}
    else:
        packed = counts.unsent or b""
        keys = {packed[i : i + 16] for i in range(0, len(packed), 16)}
    refused = msgspec.msgpack.decode(counts.refused, type=dict[bytes, str]) if counts.refused else {}
    return Outbox(counts.file, keys, refused), [copy for copy in copies if copy.key in keys and copy.at >= since]


def _by_session(copies: list[Copy]) -> dict[int, list[Copy]]:
    sessions: dict[int, list[Copy]] = {}
    for copy in copies:
        sessions.setdefault(copy.session, []).append(copy)
    return sessions


def _projects(conn: sqlite3.Connection) -> dict[str, str]:
    homes = homes_of_sessions(conn)
    hashes = {cwd: keyed_hash(cwd) for cwd in set(homes.values())}
    return {session: hashes[cwd] for session, cwd in homes.items()}


def _report(
    tool: str, stretch: Stretch, projects: dict[str, str], collector: str, records: list[Record]
) -> SessionReport:
    return SessionReport(
        tool=tool,
        session=stretch.session,
        started_at=stretch.started_at,
        ended_at=stretch.ended_at,
        records=records,
        project=projects.get(stretch.session, ""),
        collector=collector,
    )


def _record(copy: Copy) -> Record:
    key = copy.key.hex()
    return Record(
        key=key,
        at=copy.at,
        model=copy.model,
        input=copy.input,
        output=copy.output,
        cache_write_5m=copy.cache_write_5m,
        cache_write_1h=copy.cache_write_1h,
        cache_read=copy.cache_read,
        request=key[16:] if copy.has_request else None,
        sidechain=copy.sidechain,
        tools=copy.tools or {},
        lines_added=copy.lines_added,
        lines_deleted=copy.lines_deleted,
        files_created=copy.files_created,
        files_modified=copy.files_modified,
        turns=copy.turns,
        web_searches=copy.web_searches,
        speed=copy.speed,
        service_tier=copy.service_tier,
        region=copy.region,
        cost_recorded=copy.cost_recorded,
        tokens_known=total(copy) > 0,
    )
