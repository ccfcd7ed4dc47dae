"""The audit room's table."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("audit")


@migrations(name="0001_security_audit_log")
def _(db: Database) -> None:
    # No foreign key to users: a row outlives the person it names.
    db.execute(
        """
        CREATE TABLE security_audit_log (
            id TEXT PRIMARY KEY,
            user_id TEXT,
            event_type TEXT NOT NULL,
            ip_address TEXT,
            user_agent TEXT,
            details TEXT NOT NULL DEFAULT '{}',
            created_at INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_security_audit_log_created_at ON security_audit_log (created_at, id)")
