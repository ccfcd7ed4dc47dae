"""The teams room's tables."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("teams")


@migrations(name="0001_teams")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE teams (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            slug TEXT NOT NULL UNIQUE,
            created_at INTEGER NOT NULL
        ) STRICT
        """
    )
    # Keyed by the person: nobody is in two teams.
    db.execute(
        """
        CREATE TABLE team_members (
            user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
            joined_at INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_team_members_team_id ON team_members (team_id)")
