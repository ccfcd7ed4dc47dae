"""Write down what happened, take away what is old, and prove that nothing else was touched."""

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from arena.audit import rules, store
from arena.audit.models import EVENTS, Caller, Chain, Entry, Found, Note, Query, Verdict
from arena.audit.rules import Tally
from arena.core.clock import DAY
from arena.core.db import Database

PAGE = 5_000
"""Rows that are read or deleted at once."""
LOOKED_AT = 20_000
"""Rows that one search looks at before it says how to go on: about 50 ms."""


def note(conn: sqlite3.Connection, event: str, user_id: str | None, caller: Caller, now: int, **details: Any) -> None:
    """Append an event in the caller's own transaction, so that it is written exactly when the deed is.

    ``user_id`` is whom it is about. A row outlives its person, so details hold ids, prefixes and numbers: nothing
    that a person typed, no name, no secret; what is None is left out. Whoever notes in the same commit, from this
    process or another, waits for the write lock, so that the chain has one end.
    """
    note_all(conn, [Note(event, user_id, caller, now, details)])


def note_all(conn: sqlite3.Connection, notes: Iterable[Note]) -> None:
    """Append several events; where the chain ends is read and written once for all of them."""
    chain = store.chain(conn)
    seq, hash = chain.head_seq, chain.head_hash
    entries: list[Entry] = []
    for each in notes:
        if each.event not in EVENTS:
            raise ValueError(f"{each.event!r} is not an event that arena.audit.models knows")
        seq += 1
        content = (
            each.now,
            each.event,
            each.user_id,
            each.caller.address[:45] if each.caller.address else None,
            each.caller.agent[:300] if each.caller.agent else None,
            msgspec.json.encode({name: value for name, value in each.details.items() if value is not None}).decode(),
        )
        hash = rules.chained(hash, seq, *content)
        entries.append(Entry(seq, *content, hash))
    if entries:
        store.add(conn, entries)
        store.set_head(conn, seq, hash)


def seldom(
    tally: Tally,
    event: str,
    user_id: str | None,
    caller: Caller,
    now: int,
    *,
    who: str | None = None,
    first: int = 1,
    **details: Any,
) -> Callable[[sqlite3.Connection], None] | None:
    """Make ready to note what may happen again and again, if this time is worth a row: see `Tally`, also for ``first``.

    It is counted by ``who``, the id of a person or key, and without one by the caller's address. A row after the
    first ones of an hour says which time it was; one of a crowd of addresses names none of them.
    """
    if who is not None:
        times, is_alone = tally.known(event, who, now, first), True
    else:
        times, is_alone = tally.stranger(event, caller.address, now, user_id or "", first) or (None, True)
    if times is None:
        return None
    details["times"] = times if times > first or not is_alone else None
    caller = caller if is_alone else Caller()
    return partial(note, event=event, user_id=user_id, caller=caller, now=now, **details)


def prune(db: Database, *, days: int, now: int) -> int:
    """Take away the beginning of the log that is older than so many days (0: nothing); return how many rows that were.

    The last row's number and hash stay as the chain's anchor. Rows go in the order of the chain, so one with a time
    far ahead (a clock that was wrong) keeps those behind it. (From a thread: it waits; a write for each few thousand.)
    """
    gone = 0
    if not days:
        return gone
    while dropped := db.write_sync(partial(_prune_some, before=now - days * DAY)):
        gone += dropped
    return gone


def old(conn: sqlite3.Connection, *, days: int, now: int) -> int:
    """How many rows `prune` would take away just now."""
    if not days:
        return 0
    count, seq = 0, store.chain(conn).anchor_seq
    while rows := store.following(conn, seq, PAGE):
        for entry in rows:
            if entry.created_at >= now - days * DAY:
                return count
            count += 1
        seq = rows[-1].seq
    return count


def verify(db: Database) -> Verdict:
    """Walk along the whole chain and say where it is broken first, if it is. (From a thread: it waits.)

    A change, a swap, an insertion or a removal of rows is seen, at either end too. Who can write the file can also
    make the whole chain anew: only a head that was noted elsewhere shows that (`stands`).
    """
    start = db.read_sync(store.chain)
    seq, hash = start.anchor_seq, start.anchor_hash
    while True:
        chain, first, last, rows = db.read_sync(partial(_page, seq=seq))
        if chain.anchor_seq > start.anchor_seq:  # retention took the beginning away meanwhile
            return verify(db)
        verdict = Verdict(seq - start.anchor_seq, start.anchor_seq + 1, chain.head_seq, chain.head_hash.hex())
        for entry in rows:
            if problem := rules.problem(hash, seq, entry):
                rows_before = seq - start.anchor_seq
                return msgspec.structs.replace(verdict, rows=rows_before, broken=seq + 1, problem=problem)
            seq, hash = entry.seq, entry.hash
        if rows and seq < chain.head_seq:
            continue
        verdict = msgspec.structs.replace(verdict, rows=seq - start.anchor_seq)
        if broken := rules.end_problem(chain, seq, hash, first, last):
            return msgspec.structs.replace(verdict, broken=broken[0], problem=broken[1])
        return verdict


def stands(conn: sqlite3.Connection, *, seq: int, hash: str) -> str | None:
    """Compare a head that was noted earlier; say in one sentence why the log does not hold it any more."""
    chain = store.chain(conn)
    if seq < chain.anchor_seq:
        return f"Row {seq} was taken away by retention; the chain begins at row {chain.anchor_seq + 1}."
    found = chain.anchor_hash if seq == chain.anchor_seq else _hash_of(store.entry(conn, seq))
    if found is None:
        return f"There is no row {seq} any more: the log was cut off, or an older copy stands in its place."
    return None if found.hex() == hash else f"Row {seq} has another hash: the log was written anew."


def search(conn: sqlite3.Connection, asked: Query, *, limit: int, after: tuple[int, int] | None = None) -> Found:
    """Find rows, newest first, from the place after which to go on.

    The rarest condition leads, by its index; the others are tried on what it finds. Stops at so many rows, or when
    it has looked at as many as may take a moment, however large the log is.
    """
    at, seq = after or (asked.until, 0)
    if asked.person:
        rows = store.newest_of_person(conn, asked.person, asked.since, at, seq)
    elif asked.address:
        rows = store.newest_of_address(conn, asked.address, asked.since, at, seq)
    elif asked.event:
        rows = store.newest_of_event(conn, asked.event, asked.since, at, seq)
    else:
        rows = store.newest(conn, asked.since, at, seq)
    found: list[Entry] = []
    looked = 0
    place: tuple[int, int] | None = None
    for row in rows:
        if len(found) == limit or looked == LOOKED_AT:
            return Found(found, place, looked)
        looked += 1
        place = row.created_at, row.seq
        if rules.fits(row, asked):
            found.append(row)
    return Found(found, None, looked)


def _hash_of(entry: Entry | None) -> bytes | None:
    return entry.hash if entry else None


def _page(conn: sqlite3.Connection, seq: int) -> tuple[Chain, int | None, int | None, list[Entry]]:
    return (store.chain(conn), *store.ends(conn), store.following(conn, seq, PAGE))


def _prune_some(conn: sqlite3.Connection, before: int) -> int:
    old: Entry | None = None
    for entry in store.following(conn, store.chain(conn).anchor_seq, PAGE):
        if entry.created_at >= before:
            break
        old = entry
    if old is None:
        return 0
    store.set_anchor(conn, old.seq, old.hash)
    return store.drop_until(conn, old.seq)
