"""All SQL of the teams room."""

import sqlite3

from arena.teams.models import Counts, Listed, Team, TeamSize


def add_team(conn: sqlite3.Connection, team: Team) -> None:
    """Insert a team. Raises `sqlite3.IntegrityError` when its slug is taken."""
    conn.execute(
        "INSERT INTO teams (id, name, slug, created_at) VALUES (:id, :name, :slug, :created_at)",
        {"id": team.id, "name": team.name, "slug": team.slug, "created_at": team.created_at},
    )


def team_by_slug(conn: sqlite3.Connection, slug: str) -> Team | None:
    """The team with this slug."""
    row = conn.execute("SELECT id, name, slug, created_at FROM teams WHERE slug = :slug", {"slug": slug}).fetchone()
    return Team(*row) if row else None


def teams(conn: sqlite3.Connection) -> list[Team]:
    """All teams, by name."""
    rows = conn.execute("SELECT id, name, slug, created_at FROM teams ORDER BY slug")
    return [Team(*row) for row in rows]


def sizes(conn: sqlite3.Connection) -> list[TeamSize]:
    """All teams by name, with how many people are in each."""
    rows = conn.execute(
        """
        SELECT t.id, t.name, t.slug, t.created_at, count(m.user_id)
        FROM teams AS t LEFT JOIN team_members AS m ON m.team_id = t.id
        GROUP BY t.id, t.name, t.slug, t.created_at ORDER BY t.slug
        """
    )
    return [TeamSize(Team(*tuple(row)[:4]), row[4]) for row in rows]


def set_name(conn: sqlite3.Connection, id: str, name: str, slug: str) -> None:
    """Give a team another name."""
    conn.execute("UPDATE teams SET name = :name, slug = :slug WHERE id = :id", {"id": id, "name": name, "slug": slug})


def delete_team(conn: sqlite3.Connection, id: str) -> None:
    """Delete a team; its people are in none then."""
    conn.execute("DELETE FROM teams WHERE id = :id", {"id": id})


def team_of(conn: sqlite3.Connection, user_id: str) -> Team | None:
    """The team that a person is in."""
    row = conn.execute(
        """
        SELECT t.id, t.name, t.slug, t.created_at
        FROM team_members AS m JOIN teams AS t ON t.id = m.team_id WHERE m.user_id = :user_id
        """,
        {"user_id": user_id},
    ).fetchone()
    return Team(*row) if row else None


def team_of_everybody(conn: sqlite3.Connection) -> dict[str, Team]:
    """Which team each person is in; people without one are left out."""
    by_id = {team.id: team for team in teams(conn)}
    return {row[0]: by_id[row[1]] for row in conn.execute("SELECT user_id, team_id FROM team_members")}


def members(conn: sqlite3.Connection, team_id: str) -> list[str]:
    """The ids of a team's people."""
    rows = conn.execute("SELECT user_id FROM team_members WHERE team_id = :team_id", {"team_id": team_id})
    return [row[0] for row in rows]


def put_member(conn: sqlite3.Connection, user_id: str, team_id: str, joined_at: int) -> None:
    """Put a person into a team, out of any other."""
    conn.execute(
        """
        INSERT INTO team_members (user_id, team_id, joined_at) VALUES (:user_id, :team_id, :joined_at)
        ON CONFLICT (user_id) DO UPDATE SET team_id = excluded.team_id, joined_at = excluded.joined_at
        """,
        {"user_id": user_id, "team_id": team_id, "joined_at": joined_at},
    )


def drop_member(conn: sqlite3.Connection, user_id: str) -> None:
    """Take a person out of their team."""
    conn.execute("DELETE FROM team_members WHERE user_id = :user_id", {"user_id": user_id})


# -- people, as their administrator sees them


def some_people(
    conn: sqlite3.Connection, pattern: str, state: str, role: str, team: str, after: str, limit: int
) -> list[Listed]:
    """People by name, from the one after a name: by a pattern in their names, by state, role and team.

    Empty means any; ``team`` is a slug, or ``-`` for people in none.
    """
    rows = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.role, u.privacy_mode, u.disabled_at, u.created_at,
            (SELECT count(*) FROM api_keys k WHERE k.user_id = u.id AND k.revoked_at IS NULL),
            (SELECT max(s.last_seen_at) FROM web_sessions s WHERE s.user_id = u.id),
            (SELECT max(k.last_used_at) FROM api_keys k WHERE k.user_id = u.id),
            t.name
        FROM users u LEFT JOIN team_members m ON m.user_id = u.id LEFT JOIN teams t ON t.id = m.team_id
        WHERE u.username > :after
          AND (:pattern = '' OR u.username LIKE :pattern ESCAPE '!' OR lower(u.display_name) LIKE :pattern ESCAPE '!')
          AND (:state = '' OR (:state = 'enabled') = (u.disabled_at IS NULL))
          AND (:role = '' OR u.role = :role)
          AND (:team = '' OR (:team = '-' AND t.id IS NULL) OR t.slug = :team)
        ORDER BY u.username LIMIT :limit
        """,
        {"pattern": pattern, "state": state, "role": role, "team": team, "after": after, "limit": limit},
    )
    return [_listed(row) for row in rows]


def listed(conn: sqlite3.Connection, username: str) -> Listed | None:
    """The person with this (lower-case) user name."""
    row = conn.execute(
        """
        SELECT u.id, u.username, u.display_name, u.role, u.privacy_mode, u.disabled_at, u.created_at,
            (SELECT count(*) FROM api_keys k WHERE k.user_id = u.id AND k.revoked_at IS NULL),
            (SELECT max(s.last_seen_at) FROM web_sessions s WHERE s.user_id = u.id),
            (SELECT max(k.last_used_at) FROM api_keys k WHERE k.user_id = u.id),
            t.name
        FROM users u LEFT JOIN team_members m ON m.user_id = u.id LEFT JOIN teams t ON t.id = m.team_id
        WHERE u.username = :username
        """,
        {"username": username},
    ).fetchone()
    return _listed(row) if row else None


def counts(conn: sqlite3.Connection) -> Counts:
    """How many people there are, how many of them run the box, how many are disabled."""
    row = conn.execute(
        """
        SELECT count(*), COALESCE(SUM(CASE WHEN role = 'admin' AND disabled_at IS NULL THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END), 0)
        FROM users
        """
    ).fetchone()
    return Counts(*row)


def _listed(row: sqlite3.Row) -> Listed:
    return Listed(row[0], row[1], row[2], row[3], row[4] == 1, *tuple(row)[5:])
