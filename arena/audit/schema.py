"""The audit room's tables."""

from hashlib import sha256

import msgspec
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


@migrations(name="0002_chain")
def _(db: Database) -> None:
    # Each row is chained to the one before it by its hash, and triggers let rows be added at the end and, once the
    # anchor has passed them, taken away at the beginning. What was noted before loses the names that stood in it.
    db.execute(
        """
        CREATE TABLE security_audit_rows (
            seq INTEGER PRIMARY KEY,
            created_at INTEGER NOT NULL,
            event_type TEXT NOT NULL,
            user_id TEXT,
            ip_address TEXT,
            user_agent TEXT,
            details TEXT NOT NULL,
            hash BLOB NOT NULL CHECK (length(hash) = 32)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE security_audit_chain (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            anchor_seq INTEGER NOT NULL,
            anchor_hash BLOB NOT NULL CHECK (length(anchor_hash) = 32),
            head_seq INTEGER NOT NULL CHECK (head_seq >= anchor_seq),
            head_hash BLOB NOT NULL CHECK (length(head_hash) = 32)
        ) STRICT
        """
    )
    seq, hash = 0, bytes(32)
    old = db.execute(
        """
        SELECT created_at, event_type, user_id, ip_address, user_agent,
            json_remove(details, '$.name', '$.label') AS details
        FROM security_audit_log ORDER BY created_at, id
        """
    )
    for row in old:
        seq += 1
        hash = sha256(hash + msgspec.json.encode((seq, *row))).digest()
        db.execute("INSERT INTO security_audit_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (seq, *row, hash))
    db.execute("INSERT INTO security_audit_chain VALUES (1, 0, ?, ?, ?)", (bytes(32), seq, hash))
    db.execute("DROP TABLE security_audit_log")
    db.execute("ALTER TABLE security_audit_rows RENAME TO security_audit_log")
    for column in ("event_type", "user_id", "ip_address"):
        db.execute(f"CREATE INDEX idx_security_audit_log_{column} ON security_audit_log ({column}, created_at)")
    db.execute("CREATE INDEX idx_security_audit_log_created_at ON security_audit_log (created_at)")
    db.execute(
        """
        CREATE TRIGGER security_audit_log_is_added_at_the_end BEFORE INSERT ON security_audit_log
        WHEN NEW.seq <> (SELECT head_seq FROM security_audit_chain) + 1
        BEGIN SELECT RAISE(ABORT, 'the security log is only added to, at its end'); END
        """
    )
    db.execute(
        """
        CREATE TRIGGER security_audit_log_is_never_changed BEFORE UPDATE ON security_audit_log
        BEGIN SELECT RAISE(ABORT, 'the security log is never changed'); END
        """
    )
    db.execute(
        """
        CREATE TRIGGER security_audit_log_loses_only_its_beginning BEFORE DELETE ON security_audit_log
        WHEN OLD.seq > (SELECT anchor_seq FROM security_audit_chain)
        BEGIN SELECT RAISE(ABORT, 'the security log loses rows only at its beginning, after the anchor has passed'); END
        """
    )
    db.execute(
        """
        CREATE TRIGGER security_audit_chain_moves_forward BEFORE UPDATE ON security_audit_chain
        WHEN NEW.head_seq < OLD.head_seq OR NEW.anchor_seq < OLD.anchor_seq
            OR NEW.head_hash IS NOT (SELECT hash FROM security_audit_log WHERE seq = NEW.head_seq)
            OR NEW.anchor_seq > OLD.anchor_seq
                AND NEW.anchor_hash IS NOT (SELECT hash FROM security_audit_log WHERE seq = NEW.anchor_seq)
        BEGIN SELECT RAISE(ABORT, 'the chain of the security log only moves forward, to rows that are there'); END
        """
    )
    db.execute(
        """
        CREATE TRIGGER security_audit_chain_is_one BEFORE INSERT ON security_audit_chain
        BEGIN SELECT RAISE(ABORT, 'the security log has one chain'); END
        """
    )
    db.execute(
        """
        CREATE TRIGGER security_audit_chain_stays BEFORE DELETE ON security_audit_chain
        BEGIN SELECT RAISE(ABORT, 'the security log keeps its chain'); END
        """
    )


@migrations(name="0003_several_at_the_end")
def _(db: Database) -> None:
    # Several rows are added before the head moves to the last of them.
    db.execute("DROP TRIGGER security_audit_log_is_added_at_the_end")
    db.execute(
        """
        CREATE TRIGGER security_audit_log_is_added_at_the_end BEFORE INSERT ON security_audit_log
        WHEN NEW.seq <= (SELECT head_seq FROM security_audit_chain)
        BEGIN SELECT RAISE(ABORT, 'the security log is only added to, at its end'); END
        """
    )
