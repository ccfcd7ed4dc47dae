"""All SQL of the deliveries room."""

import sqlite3

from arena.deliveries.models import Claimed, Delivery, Kind

# -- writing down


def add(
    conn: sqlite3.Connection,
    id: str,
    kind: Kind,
    recipient: str,
    topic: str,
    content: str,
    is_secret: bool,
    user_id: str | None,
    key: str,
    expires_at: int,
    now: int,
) -> bool:
    """Insert a message that waits; False if there is one of this key."""
    done = conn.execute(
        """
        INSERT INTO deliveries (id, kind, recipient, topic, content, is_secret, user_id, dedup_key, state, next_at,
            expires_at, created_at)
        VALUES (:id, :kind, :recipient, :topic, :content, :is_secret, :user_id, :key, 'queued', :now, :expires_at, :now)
        ON CONFLICT (dedup_key) DO NOTHING
        """,
        {
            "id": id,
            "kind": kind,
            "recipient": recipient,
            "topic": topic,
            "content": content,
            "is_secret": int(is_secret),
            "user_id": user_id,
            "key": key,
            "expires_at": expires_at,
            "now": now,
        },
    )
    return done.rowcount == 1


def put_back(conn: sqlite3.Connection, id: str, expires_at: int, now: int) -> bool:
    """Let a dead message wait once more; False if it is not dead or does not know any more what it said."""
    done = conn.execute(
        """
        UPDATE deliveries SET state = 'queued', attempts = 0, next_at = :now, expires_at = :expires_at,
            settled_at = NULL
        WHERE id = :id AND state = 'dead' AND content IS NOT NULL
        """,
        {"id": id, "expires_at": expires_at, "now": now},
    )
    return done.rowcount == 1


# -- whose turn it is


def running(conn: sqlite3.Connection, kind: Kind) -> int:
    """How many messages of a kind are being sent."""
    row = conn.execute(
        "SELECT COUNT(*) FROM deliveries WHERE state = 'running' AND kind = :kind", {"kind": kind}
    ).fetchone()
    return int(row[0])


def claim(conn: sqlite3.Connection, kind: Kind, claim: str, lease_ends_at: int, now: int) -> Claimed | None:
    """Take the message of a kind that is due for longest."""
    row = conn.execute(
        """
        UPDATE deliveries
        SET state = 'running', claim = :claim, lease_ends_at = :lease_ends_at, attempts = attempts + 1
        WHERE state = 'queued' AND id = (
            SELECT id FROM deliveries WHERE state = 'queued' AND kind = :kind AND next_at <= :now
            ORDER BY next_at, id LIMIT 1
        )
        RETURNING id, claim, kind, recipient, content, attempts, created_at
        """,
        {"kind": kind, "claim": claim, "lease_ends_at": lease_ends_at, "now": now},
    ).fetchone()
    return Claimed(*row) if row else None


def release(conn: sqlite3.Connection, now: int, longest_lease: int, longest_pause: int) -> None:
    """Let messages wait again whose sender is gone.

    A lease or a pause that ends later than any that begins now was set by a clock that was wrong: it is over.
    """
    conn.execute(
        """
        UPDATE deliveries SET state = 'queued', claim = NULL, next_at = :now
        WHERE state = 'running' AND (lease_ends_at < :now OR lease_ends_at > :latest)
        """,
        {"now": now, "latest": now + longest_lease},
    )
    conn.execute(
        "UPDATE deliveries SET next_at = :now WHERE state = 'queued' AND next_at > :latest",
        {"now": now, "latest": now + longest_pause},
    )


def give_up(conn: sqlite3.Connection, kind: Kind, attempts: int, problem: str, now: int) -> int:
    """Let messages of a kind that wait for too long, or were tried too often, be dead; return how many.

    What went wrong last stays; ``problem`` stands where nothing was tried.
    """
    done = conn.execute(
        """
        UPDATE deliveries SET state = 'dead', settled_at = :now, problem = COALESCE(problem, :problem),
            content = CASE WHEN is_secret = 1 THEN NULL ELSE content END
        WHERE state = 'queued' AND kind = :kind AND (expires_at <= :now OR attempts >= :attempts)
        """,
        {"kind": kind, "attempts": attempts, "problem": problem, "now": now},
    )
    return done.rowcount


# -- what came of it


def sent(conn: sqlite3.Connection, claimed: Claimed, now: int) -> bool:
    """Write down that a message went, and forget what it said; False if it is not ours any more."""
    done = conn.execute(
        """
        UPDATE deliveries SET state = 'sent', claim = NULL, content = NULL, problem = NULL, settled_at = :now
        WHERE id = :id AND claim = :claim AND state = 'running'
        """,
        {"id": claimed.id, "claim": claimed.claim, "now": now},
    )
    return done.rowcount == 1


def again(conn: sqlite3.Connection, claimed: Claimed, problem: str, next_at: int) -> bool:
    """Let a message wait for its next try; False if it is not ours any more."""
    done = conn.execute(
        """
        UPDATE deliveries SET state = 'queued', claim = NULL, problem = :problem, next_at = :next_at
        WHERE id = :id AND claim = :claim AND state = 'running'
        """,
        {"id": claimed.id, "claim": claimed.claim, "problem": problem, "next_at": next_at},
    )
    return done.rowcount == 1


def dead(conn: sqlite3.Connection, claimed: Claimed, problem: str, now: int) -> bool:
    """Write down that a message will not go; one with a secret is forgotten. False if it is not ours any more."""
    done = conn.execute(
        """
        UPDATE deliveries SET state = 'dead', claim = NULL, problem = :problem, settled_at = :now,
            content = CASE WHEN is_secret = 1 THEN NULL ELSE content END
        WHERE id = :id AND claim = :claim AND state = 'running'
        """,
        {"id": claimed.id, "claim": claimed.claim, "problem": problem, "now": now},
    )
    return done.rowcount == 1


def count(conn: sqlite3.Connection, kind: Kind, outcome: str, number: int) -> None:
    """Count what came of trying."""
    conn.execute(
        """
        INSERT INTO delivery_outcomes (kind, outcome, number) VALUES (:kind, :outcome, :number)
        ON CONFLICT (kind, outcome) DO UPDATE SET number = delivery_outcomes.number + excluded.number
        """,
        {"kind": kind, "outcome": outcome, "number": number},
    )


# -- going


def forget(conn: sqlite3.Connection, user_id: str) -> None:
    """Delete every message to or about a person."""
    conn.execute("DELETE FROM deliveries WHERE user_id = :user_id", {"user_id": user_id})


def prune(conn: sqlite3.Connection, before: int, limit: int) -> int:
    """Delete some messages that were sent or given up and are older than an instant; return how many."""
    done = conn.execute(
        """
        DELETE FROM deliveries WHERE id IN (
            SELECT id FROM deliveries WHERE created_at < :before AND state IN ('sent', 'dead') LIMIT :limit
        )
        """,
        {"before": before, "limit": limit},
    )
    return done.rowcount


def old(conn: sqlite3.Connection, before: int) -> int:
    """How many messages that were sent or given up are older than an instant."""
    row = conn.execute(
        "SELECT COUNT(*) FROM deliveries WHERE created_at < :before AND state IN ('sent', 'dead')", {"before": before}
    ).fetchone()
    count: int = row[0]
    return count


# -- looking


def deliveries(conn: sqlite3.Connection, state: str, kind: str, before: str, limit: int) -> list[Delivery]:
    """Messages of a state and kind (any if empty), newest first, from the one before an id on (all if empty)."""
    rows = conn.execute(
        """
        SELECT id, kind, recipient, topic, content IS NOT NULL, user_id, state, attempts, next_at, expires_at, problem,
            created_at, settled_at
        FROM deliveries
        WHERE (:state = '' OR state = :state) AND (:kind = '' OR kind = :kind) AND (:before = '' OR id < :before)
        ORDER BY id DESC LIMIT :limit
        """,
        {"state": state, "kind": kind, "before": before, "limit": limit},
    )
    return [_delivery(row) for row in rows]


def deliveries_of(conn: sqlite3.Connection, user_id: str) -> list[Delivery]:
    """Every message to or about a person, the oldest first."""
    rows = conn.execute(
        """
        SELECT id, kind, recipient, topic, content IS NOT NULL, user_id, state, attempts, next_at, expires_at, problem,
            created_at, settled_at
        FROM deliveries WHERE user_id = :user_id ORDER BY id
        """,
        {"user_id": user_id},
    )
    return [_delivery(row) for row in rows]


def lately(conn: sqlite3.Connection, user_id: str, topic: str, since: int) -> int:
    """How many messages about something a person was sent since an instant."""
    row = conn.execute(
        "SELECT COUNT(*) FROM deliveries WHERE user_id = :user_id AND topic = :topic AND created_at >= :since",
        {"user_id": user_id, "topic": topic, "since": since},
    ).fetchone()
    return int(row[0])


def numbers(conn: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """How many messages there are, by state and kind."""
    rows = conn.execute("SELECT state, kind, COUNT(*) FROM deliveries GROUP BY state, kind")
    return {(row[0], row[1]): row[2] for row in rows}


def outcomes(conn: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """How often trying came to what, by kind and outcome."""
    rows = conn.execute("SELECT kind, outcome, number FROM delivery_outcomes")
    return {(row[0], row[1]): row[2] for row in rows}


def oldest(conn: sqlite3.Connection) -> int | None:
    """Since when the message waits that waits for longest, if one does."""
    row = conn.execute("SELECT MIN(created_at) FROM deliveries WHERE state IN ('queued', 'running')").fetchone()
    return None if row[0] is None else int(row[0])


def _delivery(row: sqlite3.Row) -> Delivery:
    values = list(row)
    values[4] = bool(values[4])
    return Delivery(*values)
