"""All SQL of the accounts room."""

import sqlite3

from msgspec import convert

from arena.accounts.models import (
    Account,
    DeviceCode,
    DeviceState,
    EmailLink,
    Guesses,
    Key,
    KeyOwner,
    Link,
    LinkedIdentity,
    LinkKind,
    Mail,
    OpenLink,
    OpenSession,
    Password,
    Person,
    Reader,
    Role,
    SessionOwner,
    WebSession,
)

# -- people


def add_user(
    conn: sqlite3.Connection, id: str, username: str, display_name: str, role: Role, password_hash: str | None, now: int
) -> None:
    """Insert a person. Raises `sqlite3.IntegrityError` when the name is taken."""
    conn.execute(
        """
        INSERT INTO users (id, username, display_name, role, password_hash, created_at, updated_at)
        VALUES (:id, :username, :display_name, :role, :password_hash, :now, :now)
        """,
        {
            "id": id,
            "username": username,
            "display_name": display_name,
            "role": role,
            "password_hash": password_hash,
            "now": now,
        },
    )


def user(conn: sqlite3.Connection, id: str) -> Person | None:
    """The person with this id."""
    row = conn.execute(
        """
        SELECT id, username, display_name, role, privacy_mode, github_avatar_url, disabled_at, created_at
        FROM users WHERE id = :id
        """,
        {"id": id},
    ).fetchone()
    return _person(row) if row else None


def user_by_name(conn: sqlite3.Connection, username: str) -> Person | None:
    """The person with this (lower-case) user name."""
    row = conn.execute(
        """
        SELECT id, username, display_name, role, privacy_mode, github_avatar_url, disabled_at, created_at
        FROM users WHERE username = :username
        """,
        {"username": username},
    ).fetchone()
    return _person(row) if row else None


def users(conn: sqlite3.Connection) -> list[Person]:
    """Everybody, by name."""
    rows = conn.execute(
        """
        SELECT id, username, display_name, role, privacy_mode, github_avatar_url, disabled_at, created_at
        FROM users ORDER BY username
        """
    )
    return [_person(row) for row in rows]


def user_by_key_hash(conn: sqlite3.Connection, key_hash: str) -> KeyOwner | None:
    """Whose key this is, whatever its state."""
    row = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.role, u.privacy_mode, u.github_avatar_url, u.disabled_at,
            u.created_at, k.id, k.last_used_at, k.last_refused_at, k.revoked_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.key_hash = :key_hash
        """,
        {"key_hash": key_hash},
    ).fetchone()
    return KeyOwner(_person(row), *row[8:]) if row else None


def user_by_key_id(conn: sqlite3.Connection, key_id: str) -> KeyOwner | None:
    """Whose key has this id, whatever its state."""
    row = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.role, u.privacy_mode, u.github_avatar_url, u.disabled_at,
            u.created_at, k.id, k.last_used_at, k.last_refused_at, k.revoked_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.id = :key_id
        """,
        {"key_id": key_id},
    ).fetchone()
    return KeyOwner(_person(row), *row[8:]) if row else None


def user_by_session_hash(conn: sqlite3.Connection, token_hash: str) -> SessionOwner | None:
    """Whose web session this is, whatever its state."""
    row = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.role, u.privacy_mode, u.github_avatar_url, u.disabled_at,
            u.created_at, s.id, s.last_seen_at, s.expires_at, s.created_at
        FROM web_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = :token_hash
        """,
        {"token_hash": token_hash},
    ).fetchone()
    return SessionOwner(_person(row), *row[8:]) if row else None


def password_by_name(conn: sqlite3.Connection, username: str) -> Password | None:
    """What a sign-in with this user name is checked against."""
    row = conn.execute(
        "SELECT id, password_hash FROM users WHERE username = :username", {"username": username}
    ).fetchone()
    return Password(*row) if row else None


def has_password(conn: sqlite3.Connection, id: str) -> bool:
    """Whether a person can sign in with a password."""
    row = conn.execute("SELECT 1 FROM users WHERE id = :id AND password_hash IS NOT NULL", {"id": id}).fetchone()
    return row is not None


def account(conn: sqlite3.Connection, id: str) -> Account | None:
    """Everything in a person's own row but the password's hash."""
    row = conn.execute(
        """
        SELECT id, username, display_name, role, email, email_verified_at, weekly_digest, github_avatar_url,
            privacy_mode, disabled_at, created_at, updated_at
        FROM users WHERE id = :id
        """,
        {"id": id},
    ).fetchone()
    return convert(dict(row), Account, strict=False) if row else None


def enabled_admins(conn: sqlite3.Connection) -> int:
    """How many administrators can act."""
    row = conn.execute("SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL").fetchone()
    return int(row[0])


def admins_seen(conn: sqlite3.Connection) -> tuple[int, int | None]:
    """How many administrators can act, and when one of them was last here, by browser or key."""
    row = conn.execute(
        """
        SELECT count(DISTINCT u.id), max(s.last_seen_at), max(k.last_used_at)
        FROM users u LEFT JOIN web_sessions s ON s.user_id = u.id LEFT JOIN api_keys k ON k.user_id = u.id
        WHERE u.role = 'admin' AND u.disabled_at IS NULL
        """
    ).fetchone()
    return row[0], max((at for at in tuple(row)[1:] if at is not None), default=None)


def people_without_a_way_in(conn: sqlite3.Connection, now: int, limit: int) -> list[str]:
    """The names of enabled people who have neither password, provider, live key, open session nor open link."""
    rows = conn.execute(
        """
        SELECT u.username FROM users u
        WHERE u.disabled_at IS NULL AND u.password_hash IS NULL
          AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id)
          AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.user_id = u.id AND k.revoked_at IS NULL)
          AND NOT EXISTS (SELECT 1 FROM web_sessions s WHERE s.user_id = u.id AND s.expires_at > :now)
          AND NOT EXISTS (
              SELECT 1 FROM one_time_links l WHERE l.user_id = u.id AND l.used_at IS NULL AND l.expires_at > :now
          )
        ORDER BY u.username LIMIT :limit
        """,
        {"now": now, "limit": limit},
    )
    return [row[0] for row in rows]


def set_password(conn: sqlite3.Connection, id: str, password_hash: str, now: int) -> None:
    """Replace a person's password."""
    conn.execute(
        "UPDATE users SET password_hash = :password_hash, updated_at = :now WHERE id = :id",
        {"id": id, "password_hash": password_hash, "now": now},
    )


def set_role(conn: sqlite3.Connection, id: str, role: Role, now: int) -> None:
    """Make somebody a member or an administrator."""
    conn.execute(
        "UPDATE users SET role = :role, updated_at = :now WHERE id = :id", {"id": id, "role": role, "now": now}
    )


def set_display(conn: sqlite3.Connection, id: str, display_name: str, now: int) -> None:
    """Change the name that a person is shown by."""
    conn.execute(
        "UPDATE users SET display_name = :display_name, updated_at = :now WHERE id = :id",
        {"id": id, "display_name": display_name, "now": now},
    )


def set_private(conn: sqlite3.Connection, id: str, private: bool, now: int) -> None:
    """Hide a person from public boards and profiles, or show them."""
    conn.execute(
        "UPDATE users SET privacy_mode = :private, updated_at = :now WHERE id = :id",
        {"id": id, "private": int(private), "now": now},
    )


def set_disabled(conn: sqlite3.Connection, id: str, disabled_at: int | None, now: int) -> None:
    """Disable somebody, or (None) enable them again."""
    conn.execute(
        "UPDATE users SET disabled_at = :disabled_at, updated_at = :now WHERE id = :id",
        {"id": id, "disabled_at": disabled_at, "now": now},
    )


def delete_user(conn: sqlite3.Connection, id: str) -> None:
    """Delete a person; foreign keys take with them what is theirs, in every room."""
    conn.execute("DELETE FROM users WHERE id = :id", {"id": id})


# -- mail to people


def mail_of(conn: sqlite3.Connection, user_id: str) -> Mail:
    """Where mail to a person goes. Raises `TypeError` for nobody."""
    row = conn.execute(
        """
        SELECT u.email, u.weekly_digest, l.email, COALESCE(l.expires_at, 0)
        FROM users u LEFT JOIN email_links l ON l.user_id = u.id WHERE u.id = :user_id
        """,
        {"user_id": user_id},
    ).fetchone()
    return Mail(row[0], bool(row[1]), row[2], row[3])


def reader(conn: sqlite3.Connection, user_id: str) -> Reader | None:
    """Somebody enabled with a confirmed address, by id."""
    row = conn.execute(
        """
        SELECT id, username, display_name, email FROM users
        WHERE id = :user_id AND email IS NOT NULL AND disabled_at IS NULL
        """,
        {"user_id": user_id},
    ).fetchone()
    return Reader(*row) if row else None


def readers_called(conn: sqlite3.Connection, username: str, email: str, limit: int) -> list[Reader]:
    """Enabled people with a confirmed address who have this user name, or this address in any case."""
    rows = conn.execute(
        """
        SELECT id, username, display_name, email FROM users
        WHERE (username = :username OR lower(email) = lower(:email)) AND email IS NOT NULL AND disabled_at IS NULL
        ORDER BY id LIMIT :limit
        """,
        {"username": username, "email": email, "limit": limit},
    )
    return [Reader(*row) for row in rows]


def digest_readers(conn: sqlite3.Connection, after: str, limit: int) -> list[Reader]:
    """Some of the enabled people who want the weekly mail and have a confirmed address, by id, after one."""
    rows = conn.execute(
        """
        SELECT id, username, display_name, email FROM users
        WHERE id > :after AND weekly_digest = 1 AND email IS NOT NULL AND disabled_at IS NULL
        ORDER BY id LIMIT :limit
        """,
        {"after": after, "limit": limit},
    )
    return [Reader(*row) for row in rows]


def set_email(conn: sqlite3.Connection, user_id: str, email: str | None, now: int) -> None:
    """Let mail to a person go to an address that they confirmed, or (None) nowhere."""
    conn.execute(
        """
        UPDATE users SET email = :email, email_verified_at = CASE WHEN :email IS NULL THEN NULL ELSE :now END,
            weekly_digest = CASE WHEN :email IS NULL THEN 0 ELSE weekly_digest END, updated_at = :now
        WHERE id = :user_id
        """,
        {"user_id": user_id, "email": email, "now": now},
    )


def set_digest(conn: sqlite3.Connection, user_id: str, wanted: bool, now: int) -> bool:
    """Send somebody the weekly mail, or not any more; return whether that is new."""
    done = conn.execute(
        """
        UPDATE users SET weekly_digest = :wanted, updated_at = :now
        WHERE id = :user_id AND weekly_digest <> :wanted
        """,
        {"user_id": user_id, "wanted": int(wanted), "now": now},
    )
    return done.rowcount == 1


def put_email_link(
    conn: sqlite3.Connection, user_id: str, token_hash: str, email: str, now: int, expires_at: int
) -> None:
    """Keep the address that a person wants; an earlier one is forgotten."""
    conn.execute(
        """
        INSERT INTO email_links (user_id, token_hash, email, created_at, expires_at)
        VALUES (:user_id, :token_hash, :email, :now, :expires_at)
        ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, email = excluded.email,
            created_at = excluded.created_at, expires_at = excluded.expires_at
        """,
        {"user_id": user_id, "token_hash": token_hash, "email": email, "now": now, "expires_at": expires_at},
    )


def email_link(conn: sqlite3.Connection, token_hash: str) -> EmailLink | None:
    """The address behind a link."""
    row = conn.execute(
        "SELECT user_id, email, expires_at FROM email_links WHERE token_hash = :token_hash",
        {"token_hash": token_hash},
    ).fetchone()
    return EmailLink(*row) if row else None


def drop_email_link(conn: sqlite3.Connection, user_id: str) -> None:
    """Forget the address that a person wants."""
    conn.execute("DELETE FROM email_links WHERE user_id = :user_id", {"user_id": user_id})


def drop_expired_email_links(conn: sqlite3.Connection, now: int) -> int:
    """Forget the addresses that nobody confirmed in time; return how many there were."""
    return conn.execute("DELETE FROM email_links WHERE expires_at <= :now", {"now": now}).rowcount


def notices_told(conn: sqlite3.Connection) -> int | None:
    """The last row of the security log that people were mailed about."""
    row = conn.execute("SELECT seq FROM notices_told WHERE id = 1").fetchone()
    return row[0] if row else None


def set_notices_told(conn: sqlite3.Connection, seq: int) -> None:
    """Note the last row of the security log that people were mailed about."""
    conn.execute(
        "INSERT INTO notices_told (id, seq) VALUES (1, :seq) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq",
        {"seq": seq},
    )


# -- identities at providers


def add_identity(
    conn: sqlite3.Connection,
    id: str,
    user_id: str,
    provider: str,
    issuer: str,
    subject: str,
    login: str,
    email: str | None,
    now: int,
) -> None:
    """Link an identity to a person. Raises `sqlite3.IntegrityError` when it is somebody's already."""
    conn.execute(
        """
        INSERT INTO identities (id, user_id, provider, issuer, subject, login, email, created_at, last_used_at)
        VALUES (:id, :user_id, :provider, :issuer, :subject, :login, :email, :now, :now)
        """,
        {
            "id": id,
            "user_id": user_id,
            "provider": provider,
            "issuer": issuer,
            "subject": subject,
            "login": login,
            "email": email,
            "now": now,
        },
    )


def user_by_identity(conn: sqlite3.Connection, issuer: str, subject: str) -> Person | None:
    """Whose identity this is."""
    row = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.role, u.privacy_mode, u.github_avatar_url, u.disabled_at,
            u.created_at
        FROM identities i JOIN users u ON u.id = i.user_id
        WHERE i.issuer = :issuer AND i.subject = :subject
        """,
        {"issuer": issuer, "subject": subject},
    ).fetchone()
    return _person(row) if row else None


def identities_of(conn: sqlite3.Connection, user_id: str) -> list[LinkedIdentity]:
    """A person's identities from oldest to newest."""
    rows = conn.execute(
        """
        SELECT id, provider, issuer, login, email, created_at, last_used_at
        FROM identities WHERE user_id = :user_id
        ORDER BY created_at, id
        """,
        {"user_id": user_id},
    )
    return [LinkedIdentity(*row) for row in rows]


def set_identity_used(
    conn: sqlite3.Connection, issuer: str, subject: str, login: str, email: str | None, now: int
) -> None:
    """Note that an identity was used, and what its person is called there today."""
    conn.execute(
        """
        UPDATE identities SET login = :login, email = :email, last_used_at = :now
        WHERE issuer = :issuer AND subject = :subject
        """,
        {"issuer": issuer, "subject": subject, "login": login, "email": email, "now": now},
    )


def drop_identity(conn: sqlite3.Connection, user_id: str, id: str) -> None:
    """Unlink one of a person's identities."""
    conn.execute("DELETE FROM identities WHERE id = :id AND user_id = :user_id", {"id": id, "user_id": user_id})


# -- API keys


def add_key(
    conn: sqlite3.Connection, id: str, user_id: str, key_hash: str, prefix: str, label: str, created_at: int
) -> None:
    """Insert a key."""
    conn.execute(
        """
        INSERT INTO api_keys (id, user_id, key_hash, prefix, label, created_at)
        VALUES (:id, :user_id, :key_hash, :prefix, :label, :created_at)
        """,
        {
            "id": id,
            "user_id": user_id,
            "key_hash": key_hash,
            "prefix": prefix,
            "label": label,
            "created_at": created_at,
        },
    )


def keys(conn: sqlite3.Connection) -> list[Key]:
    """Everybody's keys, by name and age, revoked ones too."""
    rows = conn.execute(
        """
        SELECT k.id, u.username, k.prefix, k.label, k.created_at, k.last_used_at, k.last_refused_at, k.revoked_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        ORDER BY u.username, k.created_at, k.id
        """
    )
    return [Key(*row) for row in rows]


def some_keys(conn: sqlite3.Connection, username: str, state: str, long_ago: int, before: str, limit: int) -> list[Key]:
    """Keys, newest first, from the one before an id: of a person, live, revoked or unused since long ago, or any."""
    rows = conn.execute(
        """
        SELECT k.id, u.username, k.prefix, k.label, k.created_at, k.last_used_at, k.last_refused_at, k.revoked_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE (:username = '' OR u.username = :username)
          AND (:state = ''
               OR (:state = 'revoked' AND k.revoked_at IS NOT NULL)
               OR (:state = 'live' AND k.revoked_at IS NULL)
               OR (:state = 'unused' AND k.revoked_at IS NULL AND COALESCE(k.last_used_at, k.created_at) < :long_ago))
          AND (:before = '' OR k.id < :before)
        ORDER BY k.id DESC LIMIT :limit
        """,
        {"username": username, "state": state, "long_ago": long_ago, "before": before, "limit": limit},
    )
    return [Key(*row) for row in rows]


def key(conn: sqlite3.Connection, id: str) -> Key | None:
    """The key with this id."""
    row = conn.execute(
        """
        SELECT k.id, u.username, k.prefix, k.label, k.created_at, k.last_used_at, k.last_refused_at, k.revoked_at
        FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id = :id
        """,
        {"id": id},
    ).fetchone()
    return Key(*row) if row else None


def keys_of(conn: sqlite3.Connection, user_id: str) -> list[Key]:
    """A person's keys from oldest to newest, revoked ones too."""
    rows = conn.execute(
        """
        SELECT k.id, u.username, k.prefix, k.label, k.created_at, k.last_used_at, k.last_refused_at, k.revoked_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.user_id = :user_id
        ORDER BY k.created_at, k.id
        """,
        {"user_id": user_id},
    )
    return [Key(*row) for row in rows]


def newest_key(conn: sqlite3.Connection, user_id: str) -> Key | None:
    """The live key of a person that was made last."""
    row = conn.execute(
        """
        SELECT k.id, u.username, k.prefix, k.label, k.created_at, k.last_used_at, k.last_refused_at, k.revoked_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.user_id = :user_id AND k.revoked_at IS NULL
        ORDER BY k.created_at DESC, k.id DESC
        LIMIT 1
        """,
        {"user_id": user_id},
    ).fetchone()
    return Key(*row) if row else None


def owners_of_prefix(conn: sqlite3.Connection, prefix: str) -> list[Person]:
    """Who has a live key with this prefix: one person, or none; two only by a chance of one in billions."""
    rows = conn.execute(
        """
        SELECT DISTINCT u.id, u.username, u.display_name, u.role, u.privacy_mode, u.github_avatar_url, u.disabled_at,
            u.created_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.prefix = :prefix AND k.revoked_at IS NULL
        ORDER BY u.id
        """,
        {"prefix": prefix},
    )
    return [_person(row) for row in rows]


def unused_keys(conn: sqlite3.Connection, long_ago: int) -> int:
    """How many live keys were last used, or else made, before an instant."""
    row = conn.execute(
        "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL AND COALESCE(last_used_at, created_at) < :long_ago",
        {"long_ago": long_ago},
    ).fetchone()
    return int(row[0])


def live_keys(conn: sqlite3.Connection, user_id: str) -> int:
    """How many keys of a person are not revoked."""
    row = conn.execute(
        "SELECT count(*) FROM api_keys WHERE user_id = :user_id AND revoked_at IS NULL", {"user_id": user_id}
    ).fetchone()
    return int(row[0])


def revoke_keys(conn: sqlite3.Connection, user_id: str, prefix: str, now: int) -> int:
    """Revoke a person's live keys with this prefix; return how many there were."""
    return conn.execute(
        """
        UPDATE api_keys SET revoked_at = :now
        WHERE user_id = :user_id AND prefix = :prefix AND revoked_at IS NULL
        """,
        {"user_id": user_id, "prefix": prefix, "now": now},
    ).rowcount


def set_key_used(conn: sqlite3.Connection, id: str, before: int, now: int) -> None:
    """Note when a key was last used, unless that was noted after ``before`` already."""
    conn.execute(
        """
        UPDATE api_keys SET last_used_at = :now
        WHERE id = :id AND (last_used_at IS NULL OR last_used_at <= :before)
        """,
        {"id": id, "before": before, "now": now},
    )


def set_key_refused(conn: sqlite3.Connection, id: str, now: int) -> None:
    """Note when a key was last refused."""
    conn.execute("UPDATE api_keys SET last_refused_at = :now WHERE id = :id", {"id": id, "now": now})


# -- web sessions


def add_session(
    conn: sqlite3.Connection,
    id: str,
    user_id: str,
    token_hash: str,
    ip_address: str | None,
    user_agent: str | None,
    now: int,
    expires_at: int,
) -> None:
    """Insert a web session."""
    conn.execute(
        """
        INSERT INTO web_sessions
            (id, user_id, token_hash, created_at, last_seen_at, expires_at, ip_address, user_agent)
        VALUES (:id, :user_id, :token_hash, :now, :now, :expires_at, :ip_address, :user_agent)
        """,
        {
            "id": id,
            "user_id": user_id,
            "token_hash": token_hash,
            "now": now,
            "expires_at": expires_at,
            "ip_address": ip_address,
            "user_agent": user_agent,
        },
    )


def sessions_of(conn: sqlite3.Connection, user_id: str) -> list[WebSession]:
    """A person's web sessions, the one last seen first."""
    rows = conn.execute(
        """
        SELECT id, created_at, last_seen_at, expires_at, ip_address, user_agent
        FROM web_sessions WHERE user_id = :user_id
        ORDER BY last_seen_at DESC, id
        """,
        {"user_id": user_id},
    )
    return [WebSession(*row) for row in rows]


def open_sessions(conn: sqlite3.Connection, username: str, now: int, before: str, limit: int) -> list[OpenSession]:
    """Web sessions that are not over, newest first, from the one before an id: a person's, or everybody's."""
    rows = conn.execute(
        """
        SELECT s.id, u.username, s.created_at, s.last_seen_at, s.expires_at, s.ip_address, s.user_agent
        FROM web_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.expires_at > :now AND (:username = '' OR u.username = :username) AND (:before = '' OR s.id < :before)
        ORDER BY s.id DESC LIMIT :limit
        """,
        {"username": username, "now": now, "before": before, "limit": limit},
    )
    return [OpenSession(*row) for row in rows]


def set_session_seen(conn: sqlite3.Connection, id: str, before: int, now: int, lifetime: int, idle: int) -> None:
    """Note when a web session was last seen, unless that was noted after ``before`` already, and let it go on.

    It goes on for ``idle`` milliseconds, and until ``lifetime`` after it was opened.
    """
    conn.execute(
        """
        UPDATE web_sessions SET
            last_seen_at = :now,
            expires_at =
                CASE WHEN created_at + :lifetime < :now + :idle THEN created_at + :lifetime ELSE :now + :idle END
        WHERE id = :id AND last_seen_at <= :before AND expires_at > :now
        """,
        {"id": id, "before": before, "now": now, "lifetime": lifetime, "idle": idle},
    )


def end_session(conn: sqlite3.Connection, token_hash: str) -> str | None:
    """Delete a web session; return whose it was."""
    row = conn.execute(
        "DELETE FROM web_sessions WHERE token_hash = :token_hash RETURNING user_id", {"token_hash": token_hash}
    ).fetchone()
    return str(row[0]) if row else None


def end_session_by_id(conn: sqlite3.Connection, id: str) -> str | None:
    """Delete a web session; return whose it was."""
    row = conn.execute("DELETE FROM web_sessions WHERE id = :id RETURNING user_id", {"id": id}).fetchone()
    return str(row[0]) if row else None


def end_sessions(conn: sqlite3.Connection, user_id: str) -> int:
    """Delete all web sessions of a person; return how many there were."""
    return conn.execute("DELETE FROM web_sessions WHERE user_id = :user_id", {"user_id": user_id}).rowcount


def end_oldest_sessions(conn: sqlite3.Connection, user_id: str, keep: int) -> int:
    """Delete all but so many web sessions of a person, those seen longest ago; return how many that were."""
    return conn.execute(
        """
        DELETE FROM web_sessions WHERE user_id = :user_id AND id NOT IN (
            SELECT id FROM web_sessions WHERE user_id = :user_id ORDER BY last_seen_at DESC, id DESC LIMIT :keep
        )
        """,
        {"user_id": user_id, "keep": keep},
    ).rowcount


def end_session_of(conn: sqlite3.Connection, user_id: str, id: str) -> bool:
    """Delete one of a person's web sessions; false if there is none with this id."""
    ended = conn.execute(
        "DELETE FROM web_sessions WHERE id = :id AND user_id = :user_id", {"id": id, "user_id": user_id}
    )
    return ended.rowcount == 1


def end_other_sessions(conn: sqlite3.Connection, user_id: str, token_hash: str) -> int:
    """Delete all web sessions of a person but this one; return how many there were."""
    return conn.execute(
        "DELETE FROM web_sessions WHERE user_id = :user_id AND token_hash <> :token_hash",
        {"user_id": user_id, "token_hash": token_hash},
    ).rowcount


def drop_expired_sessions(conn: sqlite3.Connection, now: int) -> int:
    """Delete the web sessions that are over; return how many there were."""
    return conn.execute("DELETE FROM web_sessions WHERE expires_at <= :now", {"now": now}).rowcount


# -- one-time links


def add_link(
    conn: sqlite3.Connection,
    token_hash: str,
    kind: LinkKind,
    user_id: str | None,
    name: str | None,
    role: Role,
    created_at: int,
    expires_at: int,
) -> None:
    """Insert a one-time link."""
    conn.execute(
        """
        INSERT INTO one_time_links (token_hash, kind, user_id, name, role, created_at, expires_at)
        VALUES (:token_hash, :kind, :user_id, :name, :role, :created_at, :expires_at)
        """,
        {
            "token_hash": token_hash,
            "kind": kind,
            "user_id": user_id,
            "name": name,
            "role": role,
            "created_at": created_at,
            "expires_at": expires_at,
        },
    )


def link_by_hash(conn: sqlite3.Connection, token_hash: str) -> Link | None:
    """The link, whatever its state."""
    row = conn.execute(
        """
        SELECT kind, user_id, name, role, expires_at, used_at
        FROM one_time_links WHERE token_hash = :token_hash
        """,
        {"token_hash": token_hash},
    ).fetchone()
    return Link(*row) if row else None


def open_links(conn: sqlite3.Connection, now: int) -> list[OpenLink]:
    """The links that still open something, the newest first."""
    rows = conn.execute(
        """
        SELECT token_hash, kind, name, role, created_at, expires_at FROM one_time_links
        WHERE used_at IS NULL AND expires_at > :now ORDER BY created_at DESC, token_hash
        """,
        {"now": now},
    )
    return [OpenLink(*row) for row in rows]


def open_admin_links(conn: sqlite3.Connection, now: int) -> int:
    """How many links would still make or let in an administrator."""
    row = conn.execute(
        """
        SELECT count(*) FROM one_time_links
        WHERE role = 'admin' AND kind <> 'admin' AND used_at IS NULL AND expires_at > :now
        """,
        {"now": now},
    ).fetchone()
    return int(row[0])


def drop_link(conn: sqlite3.Connection, mark: str) -> int:
    """Delete the unused links whose hash begins so; return how many there were."""
    return conn.execute(
        "DELETE FROM one_time_links WHERE used_at IS NULL AND substr(token_hash, 1, 12) = :mark", {"mark": mark}
    ).rowcount


def claim_link(conn: sqlite3.Connection, token_hash: str, now: int) -> bool:
    """Mark a link as used; false if it cannot be used, or not any more."""
    changed = conn.execute(
        """
        UPDATE one_time_links SET used_at = :now
        WHERE token_hash = :token_hash AND used_at IS NULL AND expires_at > :now
        """,
        {"token_hash": token_hash, "now": now},
    )
    return changed.rowcount == 1


def drop_unused_admin_links(conn: sqlite3.Connection) -> None:
    """Delete the links that would make an administrator."""
    conn.execute("DELETE FROM one_time_links WHERE kind = 'admin' AND used_at IS NULL")


def drop_unused_invitations(conn: sqlite3.Connection, name: str) -> None:
    """Delete the invitations for this user name."""
    conn.execute(
        "DELETE FROM one_time_links WHERE kind = 'invite' AND name = :name AND used_at IS NULL", {"name": name}
    )


def drop_unused_sign_in_links(conn: sqlite3.Connection, user_id: str) -> None:
    """Delete a person's sign-in links."""
    conn.execute(
        "DELETE FROM one_time_links WHERE kind = 'sign-in' AND user_id = :user_id AND used_at IS NULL",
        {"user_id": user_id},
    )


def drop_expired_links(conn: sqlite3.Connection, now: int) -> int:
    """Delete the links that are over; return how many there were."""
    return conn.execute("DELETE FROM one_time_links WHERE expires_at <= :now", {"now": now}).rowcount


# -- wrong guesses


def guesses(conn: sqlite3.Connection, counter: str) -> Guesses | None:
    """What a counter holds."""
    row = conn.execute(
        "SELECT forgotten_at, blocked_until FROM failed_guesses WHERE counter = :counter", {"counter": counter}
    ).fetchone()
    return Guesses(*row) if row else None


def put_guesses(conn: sqlite3.Connection, counter: str, guesses: Guesses) -> None:
    """Set what a counter holds."""
    conn.execute(
        """
        INSERT INTO failed_guesses (counter, forgotten_at, blocked_until)
        VALUES (:counter, :forgotten_at, :blocked_until)
        ON CONFLICT (counter) DO UPDATE SET forgotten_at = excluded.forgotten_at, blocked_until = excluded.blocked_until
        """,
        {"counter": counter, "forgotten_at": guesses.forgotten_at, "blocked_until": guesses.blocked_until},
    )


def drop_if_forgotten(conn: sqlite3.Connection, counter: str, now: int) -> None:
    """Delete a counter if it holds nothing any more."""
    conn.execute(
        "DELETE FROM failed_guesses WHERE counter = :counter AND forgotten_at <= :now AND blocked_until <= :now",
        {"counter": counter, "now": now},
    )


def drop_forgotten_guesses(conn: sqlite3.Connection, now: int) -> int:
    """Delete the counters that hold nothing any more; return how many there were."""
    return conn.execute(
        "DELETE FROM failed_guesses WHERE forgotten_at <= :now AND blocked_until <= :now", {"now": now}
    ).rowcount


# -- device codes


def add_device_code(
    conn: sqlite3.Connection,
    device_hash: str,
    user_code_hash: str,
    label: str,
    ip_address: str | None,
    user_agent: str | None,
    pause: int,
    now: int,
    expires_at: int,
) -> None:
    """Insert a machine that asks."""
    conn.execute(
        """
        INSERT INTO device_codes
            (device_hash, user_code_hash, label, ip_address, user_agent, pause, created_at, expires_at)
        VALUES (:device_hash, :user_code_hash, :label, :ip_address, :user_agent, :pause, :now, :expires_at)
        """,
        {
            "device_hash": device_hash,
            "user_code_hash": user_code_hash,
            "label": label,
            "ip_address": ip_address,
            "user_agent": user_agent,
            "pause": pause,
            "now": now,
            "expires_at": expires_at,
        },
    )


def device_code(conn: sqlite3.Connection, device_hash: str) -> DeviceCode | None:
    """The machine with this long code, whatever its state."""
    row = conn.execute(
        """
        SELECT device_hash, label, ip_address, user_agent, state, user_id, pause, polled_at, created_at, expires_at
        FROM device_codes WHERE device_hash = :device_hash
        """,
        {"device_hash": device_hash},
    ).fetchone()
    return DeviceCode(*row) if row else None


def device_code_by_user_code(conn: sqlite3.Connection, user_code_hash: str) -> DeviceCode | None:
    """The machine with this short code, whatever its state."""
    row = conn.execute(
        """
        SELECT device_hash, label, ip_address, user_agent, state, user_id, pause, polled_at, created_at, expires_at
        FROM device_codes WHERE user_code_hash = :user_code_hash
        """,
        {"user_code_hash": user_code_hash},
    ).fetchone()
    return DeviceCode(*row) if row else None


def device_codes_waiting(conn: sqlite3.Connection, now: int) -> int:
    """How many machines wait for an answer."""
    row = conn.execute(
        "SELECT count(*) FROM device_codes WHERE state = 'pending' AND expires_at > :now", {"now": now}
    ).fetchone()
    return int(row[0])


def answer_device_code(conn: sqlite3.Connection, device_hash: str, state: DeviceState, user_id: str) -> None:
    """Note who said yes or no to a machine."""
    conn.execute(
        "UPDATE device_codes SET state = :state, user_id = :user_id WHERE device_hash = :device_hash",
        {"device_hash": device_hash, "state": state, "user_id": user_id},
    )


def set_device_code_polled(conn: sqlite3.Connection, device_hash: str, pause: int, now: int) -> None:
    """Note when a machine asked last, and how long it must wait from now on."""
    conn.execute(
        "UPDATE device_codes SET polled_at = :now, pause = :pause WHERE device_hash = :device_hash",
        {"device_hash": device_hash, "pause": pause, "now": now},
    )


def drop_expired_device_codes(conn: sqlite3.Connection, now: int) -> int:
    """Delete the device codes that are over; return how many there were."""
    return conn.execute("DELETE FROM device_codes WHERE expires_at <= :now", {"now": now}).rowcount


def sizes(conn: sqlite3.Connection) -> dict[str, int]:
    """How many rows the tables of this room have that grow."""
    row = conn.execute(
        """
        SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM api_keys) AS api_keys,
            (SELECT count(*) FROM web_sessions) AS web_sessions
        """
    ).fetchone()
    return dict(row)


def _person(row: sqlite3.Row) -> Person:
    """The first eight columns of a row: id, username, display name, role, privacy, avatar, disabled at, created at."""
    return Person(row[0], row[1], row[2], row[3], row[4] == 1, row[5], row[6], row[7])
