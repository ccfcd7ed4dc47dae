"""The usage room's tables.

`usage_records` is the truth; everything else here is sums of it. It is keyed by person and identity, without a second
index, because it is by far the largest table: the first half of ``key`` is the hash of the message, so one range
reads all records of one message. Its ``session`` has no foreign key: checking one would scan this table whenever a
session is deleted.
"""

from datetime import date, timedelta

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("usage")


@migrations(name="0001_tool_types")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE tool_types (
            id TEXT PRIMARY KEY,
            number INTEGER NOT NULL UNIQUE,
            name TEXT NOT NULL,
            display_name TEXT NOT NULL,
            icon_url TEXT,
            color TEXT NOT NULL,
            is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
            sort_order INTEGER NOT NULL,
            created_at INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """
    )
    rows = (
        (1, "claude-code", "Claude Code", "#122F3F"),
        (2, "claude-desktop", "Claude Desktop", "#B95635"),
        (3, "opencode", "OpenCode", "#579C86"),
        (4, "gemini", "Gemini CLI", "#9569A5"),
        (5, "codex", "Codex", "#B38C00"),
        (6, "crush", "Crush", "#525D63"),
    )
    for number, id, display_name, color in rows:
        db.execute(
            "INSERT INTO tool_types (id, number, name, display_name, color, sort_order) "
            "VALUES (:id, :number, :id, :display_name, :color, :number)",
            {"id": id, "number": number, "display_name": display_name, "color": color},
        )


@migrations(name="0002_sessions")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE sessions (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            tool_type_id TEXT NOT NULL REFERENCES tool_types (id),
            session_hash TEXT NOT NULL,
            anonymous_project_id TEXT,
            device TEXT,
            road INTEGER NOT NULL,
            day TEXT NOT NULL,
            first_at INTEGER,
            started_at INTEGER NOT NULL,
            ended_at INTEGER NOT NULL,
            duration_seconds INTEGER NOT NULL,
            model_name TEXT,
            turn_count INTEGER NOT NULL DEFAULT 0,
            tool_usage TEXT NOT NULL DEFAULT '{}',
            code_metrics TEXT NOT NULL DEFAULT '{}',
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            UNIQUE (user_id, session_hash)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE token_usage (
            session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
            user_id TEXT NOT NULL,
            tool_type_id TEXT NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_creation_tokens INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL,
            total_tokens INTEGER GENERATED ALWAYS AS
                (input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens) VIRTUAL,
            recorded_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations(name="0003_usage_records")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE collectors (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE usage_records (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            key BLOB NOT NULL,
            session INTEGER NOT NULL,
            tool INTEGER NOT NULL,
            road INTEGER NOT NULL,
            request BLOB,
            sidechain INTEGER NOT NULL CHECK (sidechain IN (0, 1)),
            at INTEGER NOT NULL,
            day TEXT NOT NULL,
            model TEXT NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL,
            cache_write_1h INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL,
            tools TEXT,
            lines_added INTEGER NOT NULL,
            lines_deleted INTEGER NOT NULL,
            files_created INTEGER NOT NULL,
            files_modified INTEGER NOT NULL,
            turns INTEGER NOT NULL,
            web_searches INTEGER NOT NULL,
            speed TEXT,
            service_tier TEXT,
            region TEXT,
            cost_recorded REAL,
            collector INTEGER NOT NULL,
            counted INTEGER NOT NULL CHECK (counted IN (0, 1)),
            PRIMARY KEY (user_id, key)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations(name="0004_totals")
def _(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE road_days (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            day TEXT NOT NULL,
            tool INTEGER NOT NULL,
            road INTEGER NOT NULL,
            sessions INTEGER NOT NULL,
            records INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL,
            PRIMARY KEY (user_id, day, tool, road)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE daily_user_stats (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            stat_date TEXT NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_tokens INTEGER NOT NULL,
            total_tokens INTEGER GENERATED ALWAYS AS (input_tokens + output_tokens + cache_tokens) VIRTUAL,
            session_count INTEGER NOT NULL,
            by_tool TEXT NOT NULL,
            streak INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (user_id, stat_date)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX idx_daily_user_stats_date ON daily_user_stats (stat_date, user_id)")
    db.execute(
        """
        CREATE TABLE user_stats (
            user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            total_input_tokens INTEGER NOT NULL,
            total_output_tokens INTEGER NOT NULL,
            total_cache_tokens INTEGER NOT NULL,
            total_all_tokens INTEGER GENERATED ALWAYS AS
                (total_input_tokens + total_output_tokens + total_cache_tokens) VIRTUAL,
            tokens_by_tool TEXT NOT NULL,
            total_sessions INTEGER NOT NULL,
            sessions_by_tool TEXT NOT NULL,
            successful_projects_count INTEGER NOT NULL DEFAULT 0,
            total_evaluations INTEGER NOT NULL DEFAULT 0,
            last_activity_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX idx_user_stats_last_activity_at ON user_stats (last_activity_at)")


@migrations(name="0005_kilo_and_qwen")
def _(db: Database) -> None:
    for number, id, display_name in ((7, "kilo", "Kilo CLI"), (8, "qwen", "Qwen Code")):
        db.execute(
            "INSERT INTO tool_types (id, number, name, display_name, color, sort_order) "
            "VALUES (:id, :number, :id, :display_name, '#525D63', :number)",
            {"id": id, "number": number, "display_name": display_name},
        )


@migrations(name="0006_tool_stats")
def _(db: Database) -> None:
    # Keyed by tool and day first: a board of one tool reads one stretch of it.
    db.execute(
        """
        CREATE TABLE daily_tool_stats (
            tool INTEGER NOT NULL,
            stat_date TEXT NOT NULL,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_tokens INTEGER NOT NULL,
            session_count INTEGER NOT NULL,
            streak INTEGER NOT NULL,
            PRIMARY KEY (tool, stat_date, user_id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX idx_daily_tool_stats_user_id ON daily_tool_stats (user_id, tool, stat_date)")
    db.execute(
        """
        CREATE TABLE user_tool_stats (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            tool INTEGER NOT NULL,
            total_input_tokens INTEGER NOT NULL,
            total_output_tokens INTEGER NOT NULL,
            total_cache_tokens INTEGER NOT NULL,
            total_sessions INTEGER NOT NULL,
            PRIMARY KEY (user_id, tool)
        ) STRICT, WITHOUT ROWID
        """
    )
    # What is there already: of each day and tool the lowest road that brought anything.
    db.execute(
        """
        INSERT INTO daily_tool_stats
        SELECT r.tool, r.day, r.user_id, r.input_tokens, r.output_tokens, r.cache_write_tokens + r.cache_read_tokens,
               r.sessions, 0
        FROM road_days AS r
        WHERE (r.records > 0 OR r.sessions > 0)
          AND r.input_tokens + r.output_tokens + r.cache_write_tokens + r.cache_read_tokens + r.sessions > 0
          AND NOT EXISTS (
              SELECT 1 FROM road_days AS l
              WHERE l.user_id = r.user_id AND l.day = r.day AND l.tool = r.tool AND l.road < r.road
                AND (l.records > 0 OR l.sessions > 0)
          )
        """
    )
    db.execute(
        """
        INSERT INTO user_tool_stats
        SELECT user_id, tool, SUM(input_tokens), SUM(output_tokens), SUM(cache_tokens), SUM(session_count)
        FROM daily_tool_stats GROUP BY user_id, tool
        """
    )
    whose: tuple[int, str] | None = None
    last, run = date.min, 0
    active = db.execute(
        """
        SELECT tool, user_id, stat_date FROM daily_tool_stats
        WHERE input_tokens + output_tokens + cache_tokens > 0 ORDER BY tool, user_id, stat_date
        """
    ).fetchall()
    for tool, user_id, stat_date in active:
        current = date.fromisoformat(stat_date)
        run = run + 1 if whose == (tool, user_id) and current - last == timedelta(days=1) else 1
        whose, last = (tool, user_id), current
        db.execute(
            "UPDATE daily_tool_stats SET streak = :run "
            "WHERE tool = :tool AND stat_date = :stat_date AND user_id = :user_id",
            {"run": run, "tool": tool, "stat_date": stat_date, "user_id": user_id},
        )


@migrations(name="0007_more_tools")
def _(db: Database) -> None:
    for number, id, display_name in (
        (20, "copilot", "Copilot CLI"),
        (21, "amp", "Amp"),
        (22, "droid", "Droid"),
        (23, "goose", "Goose"),
        (24, "cline", "Cline"),
        (25, "roo-code", "Roo Code"),
        (26, "kilo-code", "Kilo Code"),
    ):
        db.execute(
            "INSERT INTO tool_types (id, number, name, display_name, color, sort_order) "
            "VALUES (:id, :number, :id, :display_name, '#525D63', :number)",
            {"id": id, "number": number, "display_name": display_name},
        )


@migrations(name="0008_tokens_known")
def _(db: Database) -> None:
    db.execute(
        "ALTER TABLE usage_records ADD COLUMN tokens_known INTEGER NOT NULL DEFAULT 1 CHECK (tokens_known IN (0, 1))"
    )


@migrations(name="0009_anomalies")
def _(db: Database) -> None:
    # What excluded sessions hold still decides which road counts on a day, so it stays here, apart.
    db.execute("ALTER TABLE road_days RENAME TO road_days_before")
    db.execute(
        """
        CREATE TABLE road_days (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            day TEXT NOT NULL,
            tool INTEGER NOT NULL,
            road INTEGER NOT NULL,
            excluded INTEGER NOT NULL CHECK (excluded IN (0, 1)),
            sessions INTEGER NOT NULL,
            records INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL,
            PRIMARY KEY (user_id, day, tool, road, excluded)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        "INSERT INTO road_days SELECT user_id, day, tool, road, 0, sessions, records, input_tokens, output_tokens, "
        "cache_write_tokens, cache_read_tokens FROM road_days_before"
    )
    db.execute("DROP TABLE road_days_before")
    db.execute(
        """
        CREATE TABLE recent_sessions (
            user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            sessions TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE anomalies (
            session INTEGER PRIMARY KEY REFERENCES sessions (number) ON DELETE CASCADE,
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            state TEXT NOT NULL CHECK (state IN ('open', 'fine', 'excluded')),
            reasons TEXT NOT NULL,
            usual INTEGER,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_tokens INTEGER NOT NULL,
            flagged_at INTEGER NOT NULL,
            decided_at INTEGER,
            decided_by TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX idx_anomalies_user_id ON anomalies (user_id)")
    db.execute("CREATE INDEX idx_anomalies_state ON anomalies (state, flagged_at, session)")


@migrations(name="0010_costs")
def _(db: Database) -> None:
    # Costs are billionths of a US dollar; `unpriced` counts the records whose cost nobody knows.
    db.execute("ALTER TABLE usage_records ADD COLUMN cost INTEGER")
    db.execute("ALTER TABLE usage_records ADD COLUMN price_version INTEGER")
    for table in ("road_days", "token_usage", "daily_user_stats", "daily_tool_stats"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN cost INTEGER NOT NULL DEFAULT 0")
        db.execute(f"ALTER TABLE {table} ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0")
    for table in ("user_stats", "user_tool_stats"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN total_cost INTEGER NOT NULL DEFAULT 0")
        db.execute(f"ALTER TABLE {table} ADD COLUMN total_unpriced INTEGER NOT NULL DEFAULT 0")


@migrations(name="0011_tools_of_ccusage")
def _(db: Database) -> None:
    for number, id, display_name in (
        (40, "codebuff", "Codebuff"),
        (41, "hermes", "Hermes"),
        (42, "pi", "Pi"),
        (43, "antigravity", "Antigravity"),
        (44, "kimi", "Kimi"),
        (45, "openclaw", "OpenClaw"),
        (46, "grok", "Grok Build"),
        (47, "zcode", "ZCode"),
        (99, "unknown", "Tool not told"),
    ):
        db.execute(
            "INSERT INTO tool_types (id, number, name, display_name, color, sort_order) "
            "VALUES (:id, :number, :id, :display_name, '#525D63', :number)",
            {"id": id, "number": number, "display_name": display_name},
        )


@migrations(name="0012_telemetry")
def _(db: Database) -> None:
    # Metrics take a road of their own, above the session API (3 until now) and ccusage (4).
    for road in (4, 3):
        for statement in (
            "UPDATE usage_records SET road = road + 1 WHERE road = :road",
            "UPDATE road_days SET road = road + 1 WHERE road = :road",
            "UPDATE sessions SET road = road + 1 WHERE road = :road",
        ):
            db.execute(statement, {"road": road})
    db.execute(
        """
        CREATE TABLE telemetry_people (
            user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            since INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    # Of people who send telemetry as well: an index over all requests would cost everybody else a third more disk.
    db.execute(
        """
        CREATE TABLE transcript_requests (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            request BLOB NOT NULL,
            PRIMARY KEY (user_id, request)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE telemetry_prompts (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            prompt BLOB NOT NULL,
            key BLOB NOT NULL,
            PRIMARY KEY (user_id, prompt)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE metric_streams (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            stream BLOB NOT NULL,
            at INTEGER NOT NULL,
            value INTEGER NOT NULL,
            PRIMARY KEY (user_id, stream)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations(name="0013_closed")
def _(db: Database) -> None:
    # What is left of records whose detail is gone. Their identities are kept for ever, so people are numbered here:
    # an id in each of them would take more than twice the disk.
    db.execute(
        """
        CREATE TABLE closed_people (
            number INTEGER PRIMARY KEY,
            user_id TEXT NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE closed_records (
            person INTEGER NOT NULL REFERENCES closed_people (number) ON DELETE CASCADE,
            key BLOB NOT NULL,
            session INTEGER NOT NULL,
            sidechain INTEGER NOT NULL CHECK (sidechain IN (0, 1)),
            PRIMARY KEY (person, key)
        ) STRICT, WITHOUT ROWID
        """
    )
    # By project and model too: so that a project can still be forgotten, and for whoever pays.
    db.execute(
        """
        CREATE TABLE closed_days (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            day TEXT NOT NULL,
            tool INTEGER NOT NULL,
            road INTEGER NOT NULL,
            excluded INTEGER NOT NULL CHECK (excluded IN (0, 1)),
            project TEXT NOT NULL,
            model TEXT NOT NULL,
            counted INTEGER NOT NULL CHECK (counted IN (0, 1)),
            records INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL,
            cost INTEGER NOT NULL,
            unpriced INTEGER NOT NULL,
            PRIMARY KEY (user_id, day, tool, road, excluded, project, model)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE closed_habits (
            user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            project TEXT NOT NULL,
            sessions INTEGER NOT NULL,
            seconds INTEGER NOT NULL,
            turns INTEGER NOT NULL,
            lines_added INTEGER NOT NULL,
            lines_deleted INTEGER NOT NULL,
            files_created INTEGER NOT NULL,
            files_modified INTEGER NOT NULL,
            tools TEXT NOT NULL,
            models TEXT NOT NULL,
            hours TEXT NOT NULL,
            ends TEXT NOT NULL,
            PRIMARY KEY (user_id, project)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("ALTER TABLE sessions ADD COLUMN closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1))")
    db.execute("ALTER TABLE telemetry_prompts ADD COLUMN at INTEGER NOT NULL DEFAULT 0")
    # Whose oldest daily rows are gone: the first day that may have one, and the longest run of active days before it.
    db.execute(
        """
        CREATE TABLE kept_days (
            user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            first_day TEXT NOT NULL,
            longest_streak INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
