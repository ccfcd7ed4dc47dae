"""The deliveries room's tables."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("deliveries")


@migrations(name="0001_deliveries")
def _(db: Database) -> None:
    # kind: mail, webhook. recipient: an address of mail, or the name of a webhook in the configuration.
    # state: queued, running, sent, dead. A running one belongs to whoever holds its claim until the lease ends.
    # content is JSON, and NULL once nobody needs it; of one with a secret as soon as it is sent or dead.
    # user_id names whom it is about and refers to nothing: people live on a higher floor.
    db.execute(
        """
        CREATE TABLE deliveries (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            recipient TEXT NOT NULL,
            topic TEXT NOT NULL,
            content TEXT,
            is_secret INTEGER NOT NULL,
            user_id TEXT,
            dedup_key TEXT NOT NULL UNIQUE,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            next_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            claim TEXT,
            lease_ends_at INTEGER,
            problem TEXT,
            created_at INTEGER NOT NULL,
            settled_at INTEGER
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE INDEX idx_deliveries_waiting ON deliveries (state, kind, next_at)
        WHERE state IN ('queued', 'running')
        """
    )
    db.execute("CREATE INDEX idx_deliveries_user_id ON deliveries (user_id)")
    db.execute("CREATE INDEX idx_deliveries_created_at ON deliveries (created_at)")
    # How often trying came to what, since the box was made.
    db.execute(
        """
        CREATE TABLE delivery_outcomes (
            kind TEXT NOT NULL,
            outcome TEXT NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (kind, outcome)
        ) STRICT
        """
    )
