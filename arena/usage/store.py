"""All SQL of the usage room."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from arena.usage.models import (
    Anomaly,
    BeforeWrite,
    Begun,
    ClosedPart,
    ClosedRecord,
    Day,
    FlaggedSession,
    Habits,
    RoadSums,
    StoredRecord,
    StoredSession,
    Totals,
    Used,
    UserTotals,
)

# -- records


def records_of_messages(conn: sqlite3.Connection, user_id: str, messages: Sequence[bytes]) -> list[StoredRecord]:
    """All records of some messages (8 bytes each): of each one, or none, or the main chain's and its replays."""
    rows = conn.execute(
        """
        WITH RECURSIVE asked (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM asked WHERE number < :last)
        SELECT r.* FROM asked AS a CROSS JOIN usage_records AS r
        WHERE r.user_id = :user_id AND r.key >= substr(:firsts, 16 * a.number + 1, 16)
            AND r.key <= substr(:lasts, 16 * a.number + 1, 16)
        """,
        {
            "user_id": user_id,
            "last": len(messages) - 1,
            "firsts": b"".join([message + bytes(8) for message in messages]),
            "lasts": b"".join([message + b"\xff" * 8 for message in messages]),
        },
    )
    return [StoredRecord(*row) for row in rows]


def put_records(conn: sqlite3.Connection, records: Iterable[StoredRecord]) -> None:
    """Insert records, or replace them by their larger copies."""
    rows: Any = records  # our connections take objects as they are
    conn.executemany(
        """
        INSERT INTO usage_records VALUES (
            :user_id, :key, :session, :tool, :road, :request, :sidechain, :at, :day, :model,
            :input_tokens, :output_tokens, :cache_write_5m, :cache_write_1h, :cache_read_tokens,
            :tools, :lines_added, :lines_deleted, :files_created, :files_modified, :turns, :web_searches,
            :speed, :service_tier, :region, :cost_recorded, :collector, :counted, :tokens_known, :cost, :price_version
        )
        ON CONFLICT (user_id, key) DO UPDATE SET
            session = excluded.session, tool = excluded.tool, road = excluded.road, request = excluded.request,
            sidechain = excluded.sidechain, at = excluded.at, day = excluded.day, model = excluded.model,
            input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cache_write_5m = excluded.cache_write_5m, cache_write_1h = excluded.cache_write_1h,
            cache_read_tokens = excluded.cache_read_tokens, tools = excluded.tools,
            lines_added = excluded.lines_added, lines_deleted = excluded.lines_deleted,
            files_created = excluded.files_created, files_modified = excluded.files_modified,
            turns = excluded.turns, web_searches = excluded.web_searches, speed = excluded.speed,
            service_tier = excluded.service_tier, region = excluded.region,
            cost_recorded = excluded.cost_recorded, collector = excluded.collector, counted = excluded.counted,
            tokens_known = excluded.tokens_known, cost = excluded.cost, price_version = excluded.price_version
        """,
        rows,
    )


def records_of_user(conn: sqlite3.Connection, user_id: str) -> list[StoredRecord]:
    """All records of a person, in the order of their keys."""
    rows = conn.execute("SELECT * FROM usage_records WHERE user_id = :user_id ORDER BY key", {"user_id": user_id})
    return [StoredRecord(*row) for row in rows]


def some_records_of_user(conn: sqlite3.Connection, user_id: str, after: bytes, limit: int) -> list[StoredRecord]:
    """The same, from the key after one on, so many at the most."""
    rows = conn.execute(
        "SELECT * FROM usage_records WHERE user_id = :user_id AND key > :after ORDER BY key LIMIT :limit",
        {"user_id": user_id, "after": after, "limit": limit},
    )
    return [StoredRecord(*row) for row in rows]


def records_to_price(conn: sqlite3.Connection, user_id: str, since: str) -> list[StoredRecord]:
    """A person's records whose cost nobody knows, and all of a day or later; in the order of their keys."""
    rows = conn.execute(
        """
        SELECT * FROM usage_records
        WHERE user_id = :user_id AND (cost IS NULL OR day >= :since) ORDER BY key
        """,
        {"user_id": user_id, "since": since},
    )
    return [StoredRecord(*row) for row in rows]


def unpriced_models(conn: sqlite3.Connection) -> list[tuple[str, int, int, str]]:
    """The models whose cost nobody knows: responses, their tokens, and the last day of any; most tokens first."""
    rows = conn.execute(
        """
        SELECT model, COUNT(*),
               CAST(SUM(input_tokens + output_tokens + cache_write_5m + cache_write_1h + cache_read_tokens) AS BIGINT)
                   AS tokens, MAX(day)
        FROM usage_records WHERE cost IS NULL AND counted = 1
        GROUP BY model
        HAVING SUM(input_tokens + output_tokens + cache_write_5m + cache_write_1h + cache_read_tokens) > 0
        ORDER BY tokens DESC, model
        """
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def uncount(conn: sqlite3.Connection, user_id: str, day: str, tool: int, road: int) -> set[int]:
    """Let a road's records of a person, tool and day not count; return the numbers of the sessions they are in."""
    rows = conn.execute(
        """
        UPDATE usage_records SET counted = 0
        WHERE user_id = :user_id AND day = :day AND tool = :tool AND road = :road AND counted = 1
        RETURNING session
        """,
        {"user_id": user_id, "day": day, "tool": tool, "road": road},
    )
    return {row[0] for row in rows}


def records_of_road(
    conn: sqlite3.Connection, user_id: str, day: str, tool: int, road: int | None
) -> list[StoredRecord]:
    """What a road brought for a person, tool and day. (Looks through all records of the person.)"""
    rows = conn.execute(
        """
        SELECT * FROM usage_records
        WHERE user_id = :user_id AND day = :day AND tool = :tool AND road = :road ORDER BY key
        """,
        {"user_id": user_id, "day": day, "tool": tool, "road": road},
    )
    return [StoredRecord(*row) for row in rows]


def records_of_session(conn: sqlite3.Connection, user_id: str, session: int) -> list[StoredRecord]:
    """A session's records, in the order of their keys. (Looks through all records of the person.)"""
    rows = conn.execute(
        "SELECT * FROM usage_records WHERE user_id = :user_id AND session = :session ORDER BY key",
        {"user_id": user_id, "session": session},
    )
    return [StoredRecord(*row) for row in rows]


def keys_of_sessions(conn: sqlite3.Connection, user_id: str, sessions: set[int]) -> list[bytes]:
    """The keys of the records of some sessions. (Looks through all records of the person.)"""
    rows = conn.execute("SELECT key, session FROM usage_records WHERE user_id = :user_id", {"user_id": user_id})
    return [row[0] for row in rows if row[1] in sessions]


def delete_records(conn: sqlite3.Connection, user_id: str, keys: Iterable[bytes]) -> None:
    """Remove records."""
    conn.executemany(
        "DELETE FROM usage_records WHERE user_id = :user_id AND key = :key",
        [{"user_id": user_id, "key": key} for key in keys],
    )


def first_use(conn: sqlite3.Connection, user_id: str, session: int) -> int | None:
    """When the first of a session's records with tokens, known or not, was made. (Looks through all of the person.)"""
    row = conn.execute(
        """
        SELECT MIN(at) FROM usage_records
        WHERE user_id = :user_id AND session = :session
            AND (tokens_known = 0
                 OR input_tokens + output_tokens + cache_write_5m + cache_write_1h + cache_read_tokens > 0)
        """,
        {"user_id": user_id, "session": session},
    ).fetchone()
    first: int | None = row[0]
    return first


def collector(conn: sqlite3.Connection, name: str) -> int:
    """The number of a collector and version, given out when it first reports."""
    row = conn.execute("SELECT number FROM collectors WHERE name = :name", {"name": name}).fetchone()
    if row is None:
        row = conn.execute("INSERT INTO collectors (name) VALUES (:name) RETURNING number", {"name": name}).fetchone()
    number: int = row[0]
    return number


# -- telemetry


def begin_telemetry(conn: sqlite3.Connection, user_id: str, road: int, now: int) -> None:
    """Note that a person sends telemetry from now on, and which requests their records of a road carry so far."""
    conn.execute(
        "INSERT INTO telemetry_people (user_id, since) VALUES (:user_id, :now)", {"user_id": user_id, "now": now}
    )
    conn.execute(
        """
        INSERT INTO transcript_requests (user_id, request)
        SELECT DISTINCT user_id, request FROM usage_records
        WHERE user_id = :user_id AND road = :road AND request IS NOT NULL
        """,
        {"user_id": user_id, "road": road},
    )


def is_carried(conn: sqlite3.Connection, user_id: str, request: bytes) -> bool:
    """Whether a transcript of a person carries a request."""
    row = conn.execute(
        "SELECT 1 FROM transcript_requests WHERE user_id = :user_id AND request = :request",
        {"user_id": user_id, "request": request},
    ).fetchone()
    return row is not None


def add_requests(conn: sqlite3.Connection, user_id: str, requests: Iterable[bytes]) -> None:
    """Note requests that a person's transcripts carry; those that are known stay."""
    conn.executemany(
        """
        INSERT INTO transcript_requests (user_id, request) VALUES (:user_id, :request)
        ON CONFLICT (user_id, request) DO NOTHING
        """,
        [{"user_id": user_id, "request": request} for request in requests],
    )


def claim_prompt(conn: sqlite3.Connection, user_id: str, prompt: bytes, key: bytes, at: int) -> bytes:
    """The key of the record that answers a prompt: the one given, unless another came first."""
    conn.execute(
        """
        INSERT INTO telemetry_prompts (user_id, prompt, key, at) VALUES (:user_id, :prompt, :key, :at)
        ON CONFLICT (user_id, prompt) DO NOTHING
        """,
        {"user_id": user_id, "prompt": prompt, "key": key, "at": at},
    )
    row = conn.execute(
        "SELECT key FROM telemetry_prompts WHERE user_id = :user_id AND prompt = :prompt",
        {"user_id": user_id, "prompt": prompt},
    ).fetchone()
    first: bytes = row[0]
    return first


def stream(conn: sqlite3.Connection, user_id: str, stream: bytes) -> tuple[int, int] | None:
    """When a cumulative metric last told its sum, and the sum; None if it never did."""
    row = conn.execute(
        "SELECT at, value FROM metric_streams WHERE user_id = :user_id AND stream = :stream",
        {"user_id": user_id, "stream": stream},
    ).fetchone()
    return tuple(row) if row else None


def put_stream(conn: sqlite3.Connection, user_id: str, stream: bytes, at: int, value: int) -> None:
    """Note the last sum of a cumulative metric."""
    conn.execute(
        """
        INSERT INTO metric_streams (user_id, stream, at, value) VALUES (:user_id, :stream, :at, :value)
        ON CONFLICT (user_id, stream) DO UPDATE SET at = excluded.at, value = excluded.value
        """,
        {"user_id": user_id, "stream": stream, "at": at, "value": value},
    )


# -- sessions


def sessions_by_hash(conn: sqlite3.Connection, user_id: str, hashes: Sequence[str]) -> list[StoredSession]:
    """A person's sessions by their identities (64 digits each), as far as they are known."""
    rows = conn.execute(
        """
        WITH RECURSIVE asked (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM asked WHERE number < :last)
        SELECT s.* FROM asked AS a CROSS JOIN sessions AS s
        WHERE s.user_id = :user_id AND s.session_hash = substr(:hashes, 64 * a.number + 1, 64)
        """,
        {"user_id": user_id, "last": len(hashes) - 1, "hashes": "".join(hashes)},
    )
    return [StoredSession(*row) for row in rows]


def last_session_number(conn: sqlite3.Connection) -> int:
    """The largest number of a session; those after it stay free for the rest of this transaction."""
    number: int = conn.execute("SELECT COALESCE(MAX(number), 0) FROM sessions").fetchone()[0]
    return number


def add_sessions(conn: sqlite3.Connection, sessions: Iterable[StoredSession]) -> None:
    """Insert sessions."""
    rows: Any = sessions  # our connections take objects as they are
    conn.executemany(
        """
        INSERT INTO sessions VALUES (
            :number, :id, :user_id, :tool_type_id, :session_hash, :anonymous_project_id, :device, :road, :day,
            :first_at, :started_at, :ended_at, :duration_seconds, :model_name, :turn_count, :tool_usage, :code_metrics,
            :created_at, :updated_at, :closed
        )
        """,
        rows,
    )


def put_session(conn: sqlite3.Connection, session: StoredSession) -> None:
    """Write a session's row as it is now."""
    conn.execute(
        """
        UPDATE sessions SET anonymous_project_id = :anonymous_project_id, device = :device, road = :road, day = :day,
            first_at = :first_at, started_at = :started_at, ended_at = :ended_at, duration_seconds = :duration_seconds,
            model_name = :model_name, turn_count = :turn_count, tool_usage = :tool_usage,
            code_metrics = :code_metrics, updated_at = :updated_at, closed = :closed
        WHERE number = :number
        """,
        msgspec.structs.asdict(session),
    )


def sessions_of_user(conn: sqlite3.Connection, user_id: str) -> list[StoredSession]:
    """All sessions of a person."""
    rows = conn.execute(
        """
        SELECT * FROM sessions WHERE user_id = :user_id ORDER BY number
        """,
        {"user_id": user_id},
    )
    return [StoredSession(*row) for row in rows]


def open_sessions_of_user(conn: sqlite3.Connection, user_id: str) -> list[StoredSession]:
    """The sessions of a person of which more than the identity is left."""
    rows = conn.execute(
        "SELECT * FROM sessions WHERE user_id = :user_id AND closed = 0 ORDER BY number", {"user_id": user_id}
    )
    return [StoredSession(*row) for row in rows]


def session_by_number(conn: sqlite3.Connection, number: int) -> StoredSession | None:
    """A session by its number."""
    row = conn.execute(
        """
        SELECT * FROM sessions WHERE number = :number
        """,
        {"number": number},
    ).fetchone()
    return StoredSession(*row) if row else None


def sessions_of_project(conn: sqlite3.Connection, user_id: str, project: str) -> list[int]:
    """The numbers of a person's sessions in a project."""
    rows = conn.execute(
        "SELECT number FROM sessions WHERE user_id = :user_id AND anonymous_project_id = :project ORDER BY number",
        {"user_id": user_id, "project": project},
    )
    return [row[0] for row in rows]


def day_rows_beside_project(conn: sqlite3.Connection, user_id: str, project: str) -> list[int]:
    """The numbers of what stands for sessions of day rows (road 5) that hold a project too: of a tool on a day on which
    the project has records of it, or of nobody knows which tool. (Looks through all records of the person.)"""
    rows = conn.execute(
        """
        SELECT d.number
        FROM sessions AS s
            JOIN usage_records AS r ON r.user_id = s.user_id AND r.session = s.number
            JOIN sessions AS d ON d.user_id = s.user_id AND d.road = 5 AND d.day = r.day
        WHERE s.user_id = :user_id AND s.anonymous_project_id = :project
            AND d.tool_type_id IN (s.tool_type_id, 'unknown')
        UNION
        SELECT d.number
        FROM closed_days AS c
            JOIN tool_types AS t ON t.number = c.tool
            JOIN sessions AS d ON d.user_id = c.user_id AND d.road = 5 AND d.day = c.day
        WHERE c.user_id = :user_id AND c.project = :project AND d.tool_type_id IN (t.id, 'unknown')
        ORDER BY 1
        """,
        {"user_id": user_id, "project": project},
    )
    return [row[0] for row in rows]


def delete_session(conn: sqlite3.Connection, number: int) -> None:
    """Remove a session, and with it its token usage."""
    conn.execute("DELETE FROM sessions WHERE number = :number", {"number": number})


def put_token_usages(conn: sqlite3.Connection, usages: Iterable[tuple[StoredSession, Totals]]) -> None:
    """Write what sessions count, tokens by kind."""
    conn.executemany(
        """
        INSERT INTO token_usage (session_id, user_id, tool_type_id, input_tokens, output_tokens,
                                 cache_creation_tokens, cache_read_tokens, cost, unpriced, recorded_at)
        VALUES (:session_id, :user_id, :tool_type_id, :input, :output, :cache_write, :cache_read, :cost, :unpriced,
                :recorded_at)
        ON CONFLICT (session_id) DO UPDATE SET
            input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cache_creation_tokens = excluded.cache_creation_tokens, cache_read_tokens = excluded.cache_read_tokens,
            cost = excluded.cost, unpriced = excluded.unpriced, recorded_at = excluded.recorded_at
        """,
        [
            {
                "session_id": session.id,
                "user_id": session.user_id,
                "tool_type_id": session.tool_type_id,
                "input": totals.input,
                "output": totals.output,
                "cache_write": totals.cache_write,
                "cache_read": totals.cache_read,
                "cost": totals.cost,
                "unpriced": totals.unpriced,
                "recorded_at": session.updated_at,
            }
            for session, totals in usages
        ],
    )


def token_usage(conn: sqlite3.Connection, session_id: str) -> Totals:
    """What a session counts now; nothing if it was never written."""
    row = conn.execute(
        """
        SELECT 0, 0, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, cost, unpriced
        FROM token_usage WHERE session_id = :session_id
        """,
        {"session_id": session_id},
    ).fetchone()
    return Totals(*row) if row else Totals()


def has_usage(conn: sqlite3.Connection, session_id: str) -> bool:
    """Whether it was ever written what a session counts."""
    row = conn.execute("SELECT 1 FROM token_usage WHERE session_id = :session_id", {"session_id": session_id})
    return row.fetchone() is not None


def counted_of_session(conn: sqlite3.Connection, user_id: str, session: int) -> Totals:
    """The sum of a session's counted records, afresh."""
    row = conn.execute(
        """
        SELECT 0, COUNT(*),
               CAST(COALESCE(SUM(input_tokens), 0) AS BIGINT),
               CAST(COALESCE(SUM(output_tokens), 0) AS BIGINT),
               CAST(COALESCE(SUM(cache_write_5m + cache_write_1h), 0) AS BIGINT),
               CAST(COALESCE(SUM(cache_read_tokens), 0) AS BIGINT),
               CAST(COALESCE(SUM(cost), 0) AS BIGINT),
               COUNT(CASE WHEN cost IS NULL AND (tokens_known = 0 OR input_tokens + output_tokens + cache_write_5m
                          + cache_write_1h + cache_read_tokens > 0) THEN 1 END)
        FROM usage_records WHERE user_id = :user_id AND session = :session AND counted = 1
        """,
        {"user_id": user_id, "session": session},
    ).fetchone()
    return Totals(*row)


# -- what every write begins with


def before_write(conn: sqlite3.Connection, user_id: str) -> BeforeWrite:
    """What is known of a person before a write: their sums and habits, and whether anything is special."""
    row = conn.execute(
        """
        SELECT t.total_input_tokens, t.total_output_tokens, t.total_cache_tokens, t.total_sessions, t.tokens_by_tool,
               t.sessions_by_tool, t.last_activity_at, t.total_cost, t.total_unpriced, r.sessions,
               p.user_id IS NOT NULL AS sends_telemetry,
               EXISTS (SELECT 1 FROM anomalies AS a WHERE a.user_id = u.id) AS is_flagged,
               c.number, COALESCE(k.first_day, '') AS first_day
        FROM users AS u LEFT JOIN user_stats AS t ON t.user_id = u.id
            LEFT JOIN recent_sessions AS r ON r.user_id = u.id LEFT JOIN telemetry_people AS p ON p.user_id = u.id
            LEFT JOIN closed_people AS c ON c.user_id = u.id LEFT JOIN kept_days AS k ON k.user_id = u.id
        WHERE u.id = :user_id
        """,
        {"user_id": user_id},
    ).fetchone()
    if row is None:
        return BeforeWrite(None, None, False, False)
    *totals, recent, sends_telemetry, is_flagged, closed_person, first_day = row
    return BeforeWrite(
        UserTotals(*totals) if totals[0] is not None else None,
        _recent.decode(recent) if recent is not None else None,
        bool(sends_telemetry),
        bool(is_flagged),
        closed_person,
        first_day,
    )


# -- sums


def road_day(conn: sqlite3.Connection, user_id: str, day: str) -> dict[int, RoadSums]:
    """What each road brought for a person and day, by tool, and apart (1) what of it is in excluded sessions."""
    rows = conn.execute(
        """
        SELECT tool, road, excluded, sessions, records, input_tokens, output_tokens, cache_write_tokens,
               cache_read_tokens, cost, unpriced
        FROM road_days WHERE user_id = :user_id AND day = :day
        """,
        {"user_id": user_id, "day": day},
    )
    found: dict[int, RoadSums] = {}
    for row in rows:
        found.setdefault(row[0], {})[row[1], row[2]] = Totals(*tuple(row)[3:])
    return found


def road_days(conn: sqlite3.Connection, user_id: str, first: str, last: str) -> dict[str, dict[int, RoadSums]]:
    """The same for each day from one to another, both included."""
    rows = conn.execute(
        """
        SELECT day, tool, road, excluded, sessions, records, input_tokens, output_tokens, cache_write_tokens,
               cache_read_tokens, cost, unpriced
        FROM road_days WHERE user_id = :user_id AND day >= :first AND day <= :last
        """,
        {"user_id": user_id, "first": first, "last": last},
    )
    found: dict[str, dict[int, RoadSums]] = {}
    for row in rows:
        found.setdefault(row[0], {}).setdefault(row[1], {})[row[2], row[3]] = Totals(*tuple(row)[4:])
    return found


def last_road_day(conn: sqlite3.Connection, user_id: str, before: str) -> str | None:
    """The last day before another on which any road brought something of a person."""
    row = conn.execute(
        "SELECT MAX(day) FROM road_days WHERE user_id = :user_id AND day < :before",
        {"user_id": user_id, "before": before},
    ).fetchone()
    day: str | None = row[0]
    return day


def first_road_day(conn: sqlite3.Connection, user_id: str, after: str) -> str | None:
    """The first day after another on which any road brought something of a person."""
    row = conn.execute(
        "SELECT MIN(day) FROM road_days WHERE user_id = :user_id AND day > :after",
        {"user_id": user_id, "after": after},
    ).fetchone()
    day: str | None = row[0]
    return day


def put_road_day(
    conn: sqlite3.Connection, user_id: str, day: str, tool: int, road: int, excluded: int, totals: Totals
) -> None:
    """Write what a road brought for a person, tool and day; nothing at all removes the row."""
    where = {"user_id": user_id, "day": day, "tool": tool, "road": road, "excluded": excluded}
    if totals == Totals():
        conn.execute(
            """
            DELETE FROM road_days
            WHERE user_id = :user_id AND day = :day AND tool = :tool AND road = :road AND excluded = :excluded
            """,
            where,
        )
        return
    conn.execute(
        """
        INSERT INTO road_days VALUES
            (:user_id, :day, :tool, :road, :excluded, :sessions, :records, :input, :output, :cache_write, :cache_read,
             :cost, :unpriced)
        ON CONFLICT (user_id, day, tool, road, excluded) DO UPDATE SET
            sessions = excluded.sessions, records = excluded.records, input_tokens = excluded.input_tokens,
            output_tokens = excluded.output_tokens, cache_write_tokens = excluded.cache_write_tokens,
            cache_read_tokens = excluded.cache_read_tokens, cost = excluded.cost, unpriced = excluded.unpriced
        """,
        {**where, **msgspec.structs.asdict(totals)},
    )


def day(conn: sqlite3.Connection, user_id: str, stat_date: str) -> Day | None:
    """A person's day."""
    row = conn.execute(
        """
        SELECT stat_date, input_tokens, output_tokens, cache_tokens, session_count, by_tool, streak, cost, unpriced
        FROM daily_user_stats WHERE user_id = :user_id AND stat_date = :stat_date
        """,
        {"user_id": user_id, "stat_date": stat_date},
    ).fetchone()
    return Day(*row) if row else None


def days(conn: sqlite3.Connection, user_id: str, first: str, last: str) -> list[Day]:
    """A person's days from one to another, both included, in order."""
    rows = conn.execute(
        """
        SELECT stat_date, input_tokens, output_tokens, cache_tokens, session_count, by_tool, streak, cost, unpriced
        FROM daily_user_stats
        WHERE user_id = :user_id AND stat_date >= :first AND stat_date <= :last ORDER BY stat_date
        """,
        {"user_id": user_id, "first": first, "last": last},
    )
    return [Day(*row) for row in rows]


def put_day(conn: sqlite3.Connection, user_id: str, day: Day, now: int) -> None:
    """Write a person's day; its streak is set apart (`set_streak`)."""
    conn.execute(
        """
        INSERT INTO daily_user_stats (user_id, stat_date, input_tokens, output_tokens, cache_tokens, session_count,
                                      by_tool, streak, cost, unpriced, created_at)
        VALUES (:user_id, :stat_date, :input_tokens, :output_tokens, :cache_tokens, :session_count, :by_tool,
                :streak, :cost, :unpriced, :now)
        ON CONFLICT (user_id, stat_date) DO UPDATE SET
            input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cache_tokens = excluded.cache_tokens, session_count = excluded.session_count, by_tool = excluded.by_tool,
            cost = excluded.cost, unpriced = excluded.unpriced
        """,
        {**msgspec.structs.asdict(day), "user_id": user_id, "now": now},
    )


def delete_day(conn: sqlite3.Connection, user_id: str, stat_date: str) -> None:
    """Remove a person's day that holds nothing any more."""
    conn.execute(
        "DELETE FROM daily_user_stats WHERE user_id = :user_id AND stat_date = :stat_date",
        {"user_id": user_id, "stat_date": stat_date},
    )


def active(conn: sqlite3.Connection, user_id: str, stat_date: str) -> tuple[int, int] | None:
    """A person's tokens on a day, cache included, and the run of active days that it ends; None without a row."""
    row = conn.execute(
        "SELECT total_tokens, streak FROM daily_user_stats WHERE user_id = :user_id AND stat_date = :stat_date",
        {"user_id": user_id, "stat_date": stat_date},
    ).fetchone()
    return tuple(row) if row else None


def set_streak(conn: sqlite3.Connection, user_id: str, stat_date: str, streak: int) -> None:
    """Write the run of active days that a day ends."""
    conn.execute(
        "UPDATE daily_user_stats SET streak = :streak WHERE user_id = :user_id AND stat_date = :stat_date",
        {"user_id": user_id, "stat_date": stat_date, "streak": streak},
    )


def move_tool_day(conn: sqlite3.Connection, user_id: str, tool: int, stat_date: str, change: Totals) -> int:
    """Move what a tool counts on a person's day; return the tokens that are then in it, cache included."""
    where = {"tool": tool, "stat_date": stat_date, "user_id": user_id}
    row = conn.execute(
        """
        INSERT INTO daily_tool_stats VALUES
            (:tool, :stat_date, :user_id, :input, :output, :cache, :sessions, 0, :cost, :unpriced)
        ON CONFLICT (tool, stat_date, user_id) DO UPDATE SET
            input_tokens = daily_tool_stats.input_tokens + excluded.input_tokens,
            output_tokens = daily_tool_stats.output_tokens + excluded.output_tokens,
            cache_tokens = daily_tool_stats.cache_tokens + excluded.cache_tokens,
            session_count = daily_tool_stats.session_count + excluded.session_count,
            cost = daily_tool_stats.cost + excluded.cost,
            unpriced = daily_tool_stats.unpriced + excluded.unpriced
        RETURNING input_tokens + output_tokens + cache_tokens, session_count
        """,
        {**where, **_figures(change)},
    ).fetchone()
    if not any(row):
        conn.execute(
            "DELETE FROM daily_tool_stats WHERE tool = :tool AND stat_date = :stat_date AND user_id = :user_id", where
        )
    tokens: int = row[0]
    return tokens


def active_with_tool(conn: sqlite3.Connection, user_id: str, tool: int, stat_date: str) -> tuple[int, int] | None:
    """A person's tokens with a tool on a day, and the run of days with it that this one ends; None without a row."""
    row = conn.execute(
        """
        SELECT input_tokens + output_tokens + cache_tokens, streak FROM daily_tool_stats
        WHERE tool = :tool AND stat_date = :stat_date AND user_id = :user_id
        """,
        {"tool": tool, "stat_date": stat_date, "user_id": user_id},
    ).fetchone()
    return tuple(row) if row else None


def set_tool_streak(conn: sqlite3.Connection, user_id: str, tool: int, stat_date: str, streak: int) -> None:
    """Write the run of days with a tool that a day ends."""
    conn.execute(
        """
        UPDATE daily_tool_stats SET streak = :streak
        WHERE tool = :tool AND stat_date = :stat_date AND user_id = :user_id
        """,
        {"tool": tool, "stat_date": stat_date, "user_id": user_id, "streak": streak},
    )


def move_tool_totals(conn: sqlite3.Connection, user_id: str, tool: int, change: Totals) -> None:
    """Move what a person ever used of a tool."""
    where = {"user_id": user_id, "tool": tool}
    row = conn.execute(
        """
        INSERT INTO user_tool_stats VALUES (:user_id, :tool, :input, :output, :cache, :sessions, :cost, :unpriced)
        ON CONFLICT (user_id, tool) DO UPDATE SET
            total_input_tokens = user_tool_stats.total_input_tokens + excluded.total_input_tokens,
            total_output_tokens = user_tool_stats.total_output_tokens + excluded.total_output_tokens,
            total_cache_tokens = user_tool_stats.total_cache_tokens + excluded.total_cache_tokens,
            total_sessions = user_tool_stats.total_sessions + excluded.total_sessions,
            total_cost = user_tool_stats.total_cost + excluded.total_cost,
            total_unpriced = user_tool_stats.total_unpriced + excluded.total_unpriced
        RETURNING total_input_tokens + total_output_tokens + total_cache_tokens, total_sessions
        """,
        {**where, **_figures(change)},
    ).fetchone()
    if not any(row):
        conn.execute("DELETE FROM user_tool_stats WHERE user_id = :user_id AND tool = :tool", where)


def is_used(conn: sqlite3.Connection, tool: int) -> bool:
    """Whether anybody's usage of a tool counts."""
    row = conn.execute("SELECT 1 FROM daily_tool_stats WHERE tool = :tool LIMIT 1", {"tool": tool}).fetchone()
    return row is not None


def longest_streak(conn: sqlite3.Connection, user_id: str, before: str = "9999") -> int:
    """The longest run of active days a person ever had (before a day)."""
    row = conn.execute(
        """
        SELECT (SELECT COALESCE(MAX(streak), 0) FROM daily_user_stats
                WHERE user_id = :user_id AND stat_date < :before),
               (SELECT COALESCE(MAX(longest_streak), 0) FROM kept_days WHERE user_id = :user_id)
        """,
        {"user_id": user_id, "before": before},
    ).fetchone()
    longest: int = max(row)
    return longest


def user_totals(conn: sqlite3.Connection, user_id: str) -> UserTotals | None:
    """A person's totals of all time."""
    row = conn.execute(
        """
        SELECT total_input_tokens, total_output_tokens, total_cache_tokens, total_sessions, tokens_by_tool,
               sessions_by_tool, last_activity_at, total_cost, total_unpriced
        FROM user_stats WHERE user_id = :user_id
        """,
        {"user_id": user_id},
    ).fetchone()
    return UserTotals(*row) if row else None


def put_user_totals(conn: sqlite3.Connection, user_id: str, totals: UserTotals, now: int) -> None:
    """Write a person's totals of all time."""
    conn.execute(
        """
        INSERT INTO user_stats (user_id, total_input_tokens, total_output_tokens, total_cache_tokens, tokens_by_tool,
                                total_sessions, sessions_by_tool, last_activity_at, total_cost, total_unpriced,
                                updated_at)
        VALUES (:user_id, :total_input_tokens, :total_output_tokens, :total_cache_tokens, :tokens_by_tool,
                :total_sessions, :sessions_by_tool, :last_activity_at, :total_cost, :total_unpriced, :now)
        ON CONFLICT (user_id) DO UPDATE SET
            total_input_tokens = excluded.total_input_tokens, total_output_tokens = excluded.total_output_tokens,
            total_cache_tokens = excluded.total_cache_tokens, tokens_by_tool = excluded.tokens_by_tool,
            total_sessions = excluded.total_sessions, sessions_by_tool = excluded.sessions_by_tool,
            last_activity_at = excluded.last_activity_at, total_cost = excluded.total_cost,
            total_unpriced = excluded.total_unpriced, updated_at = excluded.updated_at
        """,
        {**msgspec.structs.asdict(totals), "user_id": user_id, "now": now},
    )


def clear_sums(conn: sqlite3.Connection, user_id: str) -> None:
    """Remove every sum of a person's records, before they are made anew."""
    for statement in (
        "DELETE FROM road_days WHERE user_id = :user_id",
        "DELETE FROM daily_user_stats WHERE user_id = :user_id",
        "DELETE FROM daily_tool_stats WHERE user_id = :user_id",
        "DELETE FROM user_stats WHERE user_id = :user_id",
        "DELETE FROM user_tool_stats WHERE user_id = :user_id",
    ):
        conn.execute(statement, {"user_id": user_id})


def people_with_records(conn: sqlite3.Connection) -> list[str]:
    """The ids of everybody who ever reported anything."""
    return [row[0] for row in conn.execute("SELECT DISTINCT user_id FROM sessions ORDER BY user_id")]


def people_with_records_since(conn: sqlite3.Connection, day: str) -> list[str]:
    """The ids of everybody who used anything on a day or later; of everybody who ever reported, without a day."""
    if not day:
        return people_with_records(conn)
    rows = conn.execute("SELECT DISTINCT user_id FROM road_days WHERE day >= :day ORDER BY user_id", {"day": day})
    return [row[0] for row in rows]


# -- anomalies


_recent = msgspec.json.Decoder(dict[int, int])


def put_recent_sessions(conn: sqlite3.Connection, user_id: str, sessions: dict[int, int]) -> None:
    """Note the last of a person's sessions that count."""
    conn.execute(
        """
        INSERT INTO recent_sessions (user_id, sessions) VALUES (:user_id, :sessions)
        ON CONFLICT (user_id) DO UPDATE SET sessions = excluded.sessions
        """,
        {"user_id": user_id, "sessions": msgspec.json.encode(sessions).decode()},
    )


def last_sessions(conn: sqlite3.Connection, user_id: str, limit: int) -> dict[int, int]:
    """The same, found anew among all sessions of the person."""
    rows = conn.execute(
        """
        SELECT s.number, t.input_tokens + t.output_tokens AS tokens
        FROM sessions AS s JOIN token_usage AS t ON t.session_id = s.id
        WHERE s.user_id = :user_id AND s.first_at IS NOT NULL AND t.input_tokens + t.output_tokens > 0
        ORDER BY s.number DESC LIMIT :limit
        """,
        {"user_id": user_id, "limit": limit},
    )
    return {row[0]: row[1] for row in reversed(rows.fetchall())}


def anomalies_of_user(conn: sqlite3.Connection, user_id: str) -> dict[int, Anomaly]:
    """A person's flagged sessions, by number."""
    rows = conn.execute(
        """
        SELECT session, user_id, state, reasons, usual, input_tokens, output_tokens, cache_tokens, flagged_at,
               decided_at, decided_by
        FROM anomalies WHERE user_id = :user_id
        """,
        {"user_id": user_id},
    )
    return {row[0]: Anomaly(*row) for row in rows}


def anomaly(conn: sqlite3.Connection, session_id: str) -> Anomaly | None:
    """What is noted of a session, if it was flagged."""
    row = conn.execute(
        """
        SELECT a.session, a.user_id, a.state, a.reasons, a.usual, a.input_tokens, a.output_tokens, a.cache_tokens,
               a.flagged_at, a.decided_at, a.decided_by
        FROM sessions AS s JOIN anomalies AS a ON a.session = s.number WHERE s.id = :session_id
        """,
        {"session_id": session_id},
    ).fetchone()
    return Anomaly(*row) if row else None


def put_anomaly(conn: sqlite3.Connection, anomaly: Anomaly) -> None:
    """Flag a session, or write what became of it."""
    conn.execute(
        """
        INSERT INTO anomalies (session, user_id, state, reasons, usual, input_tokens, output_tokens, cache_tokens,
                               flagged_at, decided_at, decided_by)
        VALUES (:session, :user_id, :state, :reasons, :usual, :input_tokens, :output_tokens, :cache_tokens,
                :flagged_at, :decided_at, :decided_by)
        ON CONFLICT (session) DO UPDATE SET
            state = excluded.state, reasons = excluded.reasons, usual = excluded.usual,
            input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cache_tokens = excluded.cache_tokens, flagged_at = excluded.flagged_at,
            decided_at = excluded.decided_at, decided_by = excluded.decided_by
        """,
        msgspec.structs.asdict(anomaly),
    )


def flagged_sessions(conn: sqlite3.Connection, state: str, limit: int, offset: int) -> list[FlaggedSession]:
    """Flagged sessions of everybody in one state, those flagged last first."""
    rows = conn.execute(
        """
        SELECT s.id, u.id AS user_id, u.username, u.display_name, s.tool_type_id, s.model_name, s.road, s.day,
               s.started_at, s.ended_at, s.duration_seconds, a.state, a.reasons, a.usual,
               a.input_tokens, a.output_tokens, a.cache_tokens, a.flagged_at, a.decided_at, d.username AS decider,
               s.closed
        FROM anomalies AS a JOIN sessions AS s ON s.number = a.session JOIN users AS u ON u.id = a.user_id
            LEFT JOIN users AS d ON d.id = a.decided_by
        WHERE a.state = :state ORDER BY a.flagged_at DESC, a.session DESC LIMIT :limit OFFSET :offset
        """,
        {"state": state, "limit": limit, "offset": offset},
    )
    return [FlaggedSession(*row) for row in rows]


def flagged_session(conn: sqlite3.Connection, session_id: str) -> FlaggedSession | None:
    """A session, if it was flagged."""
    row = conn.execute(
        """
        SELECT s.id, u.id AS user_id, u.username, u.display_name, s.tool_type_id, s.model_name, s.road, s.day,
               s.started_at, s.ended_at, s.duration_seconds, a.state, a.reasons, a.usual,
               a.input_tokens, a.output_tokens, a.cache_tokens, a.flagged_at, a.decided_at, d.username AS decider,
               s.closed
        FROM sessions AS s JOIN anomalies AS a ON a.session = s.number JOIN users AS u ON u.id = a.user_id
            LEFT JOIN users AS d ON d.id = a.decided_by
        WHERE s.id = :session_id
        """,
        {"session_id": session_id},
    ).fetchone()
    return FlaggedSession(*row) if row else None


def anomaly_counts(conn: sqlite3.Connection) -> dict[str, int]:
    """How many flagged sessions there are in each state that has any."""
    return {row[0]: row[1] for row in conn.execute("SELECT state, COUNT(*) AS n FROM anomalies GROUP BY state")}


def excluded_sessions(conn: sqlite3.Connection, user_id: str, limit: int) -> list[FlaggedSession]:
    """A person's sessions that are left out of ranking, the newest first."""
    rows = conn.execute(
        """
        SELECT s.id, u.id AS user_id, u.username, u.display_name, s.tool_type_id, s.model_name, s.road, s.day,
               s.started_at, s.ended_at, s.duration_seconds, a.state, a.reasons, a.usual,
               a.input_tokens, a.output_tokens, a.cache_tokens, a.flagged_at, a.decided_at, d.username AS decider,
               s.closed
        FROM anomalies AS a JOIN sessions AS s ON s.number = a.session JOIN users AS u ON u.id = a.user_id
            LEFT JOIN users AS d ON d.id = a.decided_by
        WHERE a.user_id = :user_id AND a.state = 'excluded' ORDER BY s.started_at DESC, s.number DESC
        LIMIT :limit
        """,
        {"user_id": user_id, "limit": limit},
    )
    return [FlaggedSession(*row) for row in rows]


# -- what is closed


def keys_before(conn: sqlite3.Connection, user_id: str, day: str, after: bytes, limit: int) -> list[bytes]:
    """The keys of a person's records of days before one, from the key after one on, so many at the most."""
    rows = conn.execute(
        """
        SELECT key FROM usage_records WHERE user_id = :user_id AND key > :after AND day < :day
        ORDER BY key LIMIT :limit
        """,
        {"user_id": user_id, "day": day, "after": after, "limit": limit},
    )
    return [row[0] for row in rows]


def models_of_sessions(conn: sqlite3.Connection, user_id: str) -> dict[tuple[int, str], int]:
    """How many of a person's records count in each session with each model; day rows (road 5) are of no session."""
    rows = conn.execute(
        """
        SELECT session, model, COUNT(*) FROM usage_records
        WHERE user_id = :user_id AND counted = 1 AND road < 5 GROUP BY session, model
        """,
        {"user_id": user_id},
    )
    return {(row[0], row[1]): row[2] for row in rows}


def closed_person(conn: sqlite3.Connection, user_id: str) -> int:
    """The number of a person among those who have closed records, given out with the first."""
    where = {"user_id": user_id}
    row = conn.execute("SELECT number FROM closed_people WHERE user_id = :user_id", where).fetchone()
    if row is None:
        row = conn.execute("INSERT INTO closed_people (user_id) VALUES (:user_id) RETURNING number", where).fetchone()
    number: int = row[0]
    return number


def closed_of_messages(conn: sqlite3.Connection, person: int, messages: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """The closed records of some messages (8 bytes each): key, and whether it is a sidechain's."""
    rows = conn.execute(
        """
        WITH RECURSIVE asked (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM asked WHERE number < :last)
        SELECT r.key, r.sidechain FROM asked AS a CROSS JOIN closed_records AS r
        WHERE r.person = :person AND r.key >= substr(:firsts, 16 * a.number + 1, 16)
            AND r.key <= substr(:lasts, 16 * a.number + 1, 16)
        """,
        {
            "person": person,
            "last": len(messages) - 1,
            "firsts": b"".join([message + bytes(8) for message in messages]),
            "lasts": b"".join([message + b"\xff" * 8 for message in messages]),
        },
    )
    return [(row[0], row[1]) for row in rows]


def close_records(conn: sqlite3.Connection, user_id: str, records: Sequence[ClosedRecord]) -> None:
    """Keep the identities of records alone."""
    rows: Any = records  # our connections take objects as they are
    conn.executemany("INSERT INTO closed_records VALUES (:person, :key, :session, :sidechain)", rows)
    delete_records(conn, user_id, (each.key for each in records))


def add_to_closed_day(conn: sqlite3.Connection, user_id: str, part: ClosedPart, counted: int, sums: Totals) -> None:
    """Add to what is closed of a day; the sessions in the sum are left to their own rows."""
    conn.execute(
        """
        INSERT INTO closed_days VALUES
            (:user_id, :day, :tool, :road, :excluded, :project, :model, :counted, :records, :input, :output,
             :cache_write, :cache_read, :cost, :unpriced)
        ON CONFLICT (user_id, day, tool, road, excluded, project, model) DO UPDATE SET
            counted = excluded.counted, records = closed_days.records + excluded.records,
            input_tokens = closed_days.input_tokens + excluded.input_tokens,
            output_tokens = closed_days.output_tokens + excluded.output_tokens,
            cache_write_tokens = closed_days.cache_write_tokens + excluded.cache_write_tokens,
            cache_read_tokens = closed_days.cache_read_tokens + excluded.cache_read_tokens,
            cost = closed_days.cost + excluded.cost, unpriced = closed_days.unpriced + excluded.unpriced
        """,
        {"user_id": user_id, **part._asdict(), "counted": counted, **msgspec.structs.asdict(sums)},
    )


def closed_days(conn: sqlite3.Connection, user_id: str) -> list[tuple[ClosedPart, Totals]]:
    """What is closed of a person, day by day."""
    rows = conn.execute(
        """
        SELECT day, tool, road, excluded, project, model, 0, records, input_tokens, output_tokens, cache_write_tokens,
               cache_read_tokens, cost, unpriced
        FROM closed_days WHERE user_id = :user_id ORDER BY day, tool, road, excluded, project, model
        """,
        {"user_id": user_id},
    )
    return [(ClosedPart(*tuple(row)[:6]), Totals(*tuple(row)[6:])) for row in rows]


def count_closed(conn: sqlite3.Connection, user_id: str, day: str, tool: int, road: int | None) -> None:
    """Let of what is closed of a day and tool one road's count, and no other's."""
    conn.execute(
        """
        UPDATE closed_days SET counted = CASE WHEN road = :road AND excluded = 0 THEN 1 ELSE 0 END
        WHERE user_id = :user_id AND day = :day AND tool = :tool
        """,
        {"user_id": user_id, "day": day, "tool": tool, "road": road or 0},
    )


def last_closed_day(conn: sqlite3.Connection) -> str | None:
    """The last day of which anything is closed."""
    row = conn.execute("SELECT MAX(day) FROM closed_days").fetchone()
    day: str | None = row[0]
    return day


def habits(conn: sqlite3.Connection, user_id: str) -> dict[str, Habits]:
    """What closed records and sessions of a person add up to beside tokens, by project."""
    rows = conn.execute(
        """
        SELECT project, sessions, seconds, turns, lines_added, lines_deleted, files_created, files_modified,
               tools, models, hours, ends
        FROM closed_habits WHERE user_id = :user_id ORDER BY project
        """,
        {"user_id": user_id},
    )
    return {
        row[0]: Habits(
            row["sessions"],
            row["seconds"],
            row["turns"],
            row["lines_added"],
            row["lines_deleted"],
            row["files_created"],
            row["files_modified"],
            _named.decode(row["tools"]),
            _pairs.decode(row["models"]),
            _numbered.decode(row["hours"]),
            _numbered.decode(row["ends"]),
        )
        for row in rows
    }


def put_habits(conn: sqlite3.Connection, user_id: str, project: str, habits: Habits) -> None:
    """Write what closed records and sessions of a project add up to beside tokens."""
    folded = {name: _encode(getattr(habits, name)).decode() for name in ("tools", "models", "hours", "ends")}
    conn.execute(
        """
        INSERT INTO closed_habits VALUES
            (:user_id, :project, :sessions, :seconds, :turns, :lines_added, :lines_deleted, :files_created,
             :files_modified, :tools, :models, :hours, :ends)
        ON CONFLICT (user_id, project) DO UPDATE SET
            sessions = excluded.sessions, seconds = excluded.seconds, turns = excluded.turns,
            lines_added = excluded.lines_added, lines_deleted = excluded.lines_deleted,
            files_created = excluded.files_created, files_modified = excluded.files_modified,
            tools = excluded.tools, models = excluded.models, hours = excluded.hours, ends = excluded.ends
        """,
        {"user_id": user_id, "project": project, **msgspec.structs.asdict(habits), **folded},
    )


def set_deeds(conn: sqlite3.Connection, session: StoredSession) -> None:
    """Write what a session's open records did; that is no news of the session."""
    conn.execute(
        """
        UPDATE sessions SET turn_count = :turn_count, tool_usage = :tool_usage, code_metrics = :code_metrics
        WHERE number = :number
        """,
        msgspec.structs.asdict(session),
    )


def sessions_with_records(conn: sqlite3.Connection, user_id: str, day: str) -> set[int]:
    """The numbers of a person's sessions that have records of a day or later."""
    rows = conn.execute(
        "SELECT DISTINCT session FROM usage_records WHERE user_id = :user_id AND day >= :day",
        {"user_id": user_id, "day": day},
    )
    return {row[0] for row in rows}


def idle_sessions(conn: sqlite3.Connection, user_id: str, instant: int) -> list[StoredSession]:
    """A person's open sessions that ended before an instant."""
    rows = conn.execute(
        "SELECT * FROM sessions WHERE user_id = :user_id AND closed = 0 AND ended_at < :instant ORDER BY number",
        {"user_id": user_id, "instant": instant},
    )
    return [StoredSession(*row) for row in rows]


def close_sessions(conn: sqlite3.Connection, sessions: Sequence[StoredSession]) -> int:
    """Keep the identities of sessions alone; return how many rows of what they counted went with it."""
    rows: Any = sessions  # our connections take objects as they are
    conn.executemany(
        """
        UPDATE sessions SET device = NULL, started_at = COALESCE(first_at, started_at),
            ended_at = COALESCE(first_at, started_at), duration_seconds = 0, turn_count = 0, tool_usage = '{}',
            code_metrics = '{}', closed = 1
        WHERE number = :number
        """,
        rows,
    )
    return conn.executemany("DELETE FROM token_usage WHERE session_id = :id", rows).rowcount


def drop_requests(conn: sqlite3.Connection, user_id: str, requests: Iterable[bytes]) -> int:
    """Forget that transcripts carry some requests; return how many were noted."""
    return conn.executemany(
        "DELETE FROM transcript_requests WHERE user_id = :user_id AND request = :request",
        [{"user_id": user_id, "request": request} for request in requests],
    ).rowcount


def old_telemetry(conn: sqlite3.Connection, user_id: str, instant: int) -> tuple[int, int]:
    """How many prompts a person's telemetry told of before an instant, and how many counters fell silent."""
    row = conn.execute(
        """
        SELECT (SELECT COUNT(*) FROM telemetry_prompts WHERE user_id = :user_id AND at < :instant) AS prompts,
               (SELECT COUNT(*) FROM metric_streams WHERE user_id = :user_id AND at < :instant) AS streams
        """,
        {"user_id": user_id, "instant": instant},
    ).fetchone()
    return row[0], row[1]


def drop_prompts(conn: sqlite3.Connection, user_id: str, instant: int, limit: int) -> int:
    """Forget prompts that telemetry told of before an instant, so many at the most; return how many went."""
    return conn.execute(
        """
        DELETE FROM telemetry_prompts WHERE user_id = :user_id AND prompt IN (
            SELECT prompt FROM telemetry_prompts WHERE user_id = :user_id AND at < :instant ORDER BY prompt LIMIT :limit
        )
        """,
        {"user_id": user_id, "instant": instant, "limit": limit},
    ).rowcount


def drop_streams(conn: sqlite3.Connection, user_id: str, instant: int, limit: int) -> int:
    """Forget counters that were last heard of before an instant, so many at the most; return how many went."""
    return conn.execute(
        """
        DELETE FROM metric_streams WHERE user_id = :user_id AND stream IN (
            SELECT stream FROM metric_streams WHERE user_id = :user_id AND at < :instant ORDER BY stream LIMIT :limit
        )
        """,
        {"user_id": user_id, "instant": instant, "limit": limit},
    ).rowcount


def closed_sessions(conn: sqlite3.Connection, user_id: str) -> set[int]:
    """The numbers of a person's sessions of which only the identity is left."""
    rows = conn.execute("SELECT number FROM sessions WHERE user_id = :user_id AND closed = 1", {"user_id": user_id})
    return {row[0] for row in rows}


def is_closed(conn: sqlite3.Connection, session_id: str) -> bool:
    """Whether only the identity is left of a session."""
    row = conn.execute("SELECT closed FROM sessions WHERE id = :session_id", {"session_id": session_id}).fetchone()
    return row is not None and row[0] == 1


def drop_anomalies(conn: sqlite3.Connection, sessions: Iterable[int]) -> None:
    """Forget that sessions were flagged."""
    conn.executemany(
        "DELETE FROM anomalies WHERE session = :session", [{"session": session} for session in sorted(sessions)]
    )


def days_before(conn: sqlite3.Connection, user_id: str, day: str) -> tuple[int, int]:
    """How many daily rows a person has before a day: of everything, and of single tools."""
    row = conn.execute(
        """
        SELECT (SELECT COUNT(*) FROM daily_user_stats WHERE user_id = :user_id AND stat_date < :day) AS days,
               (SELECT COUNT(*) FROM daily_tool_stats WHERE user_id = :user_id AND stat_date < :day) AS tool_days
        """,
        {"user_id": user_id, "day": day},
    ).fetchone()
    return row[0], row[1]


def drop_days(conn: sqlite3.Connection, user_id: str, day: str, longest: int) -> None:
    """Remove a person's daily rows before a day; how long they were ever active in a row stays known."""
    where = {"user_id": user_id, "day": day}
    conn.execute("DELETE FROM daily_user_stats WHERE user_id = :user_id AND stat_date < :day", where)
    conn.execute("DELETE FROM daily_tool_stats WHERE user_id = :user_id AND stat_date < :day", where)
    conn.execute(
        """
        INSERT INTO kept_days (user_id, first_day, longest_streak) VALUES (:user_id, :day, :longest)
        ON CONFLICT (user_id) DO UPDATE SET first_day = excluded.first_day, longest_streak = excluded.longest_streak
        """,
        {**where, "longest": longest},
    )


def forget_streak(conn: sqlite3.Connection, user_id: str) -> None:
    """Forget how long a person was ever active in a row before the days that are kept."""
    conn.execute("UPDATE kept_days SET longest_streak = 0 WHERE user_id = :user_id", {"user_id": user_id})


def closed_keys_of_sessions(conn: sqlite3.Connection, person: int, sessions: set[int]) -> list[bytes]:
    """The keys of the closed records of some sessions. (Looks through all of the person.)"""
    rows = conn.execute("SELECT key, session FROM closed_records WHERE person = :person", {"person": person})
    return [row[0] for row in rows if row[1] in sessions]


def forget_closed_records(conn: sqlite3.Connection, person: int, keys: Iterable[bytes]) -> None:
    """Remove the identities of closed records."""
    conn.executemany(
        "DELETE FROM closed_records WHERE person = :person AND key = :key",
        [{"person": person, "key": key} for key in keys],
    )


def forget_closed_project(conn: sqlite3.Connection, user_id: str, project: str) -> None:
    """Remove what is closed of a project."""
    where = {"user_id": user_id, "project": project}
    conn.execute("DELETE FROM closed_days WHERE user_id = :user_id AND project = :project", where)
    conn.execute("DELETE FROM closed_habits WHERE user_id = :user_id AND project = :project", where)


def forget_closed_day(conn: sqlite3.Connection, user_id: str, day: str, tool: int, road: int) -> None:
    """Remove what is closed of a road, tool and day."""
    conn.execute(
        """
        DELETE FROM closed_days WHERE user_id = :user_id AND day = :day AND tool = :tool AND road = :road
        """,
        {"user_id": user_id, "day": day, "tool": tool, "road": road},
    )


def some_closed_records(conn: sqlite3.Connection, user_id: str, after: bytes, limit: int) -> list[bytes]:
    """The keys of a person's closed records from the one after a key on, so many at the most."""
    rows = conn.execute(
        """
        SELECT r.key FROM closed_people AS p JOIN closed_records AS r ON r.person = p.number
        WHERE p.user_id = :user_id AND r.key > :after ORDER BY r.key LIMIT :limit
        """,
        {"user_id": user_id, "after": after, "limit": limit},
    )
    return [row[0] for row in rows]


_named = msgspec.json.Decoder(dict[str, int])
_numbered = msgspec.json.Decoder(dict[int, int])
_pairs = msgspec.json.Decoder(dict[str, tuple[int, int]])
_encode = msgspec.json.Encoder().encode


# -- looks


def is_empty(conn: sqlite3.Connection) -> bool:
    """Whether nobody has reported anything yet."""
    return conn.execute("SELECT 1 FROM user_stats LIMIT 1").fetchone() is None


def active_since(conn: sqlite3.Connection, instant: int) -> int:
    """How many people have a record from this instant on."""
    row = conn.execute(
        "SELECT COUNT(*) FROM user_stats WHERE last_activity_at >= :instant", {"instant": instant}
    ).fetchone()
    count: int = row[0]
    return count


def seen_since(conn: sqlite3.Connection, instant: int) -> int:
    """How many people that everybody may know of have a record from this instant on."""
    row = conn.execute(
        """
        SELECT COUNT(*) FROM user_stats AS s JOIN users AS u ON u.id = s.user_id
        WHERE s.last_activity_at >= :instant AND u.privacy_mode = 0 AND u.disabled_at IS NULL
        """,
        {"instant": instant},
    ).fetchone()
    count: int = row[0]
    return count


def last_activity(conn: sqlite3.Connection) -> dict[str, int]:
    """When each person's newest record was made."""
    return {row[0]: row[1] for row in conn.execute("SELECT user_id, last_activity_at FROM user_stats")}


def everybody(conn: sqlite3.Connection) -> dict[str, Any]:
    """The totals of all people together."""
    row = conn.execute(
        """
        SELECT COUNT(*) AS people, CAST(COALESCE(SUM(total_sessions), 0) AS BIGINT) AS sessions,
               CAST(COALESCE(SUM(total_input_tokens), 0) AS BIGINT) AS input,
               CAST(COALESCE(SUM(total_output_tokens), 0) AS BIGINT) AS output,
               CAST(COALESCE(SUM(total_all_tokens), 0) AS BIGINT) AS total
        FROM user_stats
        """
    ).fetchone()
    return dict(row)


def models_of_user(conn: sqlite3.Connection, user_id: str) -> list[tuple[str, int, int]]:
    """Each model of a person's open records: its name, in how many sessions, and all its tokens; most sessions first.

    Day rows (road 5) are of no session.
    """
    rows = conn.execute(
        """
        SELECT model, COUNT(DISTINCT CASE WHEN road < 5 THEN session END) AS sessions,
               CAST(SUM(input_tokens + output_tokens
                   + cache_write_5m + cache_write_1h + cache_read_tokens) AS BIGINT) AS tokens
        FROM usage_records WHERE user_id = :user_id AND counted = 1
        GROUP BY model ORDER BY sessions DESC, tokens DESC, model
        """,
        {"user_id": user_id},
    )
    return [tuple(row) for row in rows]


def instants_of_user(conn: sqlite3.Connection, user_id: str) -> list[tuple[int, int]]:
    """Each quarter of an hour in which a person has open records: its number since the epoch, and all its tokens.

    Of day rows (road 5) nobody knows the hour.
    """
    rows = conn.execute(
        """
        SELECT at / 900000 AS quarter,
               CAST(SUM(input_tokens + output_tokens
                   + cache_write_5m + cache_write_1h + cache_read_tokens) AS BIGINT) AS tokens
        FROM usage_records WHERE user_id = :user_id AND counted = 1 AND road < 5 GROUP BY quarter ORDER BY quarter
        """,
        {"user_id": user_id},
    )
    return [tuple(row) for row in rows]


def cache_of_user(conn: sqlite3.Connection, user_id: str) -> tuple[int, int]:
    """What a person's records wrote to and read from caches, in tokens."""
    row = conn.execute(
        """
        SELECT CAST(COALESCE(SUM(written), 0) AS BIGINT), CAST(COALESCE(SUM(read), 0) AS BIGINT)
        FROM (
            SELECT t.cache_creation_tokens AS written, t.cache_read_tokens AS read
            FROM sessions AS s JOIN token_usage AS t ON t.session_id = s.id WHERE s.user_id = :user_id
            UNION ALL
            SELECT cache_write_tokens, cache_read_tokens FROM closed_days WHERE user_id = :user_id AND counted = 1
        ) AS parts
        """,
        {"user_id": user_id},
    ).fetchone()
    return row[0], row[1]


# -- what it cost


def people_with_days(conn: sqlite3.Connection, first: str, last: str) -> set[str]:
    """The ids of everybody of whom any road brought something from one day to another, both included."""
    rows = conn.execute(
        "SELECT DISTINCT user_id FROM road_days WHERE day >= :first AND day <= :last", {"first": first, "last": last}
    )
    return {row[0] for row in rows}


def used(conn: sqlite3.Connection, user_id: str, first: str, last: str) -> list[Used]:
    """What a person's counted records from one day to another, both included, add up to, by all that tells them apart.

    Closed ones stand apart from the others. (Looks through all records of the person.)
    """
    rows = conn.execute(
        """
        SELECT r.day, r.tool, r.model, COALESCE(s.anonymous_project_id, '') AS project, 0, COUNT(*),
               CAST(SUM(r.input_tokens) AS BIGINT), CAST(SUM(r.output_tokens) AS BIGINT),
               CAST(SUM(r.cache_write_5m + r.cache_write_1h) AS BIGINT), CAST(SUM(r.cache_read_tokens) AS BIGINT),
               CAST(COALESCE(SUM(r.cost), 0) AS BIGINT),
               COUNT(CASE WHEN r.cost IS NULL AND (r.tokens_known = 0 OR r.input_tokens + r.output_tokens
                          + r.cache_write_5m + r.cache_write_1h + r.cache_read_tokens > 0) THEN 1 END)
        FROM usage_records AS r LEFT JOIN sessions AS s ON s.number = r.session
        WHERE r.user_id = :user_id AND r.counted = 1 AND r.day >= :first AND r.day <= :last
        GROUP BY r.day, r.tool, r.model, COALESCE(s.anonymous_project_id, '')
        UNION ALL
        SELECT day, tool, model, project, 0, records, input_tokens, output_tokens, cache_write_tokens,
               cache_read_tokens, cost, unpriced
        FROM closed_days WHERE user_id = :user_id AND counted = 1 AND day >= :first AND day <= :last
        """,
        {"user_id": user_id, "first": first, "last": last},
    )
    return [Used(row[0], row[1], row[2], row[3], Totals(*tuple(row)[4:])) for row in rows]


def begun(conn: sqlite3.Connection, user_id: str, first: str, last: str) -> list[Begun]:
    """How many of a person's sessions that are not left out of ranking began from one day to another, by the same."""
    rows = conn.execute(
        """
        SELECT s.day, t.number, s.road, COALESCE(s.model_name, '') AS model,
               COALESCE(s.anonymous_project_id, '') AS project, COUNT(*)
        FROM sessions AS s JOIN tool_types AS t ON t.id = s.tool_type_id
            LEFT JOIN anomalies AS a ON a.session = s.number AND a.state = 'excluded'
        WHERE s.user_id = :user_id AND s.first_at IS NOT NULL AND a.session IS NULL
            AND s.day >= :first AND s.day <= :last
        GROUP BY s.day, t.number, s.road, COALESCE(s.model_name, ''), COALESCE(s.anonymous_project_id, '')
        """,
        {"user_id": user_id, "first": first, "last": last},
    )
    return [Begun(*row) for row in rows]


def _figures(totals: Totals) -> dict[str, int]:
    return {
        "input": totals.input,
        "output": totals.output,
        "cache": totals.cache_write + totals.cache_read,
        "sessions": totals.sessions,
        "cost": totals.cost,
        "unpriced": totals.unpriced,
    }


def sizes(conn: sqlite3.Connection) -> dict[str, int]:
    """How many rows the tables of this room have that grow; of records those of every road, by their sums."""
    row = conn.execute(
        """
        SELECT (SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM road_days)
                - (SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM closed_days) AS usage_records,
            (SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM closed_days) AS closed_records,
            (SELECT count(*) FROM sessions) AS sessions,
            (SELECT count(*) FROM daily_user_stats) AS daily_user_stats
        """
    ).fetchone()
    return dict(row)
