"""All SQL of the audit room."""

import sqlite3


def add(
    conn: sqlite3.Connection,
    id: str,
    user_id: str | None,
    event_type: str,
    ip_address: str | None,
    user_agent: str | None,
    details: str,
    created_at: int,
) -> None:
    """Append a row."""
    conn.execute(
        """
        INSERT INTO security_audit_log (id, user_id, event_type, ip_address, user_agent, details, created_at)
        VALUES (:id, :user_id, :event_type, :ip_address, :user_agent, :details, :created_at)
        """,
        {
            "id": id,
            "user_id": user_id,
            "event_type": event_type,
            "ip_address": ip_address,
            "user_agent": user_agent,
            "details": details,
            "created_at": created_at,
        },
    )
