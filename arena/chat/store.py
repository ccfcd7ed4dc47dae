"""All SQL of the chat room."""

import sqlite3

import msgspec

from arena.chat.models import Leader

# -- who leads


def leader(conn: sqlite3.Connection, period: str) -> Leader | None:
    """What is known of who leads a period; None before anybody looked."""
    row = conn.execute(
        "SELECT period, start, told, told_at, leader, since FROM chat_leaders WHERE period = :period",
        {"period": period},
    ).fetchone()
    return Leader(*row) if row else None


def put_leader(conn: sqlite3.Connection, leader: Leader) -> None:
    """Note who leads a period."""
    conn.execute(
        """
        INSERT INTO chat_leaders (period, start, told, told_at, leader, since)
        VALUES (:period, :start, :told, :told_at, :leader, :since)
        ON CONFLICT (period) DO UPDATE SET start = excluded.start, told = excluded.told, told_at = excluded.told_at,
            leader = excluded.leader, since = excluded.since
        """,
        msgspec.structs.asdict(leader),
    )
