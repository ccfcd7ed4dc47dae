"""All SQL of the boards. They own no table: everything is read from the daily rows of usage, and from projects."""

import sqlite3

from arena.leaderboard.models import Sums


def sums(conn: sqlite3.Connection, first: str, last: str) -> list[Sums]:
    """What each person who may be ranked used from one day to another, both included."""
    rows = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.privacy_mode, u.created_at,
               CAST(SUM(d.input_tokens) AS BIGINT) AS input,
               CAST(SUM(d.output_tokens) AS BIGINT) AS output,
               CAST(SUM(d.cache_tokens) AS BIGINT) AS cache,
               CAST(SUM(d.session_count) AS BIGINT) AS sessions,
               CAST(SUM(d.cost) AS BIGINT) AS cost,
               CAST(SUM(d.unpriced) AS BIGINT) AS unpriced
        FROM daily_user_stats AS d JOIN users AS u ON u.id = d.user_id
        WHERE d.stat_date >= :first AND d.stat_date <= :last AND u.disabled_at IS NULL
        GROUP BY u.id, u.username, u.display_name, u.privacy_mode, u.created_at
        HAVING SUM(d.total_tokens) > 0
        """,
        {"first": first, "last": last},
    )
    return [Sums(*row) for row in rows]


def sums_of_all_time(conn: sqlite3.Connection) -> list[Sums]:
    """What each person who may be ranked ever used."""
    rows = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.privacy_mode, u.created_at,
               s.total_input_tokens AS input, s.total_output_tokens AS output, s.total_cache_tokens AS cache,
               s.total_sessions AS sessions, s.total_cost AS cost, s.total_unpriced AS unpriced
        FROM user_stats AS s JOIN users AS u ON u.id = s.user_id
        WHERE u.disabled_at IS NULL AND s.total_all_tokens > 0
        """
    )
    return [Sums(*row) for row in rows]


def sums_of_tool(conn: sqlite3.Connection, tool: int, first: str, last: str) -> list[Sums]:
    """What each person who may be ranked used of a tool from one day to another, both included."""
    rows = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.privacy_mode, u.created_at,
               CAST(SUM(d.input_tokens) AS BIGINT) AS input,
               CAST(SUM(d.output_tokens) AS BIGINT) AS output,
               CAST(SUM(d.cache_tokens) AS BIGINT) AS cache,
               CAST(SUM(d.session_count) AS BIGINT) AS sessions,
               CAST(SUM(d.cost) AS BIGINT) AS cost,
               CAST(SUM(d.unpriced) AS BIGINT) AS unpriced
        FROM daily_tool_stats AS d JOIN users AS u ON u.id = d.user_id
        WHERE d.tool = :tool AND d.stat_date >= :first AND d.stat_date <= :last AND u.disabled_at IS NULL
        GROUP BY u.id, u.username, u.display_name, u.privacy_mode, u.created_at
        HAVING SUM(d.input_tokens + d.output_tokens + d.cache_tokens) > 0
        """,
        {"tool": tool, "first": first, "last": last},
    )
    return [Sums(*row) for row in rows]


def sums_of_tool_of_all_time(conn: sqlite3.Connection, tool: int) -> list[Sums]:
    """What each person who may be ranked ever used of a tool."""
    rows = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.privacy_mode, u.created_at,
               s.total_input_tokens AS input, s.total_output_tokens AS output, s.total_cache_tokens AS cache,
               s.total_sessions AS sessions, s.total_cost AS cost, s.total_unpriced AS unpriced
        FROM user_tool_stats AS s JOIN users AS u ON u.id = s.user_id
        WHERE s.tool = :tool AND u.disabled_at IS NULL
          AND s.total_input_tokens + s.total_output_tokens + s.total_cache_tokens > 0
        """,
        {"tool": tool},
    )
    return [Sums(*row) for row in rows]


def streaks_of_tool(conn: sqlite3.Connection, tool: int, day: str, day_before: str) -> dict[str, int]:
    """Each person's run of days with a tool that ends on a day or on the one before."""
    rows = conn.execute(
        """
        SELECT user_id, streak FROM daily_tool_stats
        WHERE tool = :tool AND stat_date IN (:day, :day_before) AND streak > 0 ORDER BY stat_date, user_id
        """,
        {"tool": tool, "day": day, "day_before": day_before},
    )
    return {row[0]: row[1] for row in rows}  # the later day overwrites the earlier


def week_of_tool(
    conn: sqlite3.Connection, user_id: str, tool: int, first: str, last: str, cache: int
) -> dict[str, int]:
    """A person's tokens with a tool (and with ``cache`` 1 the cache's) on each day from one to another."""
    rows = conn.execute(
        """
        SELECT stat_date, input_tokens + output_tokens + :cache * cache_tokens AS tokens FROM daily_tool_stats
        WHERE tool = :tool AND user_id = :user_id AND stat_date >= :first AND stat_date <= :last
        """,
        {"tool": tool, "user_id": user_id, "first": first, "last": last, "cache": cache},
    )
    return {row[0]: row[1] for row in rows}


def streaks(conn: sqlite3.Connection, day: str, day_before: str) -> dict[str, int]:
    """Each person's run of active days that ends on a day or on the one before."""
    rows = conn.execute(
        """
        SELECT user_id, streak FROM daily_user_stats
        WHERE stat_date IN (:day, :day_before) AND streak > 0 ORDER BY stat_date, user_id
        """,
        {"day": day, "day_before": day_before},
    )
    return {row[0]: row[1] for row in rows}  # the later day overwrites the earlier


def week(conn: sqlite3.Connection, user_id: str, first: str, last: str, cache: int = 0) -> dict[str, int]:
    """A person's tokens (input and output, and with ``cache`` 1 the cache's) on each day from one to another."""
    rows = conn.execute(
        """
        SELECT stat_date, input_tokens + output_tokens + :cache * cache_tokens AS tokens FROM daily_user_stats
        WHERE user_id = :user_id AND stat_date >= :first AND stat_date <= :last
        """,
        {"user_id": user_id, "first": first, "last": last, "cache": cache},
    )
    return {row[0]: row[1] for row in rows}


def project_scores(conn: sqlite3.Connection, since: int, until: int) -> dict[str, int]:
    """What each person's projects came to by their latest evaluations before an instant, if they passed since another.

    A project counts with its latest evaluation alone: one that was judged again and did not pass counts no more.
    """
    rows = conn.execute(
        """
        SELECT latest.user_id, CAST(SUM(latest.total_score) AS BIGINT) AS score
        FROM (
            SELECT user_id, total_score, passed, evaluated_at,
                ROW_NUMBER() OVER (PARTITION BY project_id ORDER BY evaluated_at DESC, id DESC) AS place
            FROM project_evaluations WHERE state = 'done' AND evaluated_at < :until
        ) AS latest
        WHERE latest.place = 1 AND latest.passed = 1 AND latest.evaluated_at >= :since
        GROUP BY latest.user_id
        """,
        {"since": since, "until": until},
    )
    return {row[0]: row[1] for row in rows}


def without_usage(conn: sqlite3.Connection, user_id: str) -> Sums | None:
    """Somebody who may be ranked, as one who used nothing."""
    row = conn.execute(
        """
        SELECT id, username, display_name, privacy_mode, created_at, 0, 0, 0, 0
        FROM users WHERE id = :user_id AND disabled_at IS NULL
        """,
        {"user_id": user_id},
    ).fetchone()
    return Sums(*row) if row else None
