"""What a write knows of a person's telemetry: which of it transcripts tell as well, and what of a sum is new."""

import sqlite3
from collections.abc import Iterable

import msgspec

from arena.usage import store
from arena.usage.models import Report, Road, StoredRecord
from arena.usage.rules.telemetry import figure_of, has_tokens, is_told_by
from arena.wire import Record


class Telemetry:
    """A person's telemetry beside their transcripts, if they send any (`is_sent`)."""

    def __init__(self, conn: sqlite3.Connection, user_id: str, now: int, *, is_sent: bool) -> None:
        self.conn = conn
        self.user_id = user_id
        self.now = now
        self.is_sent = is_sent
        self.carried: set[bytes] = set()
        """Requests that transcripts of this write carry."""

    def begin(self, rows: Iterable[StoredRecord]) -> None:
        """Note from now on what requests this person's transcripts carry; ``rows`` are those not yet written."""
        if not self.is_sent:
            self.is_sent = True
            store.begin_telemetry(self.conn, self.user_id, Road.TRANSCRIPTS, self.now)
            self.carried.update(row.request for row in rows if row.request and row.road == Road.TRANSCRIPTS)

    def events(self, report: Report) -> Report:
        """Leave out the responses that a transcript tells of, and say which of the others begin a turn."""
        records = [self._turn(each, report) for each in report.records if not self._is_carried(each)]
        return msgspec.structs.replace(report, records=records)

    def metrics(self, report: Report, road: int | None) -> Report:
        """Leave out what the session has by a better road (``road``, None for a new one), and what sums repeat."""
        told = [each for each in report.records if road is None or not is_told_by(road, has_tokens(each))]
        return msgspec.structs.replace(report, records=[new for each in told if (new := self._new(each, report))])

    def close(self) -> None:
        """Note the requests that this write brought."""
        if self.carried:
            store.add_requests(self.conn, self.user_id, sorted(self.carried))

    def _is_carried(self, sent: Record) -> bool:
        if sent.request is None:
            return False
        request = bytes.fromhex(sent.request)
        return request in self.carried or store.is_carried(self.conn, self.user_id, request)

    def _turn(self, sent: Record, report: Report) -> Record:
        prompt, key = report.prompts.get(sent.key), bytes.fromhex(sent.key)
        if prompt is None or store.claim_prompt(self.conn, self.user_id, prompt, key, sent.at) != key:
            return sent
        return msgspec.structs.replace(sent, turns=1)

    def _new(self, sent: Record, report: Report) -> Record | None:
        """By how much a sum rose since it was last told; a sum that fell began anew. A late or repeated one is old."""
        stream = report.streams.get(sent.key)
        if stream is None:
            return sent
        name, value = figure_of(sent)
        at, before = store.stream(self.conn, self.user_id, stream) or (0, 0)
        if sent.at <= at:
            return None
        store.put_stream(self.conn, self.user_id, stream, sent.at, value)
        rise = value - before if value >= before else value
        return msgspec.structs.replace(sent, **{name: rise}) if rise else None
