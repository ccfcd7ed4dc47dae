"""The boards' tables: rankings of days, weeks and months that are over, and which of these are frozen.

A frozen ranking is read only while its row in `ranking_periods` says that it is whole, so one that was broken off
while it was written is seen by nobody.
"""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("leaderboard")


@migrations(name="0001_rankings")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE ranking_periods (
            period_type TEXT NOT NULL CHECK (period_type IN ('daily', 'weekly', 'monthly')),
            period_start TEXT NOT NULL,
            period_end TEXT NOT NULL,
            people INTEGER NOT NULL,
            claim TEXT,
            is_whole INTEGER NOT NULL CHECK (is_whole IN (0, 1)),
            frozen_at INTEGER,
            updated_at INTEGER NOT NULL,
            final_at INTEGER,
            PRIMARY KEY (period_type, period_start)
        ) STRICT, WITHOUT ROWID
        """
    )
    # One row holds a person's places by every metric and the figures behind them: places stay as they were, whoever
    # leaves later.
    db.execute(
        """
        CREATE TABLE rankings (
            period_type TEXT NOT NULL,
            period_start TEXT NOT NULL,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            rank_position INTEGER,
            rank_by_tokens INTEGER,
            rank_by_cost INTEGER,
            rank_by_sessions INTEGER,
            rank_by_streak INTEGER,
            rank_by_projects INTEGER,
            composite_score REAL NOT NULL,
            efficiency_score REAL NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_tokens INTEGER NOT NULL,
            total_tokens INTEGER GENERATED ALWAYS AS (input_tokens + output_tokens + cache_tokens) VIRTUAL,
            session_count INTEGER NOT NULL,
            streak INTEGER NOT NULL,
            cost INTEGER NOT NULL,
            unpriced INTEGER NOT NULL,
            project_score INTEGER NOT NULL,
            PRIMARY KEY (period_type, period_start, user_id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX idx_rankings_user_id ON rankings (user_id, period_type, period_start)")
    db.execute(
        "CREATE INDEX idx_rankings_podium ON rankings (period_type, period_start, rank_position) "
        "WHERE rank_position <= 3"
    )
