"""How rows are chained, and which of many refusals are worth a row."""

from hashlib import sha256

import msgspec

from arena.audit.models import Chain, Entry, Query
from arena.core.addresses import network_of

FIRST_HASH = bytes(32)
"""What the first row of all is chained to."""
HOUR = 3_600_000
STRANGERS = 50
"""Addresses an hour that have a count of their own for an event; all others share one."""


def chained(
    previous: bytes,
    seq: int,
    created_at: int,
    event_type: str,
    user_id: str | None,
    ip_address: str | None,
    user_agent: str | None,
    details: str,
) -> bytes:
    """The hash of a row: SHA-256 over the hash before it and its own content as a JSON array."""
    content = (seq, created_at, event_type, user_id, ip_address, user_agent, details)
    return sha256(previous + msgspec.json.encode(content)).digest()


def problem(previous: bytes, seq: int, entry: Entry) -> str | None:
    """Say in one sentence why a row is not the one that must follow row ``seq``, whose hash is ``previous``."""
    if entry.seq != seq + 1:
        return f"Row {seq + 1} is missing."
    content = (entry.created_at, entry.event_type, entry.user_id, entry.ip_address, entry.user_agent, entry.details)
    if chained(previous, entry.seq, *content) != entry.hash:
        return f"Row {entry.seq} does not fit: it or the row before it was changed, exchanged or put in later."
    return None


def end_problem(chain: Chain, seq: int, hash: bytes, first: int | None, last: int | None) -> tuple[int, str] | None:
    """Say what is wrong with the ends of a chain whose rows fit up to row ``seq``.

    ``first`` and ``last`` are the outermost rows there are. Returns the row that it is about, and the sentence.
    """
    if first is not None and first <= chain.anchor_seq:
        return first, f"Row {first} stands before the beginning of the chain: it was put in later."
    if last is not None and last > chain.head_seq:
        return chain.head_seq + 1, f"Row {chain.head_seq + 1} stands after the head of the chain: it was put in later."
    if seq != chain.head_seq:
        return seq + 1, f"The rows from {seq + 1} to {chain.head_seq}, the newest, are missing."
    if hash != chain.head_hash:
        return seq, f"The head of the chain is not the hash of row {seq}: one of the two was changed."
    return None


def fits(entry: Entry, asked: Query) -> bool:
    """Say whether a row is one that was asked for."""
    if (
        (asked.event and entry.event_type != asked.event)
        or (asked.person and entry.user_id != asked.person)
        or (asked.address and entry.ip_address != asked.address)
        or not asked.since <= entry.created_at < asked.until
    ):
        return False
    if not asked.words:
        return True
    text = f"{entry.event_type} {entry.user_id or ''} {entry.details} {entry.user_agent or ''}".casefold()
    return all(word in text for word in asked.words.casefold().split())


class Tally:
    """Counts what happens again and again, so that whoever keeps knocking cannot fill the log.

    Of one event and one person, key or address, the 1st, 10th, 100th ... time in an hour are worth a row, each saying
    which time it was. So the size of an attack is known to a power of ten, and costs the log seven rows an hour, not
    ten million. Only so many addresses have a count of their own; a crowd shares one.
    """

    def __init__(self) -> None:
        self._hour = -1
        self._times: dict[tuple[str, str], int] = {}
        self._strangers: dict[str, int] = {}

    def known(self, event: str, who: str, now: int, first: int = 1) -> int | None:
        """Count an event of a person or key (by id); return which time it was if that is worth a row.

        ``first`` is how many are worth one before it is only powers of ten.
        """
        self._turn(now)
        times = self._times[event, who] = self._times.get((event, who), 0) + 1
        return times if times <= first or str(times).rstrip("0") == "1" else None

    def stranger(
        self, event: str, address: str | None, now: int, of: str = "", first: int = 1
    ) -> tuple[int, bool] | None:
        """Count an event of nobody known; return which time it was, and whether of this address, if worth a row.

        One network of IPv6 (/64, what a single line is given) is one address. ``of`` is the id of whom it is aimed
        at, if that is known: each has counts of their own.
        """
        self._turn(now)
        what, who = f"{event} {of}", network_of(address)
        if (what, who) not in self._times:
            if self._strangers.get(what, 0) >= STRANGERS:
                times = self.known(what, "many addresses", now)
                return None if times is None else (times, False)
            self._strangers[what] = self._strangers.get(what, 0) + 1
        times = self.known(what, who, now, first)
        return None if times is None else (times, True)

    def _turn(self, now: int) -> None:
        hour = now // HOUR
        if hour != self._hour:
            self._hour = hour
            self._times.clear()
            self._strangers.clear()
