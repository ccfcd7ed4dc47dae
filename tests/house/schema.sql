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
) STRICT;

CREATE INDEX idx_anomalies_state ON anomalies (state, flagged_at, session);

CREATE INDEX idx_anomalies_user_id ON anomalies (user_id);

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
) STRICT;

CREATE INDEX idx_api_keys_user_id ON api_keys (user_id);

CREATE TABLE chat_leaders (
    period TEXT PRIMARY KEY,
    start TEXT NOT NULL,
    told TEXT REFERENCES users (id) ON DELETE SET NULL,
    told_at INTEGER NOT NULL,
    leader TEXT REFERENCES users (id) ON DELETE SET NULL,
    since INTEGER NOT NULL
) STRICT;

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
) STRICT, WITHOUT ROWID;

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
) STRICT, WITHOUT ROWID;

CREATE TABLE closed_people (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE
) STRICT;

CREATE TABLE closed_records (
    person INTEGER NOT NULL REFERENCES closed_people (number) ON DELETE CASCADE,
    key BLOB NOT NULL,
    session INTEGER NOT NULL,
    sidechain INTEGER NOT NULL CHECK (sidechain IN (0, 1)),
    PRIMARY KEY (person, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE collectors (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE daily_tool_stats (
    tool INTEGER NOT NULL,
    stat_date TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_tokens INTEGER NOT NULL,
    session_count INTEGER NOT NULL,
    streak INTEGER NOT NULL, cost INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tool, stat_date, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_daily_tool_stats_user_id ON daily_tool_stats (user_id, tool, stat_date);

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
    created_at INTEGER NOT NULL, cost INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, stat_date)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_daily_user_stats_date ON daily_user_stats (stat_date, user_id);

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
) STRICT;

CREATE INDEX idx_deliveries_created_at ON deliveries (created_at);

CREATE INDEX idx_deliveries_user_id ON deliveries (user_id);

CREATE INDEX idx_deliveries_waiting ON deliveries (state, kind, next_at)
WHERE state IN ('queued', 'running');

CREATE TABLE delivery_outcomes (
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (kind, outcome)
) STRICT;

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
) STRICT;

CREATE TABLE email_links (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE failed_guesses (
    counter TEXT PRIMARY KEY,
    forgotten_at INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
) STRICT;

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
) STRICT;

CREATE INDEX idx_identities_user_id ON identities (user_id);

CREATE TABLE job_runs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    did TEXT,
    problem TEXT NOT NULL
) STRICT;

CREATE INDEX idx_job_runs_finished_at ON job_runs (finished_at);

CREATE INDEX idx_job_runs_name ON job_runs (name, id);

CREATE TABLE jobs (
    name TEXT PRIMARY KEY,
    due_at INTEGER,
    claim TEXT,
    started_at INTEGER,
    lease_ends_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE kept_days (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    first_day TEXT NOT NULL,
    longest_streak INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE metric_streams (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    stream BLOB NOT NULL,
    at INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (user_id, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE notices_told (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT;

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
) STRICT;

CREATE TABLE price_versions (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    as_of TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    loaded_at INTEGER NOT NULL
, applied_at INTEGER) STRICT;

CREATE TABLE prices (
    model TEXT NOT NULL,
    effective_from TEXT NOT NULL,
    version INTEGER NOT NULL REFERENCES price_versions (number),
    price TEXT NOT NULL,
    PRIMARY KEY (model, effective_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE project_evaluations (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    project_name TEXT NOT NULL,
    day TEXT NOT NULL,
    state TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    description TEXT NOT NULL,
    file_structure TEXT,
    local_score INTEGER NOT NULL,
    local_summary TEXT,
    claim TEXT,
    lease_ends_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    total_score INTEGER,
    rubric_functionality INTEGER,
    rubric_practicality INTEGER,
    passed INTEGER,
    cumulative_after INTEGER,
    feedback TEXT,
    verdicts TEXT,
    reason TEXT,
    llm_model TEXT,
    llm_provider TEXT,
    created_at INTEGER NOT NULL,
    evaluated_at INTEGER
) STRICT;

CREATE UNIQUE INDEX idx_evaluations_content ON project_evaluations (project_id, content_hash)
WHERE state <> 'failed';

CREATE INDEX idx_evaluations_done
ON project_evaluations (project_id, evaluated_at, id, user_id, total_score, passed, state)
WHERE state = 'done';

CREATE INDEX idx_evaluations_project_id ON project_evaluations (project_id, created_at);

CREATE INDEX idx_evaluations_state ON project_evaluations (state, created_at);

CREATE INDEX idx_evaluations_user_id ON project_evaluations (user_id, day);

CREATE TABLE project_questions (
    id TEXT PRIMARY KEY,
    evaluation_id TEXT REFERENCES project_evaluations (id) ON DELETE SET NULL,
    reading INTEGER NOT NULL,
    day TEXT NOT NULL,
    outcome TEXT NOT NULL,
    llm_model TEXT NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_tokens INTEGER,
    cost INTEGER,
    asked_at INTEGER NOT NULL
, most INTEGER, sample TEXT) STRICT;

CREATE INDEX idx_questions_day ON project_questions (day);

CREATE INDEX idx_questions_evaluation_id ON project_questions (evaluation_id, reading);

CREATE INDEX idx_questions_outcome ON project_questions (outcome, cost);

CREATE INDEX idx_questions_under_way ON project_questions (asked_at) WHERE outcome = 'asked';

CREATE TABLE project_readings (
    evaluation_id TEXT NOT NULL REFERENCES project_evaluations (id) ON DELETE CASCADE,
    reading INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (evaluation_id, reading)
) STRICT;

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_path_hash TEXT NOT NULL,
    project_name TEXT NOT NULL,
    total_score INTEGER,
    rubric_functionality INTEGER,
    rubric_practicality INTEGER,
    passed INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    evaluated_at INTEGER,
    UNIQUE (user_id, project_path_hash)
) STRICT;

CREATE INDEX idx_projects_score ON projects (total_score DESC, evaluated_at) WHERE passed = 1;

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
) STRICT, WITHOUT ROWID;

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
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_rankings_podium ON rankings (period_type, period_start, rank_position) WHERE rank_position <= 3;

CREATE INDEX idx_rankings_user_id ON rankings (user_id, period_type, period_start);

CREATE TABLE recent_sessions (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sessions TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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
    cache_read_tokens INTEGER NOT NULL, cost INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day, tool, road, excluded)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER security_audit_chain_is_one BEFORE INSERT ON security_audit_chain
BEGIN SELECT RAISE(ABORT, 'the security log has one chain'); END;

CREATE TRIGGER security_audit_chain_moves_forward BEFORE UPDATE ON security_audit_chain
WHEN NEW.head_seq < OLD.head_seq OR NEW.anchor_seq < OLD.anchor_seq
    OR NEW.head_hash IS NOT (SELECT hash FROM security_audit_log WHERE seq = NEW.head_seq)
    OR NEW.anchor_seq > OLD.anchor_seq
        AND NEW.anchor_hash IS NOT (SELECT hash FROM security_audit_log WHERE seq = NEW.anchor_seq)
BEGIN SELECT RAISE(ABORT, 'the chain of the security log only moves forward, to rows that are there'); END;

CREATE TRIGGER security_audit_chain_stays BEFORE DELETE ON security_audit_chain
BEGIN SELECT RAISE(ABORT, 'the security log keeps its chain'); END;

CREATE TABLE security_audit_chain (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    anchor_seq INTEGER NOT NULL,
    anchor_hash BLOB NOT NULL CHECK (length(anchor_hash) = 32),
    head_seq INTEGER NOT NULL CHECK (head_seq >= anchor_seq),
    head_hash BLOB NOT NULL CHECK (length(head_hash) = 32)
) STRICT;

CREATE TRIGGER security_audit_log_is_added_at_the_end BEFORE INSERT ON security_audit_log
WHEN NEW.seq <= (SELECT head_seq FROM security_audit_chain)
BEGIN SELECT RAISE(ABORT, 'the security log is only added to, at its end'); END;

CREATE TRIGGER security_audit_log_is_never_changed BEFORE UPDATE ON security_audit_log
BEGIN SELECT RAISE(ABORT, 'the security log is never changed'); END;

CREATE TRIGGER security_audit_log_loses_only_its_beginning BEFORE DELETE ON security_audit_log
WHEN OLD.seq > (SELECT anchor_seq FROM security_audit_chain)
BEGIN SELECT RAISE(ABORT, 'the security log loses rows only at its beginning, after the anchor has passed'); END;

CREATE TABLE "security_audit_log" (
    seq INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    user_id TEXT,
    ip_address TEXT,
    user_agent TEXT,
    details TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX idx_security_audit_log_created_at ON security_audit_log (created_at);

CREATE INDEX idx_security_audit_log_event_type ON security_audit_log (event_type, created_at);

CREATE INDEX idx_security_audit_log_ip_address ON security_audit_log (ip_address, created_at);

CREATE INDEX idx_security_audit_log_user_id ON security_audit_log (user_id, created_at);

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
    updated_at INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    UNIQUE (user_id, session_hash)
) STRICT;

CREATE TABLE slack_invitations (
    workspace TEXT NOT NULL,
    slack_user TEXT NOT NULL,
    invited_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, slack_user)
) STRICT, WITHOUT ROWID;

CREATE TABLE slack_links (
    digest TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    slack_user TEXT NOT NULL,
    slack_name TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE slack_people (
    workspace TEXT NOT NULL,
    slack_user TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, slack_user)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_slack_people_user_id ON slack_people (user_id);

CREATE TABLE slack_requests (
    signature TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE team_budget_marks (
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    month TEXT NOT NULL,
    mark INTEGER NOT NULL,
    reached_at INTEGER NOT NULL,
    PRIMARY KEY (team_id, month, mark)
) STRICT, WITHOUT ROWID;

CREATE TABLE team_budgets (
    team_id TEXT PRIMARY KEY REFERENCES teams (id) ON DELETE CASCADE,
    amount INTEGER NOT NULL CHECK (amount > 0),
    set_at INTEGER NOT NULL
) STRICT;

CREATE TABLE team_members (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    joined_at INTEGER NOT NULL
) STRICT;

CREATE INDEX idx_team_members_team_id ON team_members (team_id);

CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE telemetry_people (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE telemetry_prompts (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    prompt BLOB NOT NULL,
    key BLOB NOT NULL, at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, prompt)
) STRICT, WITHOUT ROWID;

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
, cost INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;

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
) STRICT;

CREATE TABLE transcript_requests (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    request BLOB NOT NULL,
    PRIMARY KEY (user_id, request)
) STRICT, WITHOUT ROWID;

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
    counted INTEGER NOT NULL CHECK (counted IN (0, 1)), tokens_known INTEGER NOT NULL DEFAULT 1 CHECK (tokens_known IN (0, 1)), cost INTEGER, price_version INTEGER,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_budget_marks (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    month TEXT NOT NULL,
    mark INTEGER NOT NULL,
    reached_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, month, mark)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_budgets (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    amount INTEGER NOT NULL CHECK (amount > 0),
    set_at INTEGER NOT NULL
) STRICT;

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
, total_cost INTEGER NOT NULL DEFAULT 0, total_unpriced INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;

CREATE INDEX idx_user_stats_last_activity_at ON user_stats (last_activity_at);

CREATE TABLE user_tool_stats (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tool INTEGER NOT NULL,
    total_input_tokens INTEGER NOT NULL,
    total_output_tokens INTEGER NOT NULL,
    total_cache_tokens INTEGER NOT NULL,
    total_sessions INTEGER NOT NULL, total_cost INTEGER NOT NULL DEFAULT 0, total_unpriced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, tool)
) STRICT, WITHOUT ROWID;

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
, email_verified_at INTEGER, weekly_digest INTEGER NOT NULL DEFAULT 0 CHECK (weekly_digest IN (0, 1))) STRICT;

CREATE INDEX idx_users_email ON users (email) WHERE email IS NOT NULL;

CREATE TABLE web_sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ip_address TEXT,
    user_agent TEXT
) STRICT;

CREATE INDEX idx_web_sessions_user_id ON web_sessions (user_id);
