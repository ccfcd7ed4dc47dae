"""All SQL of the boards: those of now are read from daily rows of usage and from projects, those of then are frozen."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from arena.leaderboard.models import Due, Medal, Past, Period, Placed, Ranked, Sums


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


# -- frozen rankings


def first_day(conn: sqlite3.Connection) -> str | None:
    """The earliest day of which anything is counted."""
    day: str | None = conn.execute("SELECT MIN(stat_date) FROM daily_user_stats").fetchone()[0]
    return day


def whole_from(conn: sqlite3.Connection) -> str:
    """The first day from which everybody's daily rows are still there; empty if none ever went."""
    day: str | None = conn.execute("SELECT MAX(first_day) FROM kept_days").fetchone()[0]
    return day or ""


def oldest(conn: sqlite3.Connection, type: str) -> str | None:
    """The first day of the oldest frozen period of a type."""
    start: str | None = conn.execute(
        "SELECT MIN(period_start) FROM ranking_periods WHERE period_type = :type AND is_whole = 1", {"type": type}
    ).fetchone()[0]
    return start


def period(conn: sqlite3.Connection, type: str, start: str) -> Period | None:
    """What is known of a period's frozen ranking."""
    row = conn.execute(
        """
        SELECT period_type, period_start, period_end, people, is_whole, frozen_at, updated_at, final_at
        FROM ranking_periods WHERE period_type = :type AND period_start = :start
        """,
        {"type": type, "start": start},
    ).fetchone()
    return Period(*row) if row else None


def periods(conn: sqlite3.Connection, type: str) -> list[Period]:
    """All periods of a type whose ranking was ever frozen or begun to be, oldest first."""
    rows = conn.execute(
        """
        SELECT period_type, period_start, period_end, people, is_whole, frozen_at, updated_at, final_at
        FROM ranking_periods WHERE period_type = :type ORDER BY period_start
        """,
        {"type": type},
    )
    return [Period(*row) for row in rows]


def claim(conn: sqlite3.Connection, due: Due, claim: str, now: int) -> None:
    """Take a period over from whoever was freezing it."""
    conn.execute(
        """
        INSERT INTO ranking_periods (period_type, period_start, period_end, people, claim, is_whole, updated_at)
        VALUES (:type, :start, :end, 0, :claim, 0, :now)
        ON CONFLICT (period_type, period_start) DO UPDATE SET claim = excluded.claim
        """,
        {"type": due.type, "start": due.start, "end": due.end, "claim": claim, "now": now},
    )


def holds(conn: sqlite3.Connection, due: Due, claim: str) -> bool:
    """Whether nobody has taken a period over since."""
    row = conn.execute(
        "SELECT 1 FROM ranking_periods WHERE period_type = :type AND period_start = :start AND claim = :claim",
        {"type": due.type, "start": due.start, "claim": claim},
    ).fetchone()
    return row is not None


def break_up(conn: sqlite3.Connection, due: Due) -> None:
    """Let nobody read a period's rows while they are written."""
    conn.execute(
        "UPDATE ranking_periods SET is_whole = 0 WHERE period_type = :type AND period_start = :start",
        {"type": due.type, "start": due.start},
    )


def finish(conn: sqlite3.Connection, due: Due, *, people: int, changed: int, final: bool, now: int) -> None:
    """Say that a period's rows are all written, and whether that was for the last time."""
    conn.execute(
        """
        UPDATE ranking_periods
        SET people = :people, is_whole = 1, claim = NULL,
            frozen_at = COALESCE(frozen_at, :now),
            updated_at = CASE WHEN :changed > 0 THEN :now ELSE updated_at END,
            final_at = CASE WHEN :final = 1 THEN COALESCE(final_at, :now) ELSE NULL END
        WHERE period_type = :type AND period_start = :start
        """,
        {
            "type": due.type,
            "start": due.start,
            "people": people,
            "changed": changed,
            "final": int(final),
            "now": now,
        },
    )


def rankings(conn: sqlite3.Connection, type: str, start: str) -> list[Ranked]:
    """Everybody's row of a period, whether it is whole or not."""
    rows = conn.execute(
        """
        SELECT period_type, period_start, user_id, rank_position, rank_by_tokens, rank_by_cost, rank_by_sessions,
               rank_by_streak, rank_by_projects, composite_score, efficiency_score, input_tokens, output_tokens,
               cache_tokens, session_count, streak, cost, unpriced, project_score
        FROM rankings WHERE period_type = :type AND period_start = :start
        """,
        {"type": type, "start": start},
    )
    return [Ranked(*row) for row in rows]


def put_rankings(conn: sqlite3.Connection, rows: Iterable[Ranked]) -> None:
    """Insert or replace rows, but of people who are not here any more."""
    written: Any = rows  # our connections take objects as they are
    conn.executemany(
        """
        INSERT INTO rankings
            (period_type, period_start, user_id, rank_position, rank_by_tokens, rank_by_cost, rank_by_sessions,
             rank_by_streak, rank_by_projects, composite_score, efficiency_score, input_tokens, output_tokens,
             cache_tokens, session_count, streak, cost, unpriced, project_score)
        SELECT :period_type, :period_start, id, :rank_position, :rank_by_tokens, :rank_by_cost, :rank_by_sessions,
               :rank_by_streak, :rank_by_projects, :composite_score, :efficiency_score, :input_tokens, :output_tokens,
               :cache_tokens, :session_count, :streak, :cost, :unpriced, :project_score
        FROM users WHERE id = :user_id
        ON CONFLICT (period_type, period_start, user_id) DO UPDATE SET
            rank_position = excluded.rank_position,
            rank_by_tokens = excluded.rank_by_tokens,
            rank_by_cost = excluded.rank_by_cost,
            rank_by_sessions = excluded.rank_by_sessions,
            rank_by_streak = excluded.rank_by_streak,
            rank_by_projects = excluded.rank_by_projects,
            composite_score = excluded.composite_score,
            efficiency_score = excluded.efficiency_score,
            input_tokens = excluded.input_tokens,
            output_tokens = excluded.output_tokens,
            cache_tokens = excluded.cache_tokens,
            session_count = excluded.session_count,
            streak = excluded.streak,
            cost = excluded.cost,
            unpriced = excluded.unpriced,
            project_score = excluded.project_score
        """,
        written,
    )


def drop_rankings(conn: sqlite3.Connection, type: str, start: str, user_ids: Iterable[str]) -> None:
    """Delete some people's rows of a period."""
    conn.executemany(
        "DELETE FROM rankings WHERE period_type = :type AND period_start = :start AND user_id = :user_id",
        ({"type": type, "start": start, "user_id": user_id} for user_id in user_ids),
    )


def past(conn: sqlite3.Connection, type: str, start: str) -> list[Past]:
    """Who was ranked in a frozen period and may be shown now, with their names of now."""
    rows = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.privacy_mode, u.created_at,
               r.input_tokens, r.output_tokens, r.cache_tokens, r.session_count, r.cost, r.unpriced, r.streak,
               r.project_score, r.composite_score, r.rank_position, r.rank_by_tokens, r.rank_by_cost,
               r.rank_by_sessions, r.rank_by_streak, r.rank_by_projects
        FROM rankings AS r JOIN users AS u ON u.id = r.user_id
        WHERE r.period_type = :type AND r.period_start = :start AND u.disabled_at IS NULL
        """,
        {"type": type, "start": start},
    )
    return [Past(*row) for row in rows]


def drop_some_rankings(conn: sqlite3.Connection, type: str, before: str, limit: int) -> int:
    """Delete so many rows, at the most, of periods that began before a day; return how many there were."""
    return conn.execute(
        """
        DELETE FROM rankings WHERE (period_type, period_start, user_id) IN (
            SELECT period_type, period_start, user_id FROM rankings
            WHERE period_type = :type AND period_start < :before
            ORDER BY period_start, user_id LIMIT :limit
        )
        """,
        {"type": type, "before": before, "limit": limit},
    ).rowcount


def drop_periods(conn: sqlite3.Connection, type: str, before: str) -> int:
    """Forget that periods which began before a day were frozen; return how many there were."""
    return conn.execute(
        "DELETE FROM ranking_periods WHERE period_type = :type AND period_start < :before",
        {"type": type, "before": before},
    ).rowcount


def old_rankings(conn: sqlite3.Connection, type: str, before: str) -> int:
    """How many places there are in rankings of periods that began before a day."""
    row = conn.execute(
        "SELECT COUNT(*) FROM rankings WHERE period_type = :type AND period_start < :before",
        {"type": type, "before": before},
    ).fetchone()
    count: int = row[0]
    return count


def rankings_of_user(conn: sqlite3.Connection, user_id: str) -> list[Ranked]:
    """Every frozen place of a person."""
    rows = conn.execute(
        """
        SELECT r.period_type, r.period_start, r.user_id, r.rank_position, r.rank_by_tokens, r.rank_by_cost,
               r.rank_by_sessions, r.rank_by_streak, r.rank_by_projects, r.composite_score, r.efficiency_score,
               r.input_tokens, r.output_tokens, r.cache_tokens, r.session_count, r.streak, r.cost, r.unpriced,
               r.project_score
        FROM rankings AS r
        JOIN ranking_periods AS p ON p.period_type = r.period_type AND p.period_start = r.period_start
        WHERE r.user_id = :user_id AND p.is_whole = 1
        ORDER BY r.period_type, r.period_start
        """,
        {"user_id": user_id},
    )
    return [Ranked(*row) for row in rows]


def places(conn: sqlite3.Connection, user_id: str, type: str, limit: int) -> list[Placed]:
    """A person's places by score in the last frozen periods of a type in which they were ranked, latest first.

    Periods are few, so each is looked up; left to itself, SQLite would read all rows of that type.
    """
    rows = conn.execute(
        """
        SELECT p.period_start, r.rank_position, p.people, r.composite_score
        FROM ranking_periods AS p CROSS JOIN rankings AS r
        WHERE p.period_type = :type AND p.is_whole = 1 AND r.period_type = p.period_type
            AND r.period_start = p.period_start AND r.user_id = :user_id AND r.rank_position IS NOT NULL
        ORDER BY p.period_start DESC LIMIT :limit
        """,
        {"user_id": user_id, "type": type, "limit": limit},
    )
    return [Placed(*row) for row in rows]


def best_place(conn: sqlite3.Connection, user_id: str, type: str) -> Placed | None:
    """The latest of a person's best places by score in frozen periods of a type."""
    row = conn.execute(
        """
        SELECT p.period_start, r.rank_position, p.people, r.composite_score
        FROM ranking_periods AS p CROSS JOIN rankings AS r
        WHERE p.period_type = :type AND p.is_whole = 1 AND r.period_type = p.period_type
            AND r.period_start = p.period_start AND r.user_id = :user_id AND r.rank_position IS NOT NULL
        ORDER BY r.rank_position, p.period_start DESC LIMIT 1
        """,
        {"user_id": user_id, "type": type},
    ).fetchone()
    return Placed(*row) if row else None


def medals(conn: sqlite3.Connection) -> list[Medal]:
    """The first three of each frozen month, the latest month first, of those who may be shown now."""
    rows = conn.execute(
        """
        SELECT r.period_start, u.id, u.username, u.display_name, u.privacy_mode, r.rank_position, r.composite_score
        FROM rankings AS r
        JOIN ranking_periods AS p ON p.period_type = r.period_type AND p.period_start = r.period_start
        JOIN users AS u ON u.id = r.user_id
        WHERE r.period_type = 'monthly' AND r.rank_position <= 3 AND p.is_whole = 1 AND u.disabled_at IS NULL
        ORDER BY r.period_start DESC, r.rank_position, u.privacy_mode, u.created_at, u.id
        """
    )
    return [Medal(*row) for row in rows]


def sizes(conn: sqlite3.Connection) -> dict[str, int]:
    """How many frozen rows there are, by the sums of their periods."""
    row = conn.execute("SELECT CAST(COALESCE(SUM(people), 0) AS BIGINT) AS rankings FROM ranking_periods").fetchone()
    return dict(row)
