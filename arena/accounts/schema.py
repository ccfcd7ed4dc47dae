"""The accounts room's tables."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("accounts")


@migrations(name="0001_users")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE users (
            id TEXT PRIMARY KEY,
            username TEXT NOT NULL UNIQUE CHECK (username = lower(username)),
            display_name TEXT NOT NULL,
            role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
            password_hash TEXT,
            email TEXT,
            github_id TEXT UNIQUE,
            github_username TEXT,
            github_avatar_url TEXT,
            privacy_mode INTEGER NOT NULL DEFAULT 0 CHECK (privacy_mode IN (0, 1)),
            disabled_at INTEGER,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT
        """
    )


@migrations(name="0002_api_keys")
def _(db: Database) -> None:
    # key_hash is the SHA-256 of the whole key in hex: 128 random bits need no slower hash and no pepper.
    db.execute(
        """
        CREATE TABLE api_keys (
            id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            key_hash TEXT NOT NULL UNIQUE,
            prefix TEXT NOT NULL,
            label TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            last_used_at INTEGER,
            last_refused_at INTEGER,
            revoked_at INTEGER
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_api_keys_user_id ON api_keys (user_id)")


@migrations(name="0003_web_sessions")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE web_sessions (
            id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            token_hash TEXT NOT NULL UNIQUE,
            created_at INTEGER NOT NULL,
            last_seen_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            ip_address TEXT,
            user_agent TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_web_sessions_user_id ON web_sessions (user_id)")


@migrations(name="0004_one_time_links")
def _(db: Database) -> None:
    # A sign-in link belongs to a person; an invitation may fix the name of the person to come.
    db.execute(
        """
        CREATE TABLE one_time_links (
            token_hash TEXT PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('admin', 'invite', 'sign-in')),
            user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
            name TEXT,
            role TEXT NOT NULL CHECK (role IN ('member', 'admin')),
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            used_at INTEGER,
            CHECK ((kind = 'sign-in') = (user_id IS NOT NULL))
        ) STRICT
        """
    )


@migrations(name="0005_failed_guesses")
def _(db: Database) -> None:
    # counter is a keyed hash of what was guessed at and from where: no name that was typed, no address stands here.
    db.execute(
        """
        CREATE TABLE failed_guesses (
            counter TEXT PRIMARY KEY,
            forgotten_at INTEGER NOT NULL,
            blocked_until INTEGER NOT NULL
        ) STRICT
        """
    )


@migrations(name="0006_device_codes")
def _(db: Database) -> None:
    # A machine without a browser asks for a key. Both codes are kept as their SHA-256: the long one is 256 random bits,
    # the short one opens nothing by itself. `pause` is in seconds.
    db.execute(
        """
        CREATE TABLE device_codes (
            device_hash TEXT PRIMARY KEY,
            user_code_hash TEXT NOT NULL UNIQUE,
            label TEXT NOT NULL,
            ip_address TEXT,
            user_agent TEXT,
            state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'allowed', 'denied', 'used')),
            user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
            pause INTEGER NOT NULL,
            polled_at INTEGER,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            CHECK ((state = 'pending') = (user_id IS NULL))
        ) STRICT
        """
    )


@migrations(name="0007_identities")
def _(db: Database) -> None:
    # The one truth about who comes by which provider. github_id and github_username in users were never written and
    # stay empty. Somebody is the same by issuer and subject: a GitHub Enterprise numbers its people as github.com does.
    db.execute(
        """
        CREATE TABLE identities (
            id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            provider TEXT NOT NULL,
            issuer TEXT NOT NULL,
            subject TEXT NOT NULL,
            login TEXT NOT NULL,
            email TEXT,
            created_at INTEGER NOT NULL,
            last_used_at INTEGER NOT NULL,
            UNIQUE (issuer, subject)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_identities_user_id ON identities (user_id)")


@migrations(name="0008_mail")
def _(db: Database) -> None:
    # email holds only an address whose owner confirmed it; it was never written before.
    db.execute("ALTER TABLE users ADD COLUMN email_verified_at INTEGER")
    db.execute("ALTER TABLE users ADD COLUMN weekly_digest INTEGER NOT NULL DEFAULT 0 CHECK (weekly_digest IN (0, 1))")
    db.execute("CREATE INDEX idx_users_email ON users (email) WHERE email IS NOT NULL")
    # An address that somebody wants, until its owner opens the link that was mailed there.
    db.execute(
        """
        CREATE TABLE email_links (
            user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            token_hash TEXT NOT NULL UNIQUE,
            email TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) STRICT
        """
    )
    # The last row of the security log that people were mailed about.
    db.execute("CREATE TABLE notices_told (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT")
