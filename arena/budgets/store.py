"""All SQL of the budgets room."""

import sqlite3
from collections import defaultdict

from arena.budgets.models import Spent, Subject


def teams(conn: sqlite3.Connection) -> list[Subject]:
    """All teams by name, with their budgets."""
    rows = conn.execute(
        """
        SELECT t.id, t.slug, t.name, b.amount
        FROM teams AS t LEFT JOIN team_budgets AS b ON b.team_id = t.id ORDER BY t.slug
        """
    )
    return [Subject("team", *row) for row in rows]


def people(conn: sqlite3.Connection) -> list[Subject]:
    """Everybody who has a budget of their own, by user name."""
    rows = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, b.amount
        FROM user_budgets AS b JOIN users AS u ON u.id = b.user_id ORDER BY u.username
        """
    )
    return [Subject("person", *row) for row in rows]


def team_budget(conn: sqlite3.Connection, team_id: str) -> int | None:
    """A team's budget of a month, if it has one."""
    row = conn.execute("SELECT amount FROM team_budgets WHERE team_id = :team_id", {"team_id": team_id}).fetchone()
    return row[0] if row else None


def person_budget(conn: sqlite3.Connection, user_id: str) -> int | None:
    """A person's budget of a month, if they have one."""
    row = conn.execute("SELECT amount FROM user_budgets WHERE user_id = :user_id", {"user_id": user_id}).fetchone()
    return row[0] if row else None


def put_team_budget(conn: sqlite3.Connection, team_id: str, amount: int, now: int) -> None:
    """Set a team's budget."""
    conn.execute(
        """
        INSERT INTO team_budgets (team_id, amount, set_at) VALUES (:team_id, :amount, :now)
        ON CONFLICT (team_id) DO UPDATE SET amount = excluded.amount, set_at = excluded.set_at
        """,
        {"team_id": team_id, "amount": amount, "now": now},
    )


def put_person_budget(conn: sqlite3.Connection, user_id: str, amount: int, now: int) -> None:
    """Set a person's budget."""
    conn.execute(
        """
        INSERT INTO user_budgets (user_id, amount, set_at) VALUES (:user_id, :amount, :now)
        ON CONFLICT (user_id) DO UPDATE SET amount = excluded.amount, set_at = excluded.set_at
        """,
        {"user_id": user_id, "amount": amount, "now": now},
    )


def drop_team_budget(conn: sqlite3.Connection, team_id: str) -> None:
    """Take a team's budget away."""
    conn.execute("DELETE FROM team_budgets WHERE team_id = :team_id", {"team_id": team_id})


def drop_person_budget(conn: sqlite3.Connection, user_id: str) -> None:
    """Take a person's budget away."""
    conn.execute("DELETE FROM user_budgets WHERE user_id = :user_id", {"user_id": user_id})


# -- what was spent


def days_of_teams(conn: sqlite3.Connection, first: str, last: str) -> dict[str, dict[str, Spent]]:
    """What the people who are in each team now cost, by day, from one day to another, both included."""
    rows = conn.execute(
        """
        SELECT m.team_id, d.stat_date, CAST(SUM(d.cost) AS BIGINT), CAST(SUM(d.unpriced) AS BIGINT)
        FROM team_members AS m JOIN daily_user_stats AS d ON d.user_id = m.user_id
        WHERE d.stat_date >= :first AND d.stat_date <= :last
        GROUP BY m.team_id, d.stat_date
        """,
        {"first": first, "last": last},
    )
    found: dict[str, dict[str, Spent]] = defaultdict(dict)
    for team_id, day, cost, unpriced in rows:
        found[team_id][day] = Spent(cost, unpriced)
    return found


def days_of_team(conn: sqlite3.Connection, team_id: str, first: str, last: str) -> dict[str, Spent]:
    """The same for one team."""
    rows = conn.execute(
        """
        SELECT d.stat_date, CAST(SUM(d.cost) AS BIGINT), CAST(SUM(d.unpriced) AS BIGINT)
        FROM team_members AS m JOIN daily_user_stats AS d ON d.user_id = m.user_id
        WHERE m.team_id = :team_id AND d.stat_date >= :first AND d.stat_date <= :last
        GROUP BY d.stat_date
        """,
        {"team_id": team_id, "first": first, "last": last},
    )
    return {row[0]: Spent(row[1], row[2]) for row in rows}


def days_of_person(conn: sqlite3.Connection, user_id: str, first: str, last: str) -> dict[str, Spent]:
    """The same for one person."""
    rows = conn.execute(
        """
        SELECT stat_date, cost, unpriced FROM daily_user_stats
        WHERE user_id = :user_id AND stat_date >= :first AND stat_date <= :last
        """,
        {"user_id": user_id, "first": first, "last": last},
    )
    return {row[0]: Spent(row[1], row[2]) for row in rows}


# -- what was reached


def reach_of_team(conn: sqlite3.Connection, team_id: str, month: str, mark: int, now: int) -> bool:
    """Note that a part of a team's budget was reached; False if that was noted before."""
    done = conn.execute(
        """
        INSERT INTO team_budget_marks (team_id, month, mark, reached_at) VALUES (:team_id, :month, :mark, :now)
        ON CONFLICT (team_id, month, mark) DO NOTHING
        """,
        {"team_id": team_id, "month": month, "mark": mark, "now": now},
    )
    return done.rowcount == 1


def reach_of_person(conn: sqlite3.Connection, user_id: str, month: str, mark: int, now: int) -> bool:
    """Note that a part of a person's budget was reached; False if that was noted before."""
    done = conn.execute(
        """
        INSERT INTO user_budget_marks (user_id, month, mark, reached_at) VALUES (:user_id, :month, :mark, :now)
        ON CONFLICT (user_id, month, mark) DO NOTHING
        """,
        {"user_id": user_id, "month": month, "mark": mark, "now": now},
    )
    return done.rowcount == 1
