"""All SQL of the audit room. Rows are added at the end and taken away from the beginning; triggers refuse the rest."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from arena.audit.models import Chain, Entry


def chain(conn: sqlite3.Connection) -> Chain:
    """Where the chain begins and ends."""
    row = conn.execute(
        "SELECT anchor_seq, anchor_hash, head_seq, head_hash FROM security_audit_chain WHERE one = 1"
    ).fetchone()
    return Chain(*row)


def add(conn: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Append rows."""
    rows: Any = entries  # our connections take objects as they are
    conn.executemany(
        """
        INSERT INTO security_audit_log
            (seq, created_at, event_type, user_id, ip_address, user_agent, details, hash)
        VALUES (:seq, :created_at, :event_type, :user_id, :ip_address, :user_agent, :details, :hash)
        """,
        rows,
    )


def set_head(conn: sqlite3.Connection, seq: int, hash: bytes) -> None:
    """Note which row is the newest."""
    conn.execute(
        "UPDATE security_audit_chain SET head_seq = :seq, head_hash = :hash WHERE one = 1", {"seq": seq, "hash": hash}
    )


def following(conn: sqlite3.Connection, seq: int, limit: int) -> list[Entry]:
    """The rows that follow another, in the order of the chain."""
    rows = conn.execute(
        """
        SELECT seq, created_at, event_type, user_id, ip_address, user_agent, details, hash
        FROM security_audit_log WHERE seq > :seq
        ORDER BY seq LIMIT :limit
        """,
        {"seq": seq, "limit": limit},
    )
    return [Entry(*row) for row in rows]


def entry(conn: sqlite3.Connection, seq: int) -> Entry | None:
    """One row."""
    row = conn.execute(
        """
        SELECT seq, created_at, event_type, user_id, ip_address, user_agent, details, hash
        FROM security_audit_log WHERE seq = :seq
        """,
        {"seq": seq},
    ).fetchone()
    return Entry(*row) if row else None


def ends(conn: sqlite3.Connection) -> tuple[int | None, int | None]:
    """The first and the last row there are."""
    first = conn.execute("SELECT MIN(seq) FROM security_audit_log").fetchone()
    last = conn.execute("SELECT MAX(seq) FROM security_audit_log").fetchone()
    return first[0], last[0]


def set_anchor(conn: sqlite3.Connection, seq: int, hash: bytes) -> None:
    """Let the chain begin after a row."""
    conn.execute(
        "UPDATE security_audit_chain SET anchor_seq = :seq, anchor_hash = :hash WHERE one = 1",
        {"seq": seq, "hash": hash},
    )


def drop_until(conn: sqlite3.Connection, seq: int) -> int:
    """Delete the rows up to the one that the chain begins after; return how many there were."""
    return conn.execute("DELETE FROM security_audit_log WHERE seq <= :seq", {"seq": seq}).rowcount


# -- newest first, one statement for each index


def newest(conn: sqlite3.Connection, since: int, at: int, seq: int) -> Iterator[Entry]:
    """All rows before a place (an instant and a row), not older than ``since``."""
    rows = conn.execute(
        """
        SELECT seq, created_at, event_type, user_id, ip_address, user_agent, details, hash
        FROM security_audit_log
        WHERE created_at >= :since AND (created_at, seq) < (:at, :seq)
        ORDER BY created_at DESC, seq DESC
        """,
        {"since": since, "at": at, "seq": seq},
    )
    return (Entry(*row) for row in rows)


def newest_of_event(conn: sqlite3.Connection, event_type: str, since: int, at: int, seq: int) -> Iterator[Entry]:
    """The same, of one event."""
    rows = conn.execute(
        """
        SELECT seq, created_at, event_type, user_id, ip_address, user_agent, details, hash
        FROM security_audit_log
        WHERE event_type = :event_type AND created_at >= :since AND (created_at, seq) < (:at, :seq)
        ORDER BY created_at DESC, seq DESC
        """,
        {"event_type": event_type, "since": since, "at": at, "seq": seq},
    )
    return (Entry(*row) for row in rows)


def newest_of_person(conn: sqlite3.Connection, user_id: str, since: int, at: int, seq: int) -> Iterator[Entry]:
    """The same, of one person."""
    rows = conn.execute(
        """
        SELECT seq, created_at, event_type, user_id, ip_address, user_agent, details, hash
        FROM security_audit_log
        WHERE user_id = :user_id AND created_at >= :since AND (created_at, seq) < (:at, :seq)
        ORDER BY created_at DESC, seq DESC
        """,
        {"user_id": user_id, "since": since, "at": at, "seq": seq},
    )
    return (Entry(*row) for row in rows)


def newest_of_address(conn: sqlite3.Connection, ip_address: str, since: int, at: int, seq: int) -> Iterator[Entry]:
    """The same, of one address."""
    rows = conn.execute(
        """
        SELECT seq, created_at, event_type, user_id, ip_address, user_agent, details, hash
        FROM security_audit_log
        WHERE ip_address = :ip_address AND created_at >= :since AND (created_at, seq) < (:at, :seq)
        ORDER BY created_at DESC, seq DESC
        """,
        {"ip_address": ip_address, "since": since, "at": at, "seq": seq},
    )
    return (Entry(*row) for row in rows)


def sizes(conn: sqlite3.Connection) -> dict[str, int]:
    """How many rows the log has: the chain knows without counting."""
    found = chain(conn)
    return {"security_audit_log": found.head_seq - found.anchor_seq}
