"""The chat room's tables. Times are epoch milliseconds."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("chat")


@migrations(name="0001_leaders")
def _(db: Database) -> None:
    # Of each period that is watched: who was told to lead, and who leads since when.
    db.execute(
        """
        CREATE TABLE chat_leaders (
            period TEXT PRIMARY KEY,
            start TEXT NOT NULL,
            told TEXT REFERENCES users (id) ON DELETE SET NULL,
            told_at INTEGER NOT NULL,
            leader TEXT REFERENCES users (id) ON DELETE SET NULL,
            since INTEGER NOT NULL
        ) STRICT
        """
    )


@migrations(name="0002_slack")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE slack_people (
            workspace TEXT NOT NULL,
            slack_user TEXT NOT NULL,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            linked_at INTEGER NOT NULL,
            PRIMARY KEY (workspace, slack_user)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX idx_slack_people_user_id ON slack_people (user_id)")
    # Links to keys, by the hash of their token.
    db.execute(
        """
        CREATE TABLE slack_links (
            digest TEXT PRIMARY KEY,
            workspace TEXT NOT NULL,
            slack_user TEXT NOT NULL,
            slack_name TEXT NOT NULL,
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    # Signatures of the last minutes: what was asked once is not done again.
    db.execute(
        """
        CREATE TABLE slack_requests (
            signature TEXT PRIMARY KEY,
            at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    # Who was handed an invitation in Slack, and when.
    db.execute(
        """
        CREATE TABLE slack_invitations (
            workspace TEXT NOT NULL,
            slack_user TEXT NOT NULL,
            invited_at INTEGER NOT NULL,
            PRIMARY KEY (workspace, slack_user)
        ) STRICT, WITHOUT ROWID
        """
    )
