"""All SQL of the chat room."""

import sqlite3

import msgspec

from arena.chat.models import KeyLink, Leader, SlackAccount

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


# -- Slack


def add_request(conn: sqlite3.Connection, signature: str, now: int) -> bool:
    """Note a signed request; False if it came before."""
    done = conn.execute(
        "INSERT INTO slack_requests (signature, at) VALUES (:signature, :now) ON CONFLICT (signature) DO NOTHING",
        {"signature": signature, "now": now},
    )
    return done.rowcount == 1


def drop_old(conn: sqlite3.Connection, requests_before: int, now: int) -> None:
    """Forget requests that are too old to be taken again, and links that are over."""
    conn.execute("DELETE FROM slack_requests WHERE at < :before", {"before": requests_before})
    conn.execute("DELETE FROM slack_links WHERE expires_at <= :now", {"now": now})


def user_of(conn: sqlite3.Connection, workspace: str, slack_user: str) -> str | None:
    """The id of whoever somebody in Slack is here, if that is known."""
    row = conn.execute(
        "SELECT user_id FROM slack_people WHERE workspace = :workspace AND slack_user = :slack_user",
        {"workspace": workspace, "slack_user": slack_user},
    ).fetchone()
    return row[0] if row else None


def put_user(conn: sqlite3.Connection, workspace: str, slack_user: str, user_id: str, now: int) -> None:
    """Note who somebody in Slack is here."""
    conn.execute(
        """
        INSERT INTO slack_people (workspace, slack_user, user_id, linked_at)
        VALUES (:workspace, :slack_user, :user_id, :now)
        """,
        {"workspace": workspace, "slack_user": slack_user, "user_id": user_id, "now": now},
    )


def drop_user(conn: sqlite3.Connection, workspace: str, slack_user: str) -> None:
    """Forget who somebody in Slack is here, and the links to keys that they were handed."""
    where = {"workspace": workspace, "slack_user": slack_user}
    conn.execute("DELETE FROM slack_people WHERE workspace = :workspace AND slack_user = :slack_user", where)
    conn.execute("DELETE FROM slack_links WHERE workspace = :workspace AND slack_user = :slack_user", where)


def accounts_of(conn: sqlite3.Connection, user_id: str) -> list[SlackAccount]:
    """Who a person is in Slack."""
    rows = conn.execute(
        """
        SELECT workspace, slack_user, linked_at FROM slack_people
        WHERE user_id = :user_id ORDER BY linked_at, workspace, slack_user
        """,
        {"user_id": user_id},
    )
    return [SlackAccount(*row) for row in rows]


def add_link(
    conn: sqlite3.Connection, digest: str, workspace: str, slack_user: str, slack_name: str, expires_at: int
) -> None:
    """Add a link to a key; an earlier one of the same person in Slack goes."""
    where = {"workspace": workspace, "slack_user": slack_user}
    conn.execute("DELETE FROM slack_links WHERE workspace = :workspace AND slack_user = :slack_user", where)
    conn.execute(
        """
        INSERT INTO slack_links (digest, workspace, slack_user, slack_name, expires_at)
        VALUES (:digest, :workspace, :slack_user, :slack_name, :expires_at)
        """,
        {**where, "digest": digest, "slack_name": slack_name, "expires_at": expires_at},
    )


def link(conn: sqlite3.Connection, digest: str) -> KeyLink | None:
    """A link to a key, and whom its person in Slack is linked to."""
    row = conn.execute(
        """
        SELECT l.workspace, l.slack_user, l.slack_name, l.expires_at, p.user_id
        FROM slack_links AS l LEFT JOIN slack_people AS p
            ON p.workspace = l.workspace AND p.slack_user = l.slack_user
        WHERE l.digest = :digest
        """,
        {"digest": digest},
    ).fetchone()
    return KeyLink(*row) if row else None


def drop_link(conn: sqlite3.Connection, digest: str) -> None:
    """Use a link up."""
    conn.execute("DELETE FROM slack_links WHERE digest = :digest", {"digest": digest})


def invited_at(conn: sqlite3.Connection, workspace: str, slack_user: str) -> int | None:
    """When somebody in Slack was handed an invitation, if they ever were."""
    row = conn.execute(
        "SELECT invited_at FROM slack_invitations WHERE workspace = :workspace AND slack_user = :slack_user",
        {"workspace": workspace, "slack_user": slack_user},
    ).fetchone()
    return row[0] if row else None


def put_invitation(conn: sqlite3.Connection, workspace: str, slack_user: str, now: int) -> None:
    """Note that somebody in Slack is handed an invitation."""
    conn.execute(
        """
        INSERT INTO slack_invitations (workspace, slack_user, invited_at) VALUES (:workspace, :slack_user, :now)
        ON CONFLICT (workspace, slack_user) DO UPDATE SET invited_at = excluded.invited_at
        """,
        {"workspace": workspace, "slack_user": slack_user, "now": now},
    )
