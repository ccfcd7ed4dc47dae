"""Goose: one SQLite database of sessions with totals that grow.

What is called input holds the cache's share; only newer versions tell how much that is. A session's id starts anew on
each machine and each day, so its moment of creation belongs to its name. Sub-agents have sessions of their own, which
belong to the one that started them.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator
from functools import partial

from arena.client.databases import columns
from arena.client.models import Copy, Keeps, Reading
from arena.client.places import configuration, data, home, overridden
from arena.client.sources import Database, Part, Stamp, stamp_of_database
from arena.client.tally import Tally, at, instant, true_cost, true_counts
from arena.wire import model_name, record_key

NAME = "goose"
COLLECTOR = "goose/1"
KEEPS = Keeps(
    tokens="exact",
    cache="exact",
    cost="exact",
    note="One record a session, which grows; older versions do not tell the cache apart.",
)

FIGURES = (
    *("accumulated_input_tokens", "accumulated_output_tokens", "accumulated_total_tokens"),
    *("accumulated_cache_read_tokens", "accumulated_cache_write_tokens"),
    *("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("accumulated_cost", "created_at", "updated_at", "working_dir", "parent_session_id"),
)


def places() -> list[str]:
    """List the databases that may be there."""
    given = overridden("GOOSE_PATH_ROOT")
    if given:
        folders = [os.path.join(given, "data")]
    elif sys.platform == "win32":
        folders = [configuration("Block", "goose", "data")]
    else:
        folders = [data("goose"), data("Block", "goose")]
        if sys.platform == "darwin":
            support = home("Library", "Application Support")
            folders += [os.path.join(support, "goose"), os.path.join(support, "Block", "goose")]
    return [os.path.join(folder, "sessions", "sessions.db") for folder in folders]


def sources() -> Iterator[Database]:
    """List the databases that are there."""
    for path in places():
        if os.path.isfile(path):
            yield Database(path, stamp_of_database(path), partial(_parts, path))


def _parts(path: str, conn: sqlite3.Connection) -> list[Part]:
    known = columns(conn, "sessions")
    shown = ", ".join(name if name in known else f"null as {name}" for name in FIGURES)
    model = "null"
    if "model_config_json" in known:
        model = "case when json_valid(model_config_json) then json_extract(model_config_json, '$.model_name') end"
    rows = conn.execute(f"select id, {model}, {shown} from sessions order by id")  # noqa: S608 - names from a closed list
    sessions = {row[0]: _Session(*row) for row in rows}
    return [
        Part(f"{path}#{identity}", session.stamp, partial(_read, session, _first(session, sessions)))
        for identity, session in sessions.items()
    ]


class _Session:
    """A row of sessions."""

    def __init__(self, identity: str, model: str | None, *figures: object) -> None:
        row = dict(zip(FIGURES, figures, strict=True))
        self.identity, self.model = identity, model_name(model if isinstance(model, str) else None)
        whole = all(row[f"accumulated_{kind}_tokens"] is None for kind in ("input", "output", "total"))
        prefix = "" if whole else "accumulated_"
        total, self.output = (_count(row[f"{prefix}{kind}_tokens"]) for kind in ("input", "output"))
        self.cache_read, self.cache_write = (_count(row[f"{prefix}cache_{kind}_tokens"]) for kind in ("read", "write"))
        # Thinking that a provider does not count as output is only in the sum.
        self.output += max(0, _count(row[f"{prefix}total_tokens"]) - total - self.output)
        self.input = max(0, total - self.cache_read - self.cache_write)
        cost = row["accumulated_cost"]
        self.cost = true_cost(float(cost)) if isinstance(cost, int | float) and cost else None
        self.created, self.updated = _instant(row["created_at"]), _instant(row["updated_at"])
        self.cwd = str(row["working_dir"] or "")
        self.parent = str(row["parent_session_id"] or "")

    @property
    def name(self) -> str:
        """Tell the session from those of other days and machines."""
        return f"{self.identity}:{self.created}"

    @property
    def stamp(self) -> Stamp:
        """Three numbers of which one moves whenever the session does."""
        tokens = self.input + self.output + self.cache_read + self.cache_write
        return tokens, self.created + self.updated, round((self.cost or 0) * 1_000_000)


def _first(session: _Session, sessions: dict[str, _Session]) -> _Session:
    """Find the session that a person started, over the sub-agents between."""
    for _ in sessions:
        if session.parent not in sessions:
            break
        session = sessions[session.parent]
    return session


def _read(session: _Session, first: _Session, conn: sqlite3.Connection) -> Reading:
    tally = Tally(NAME)
    tally.folder(session.cwd)
    figures = (session.input, session.output, session.cache_write, session.cache_read)
    if not session.created or not true_counts(*figures):
        return tally.reading()
    number = tally.session(first.name, session.created, first.cwd or session.cwd)
    if session.updated > session.created:
        tally.session(first.name, session.updated)
    new, out, written, read = figures
    key = bytes.fromhex(record_key(f"{NAME}:{session.name}", ""))
    copy = Copy(key, session.created, session.model, number, session is not first, new, out, written, 0, read)
    copy.cost_recorded = session.cost
    if session is first:
        copy.turns = _turns(conn, session.identity)
    tally.add(copy)
    return tally.reading()


def _turns(conn: sqlite3.Connection, session: str) -> int:
    """Count a session's prompts: what tools answer is kept as the user's too, but does not begin as text."""
    if not {"session_id", "role", "content_json"} <= columns(conn, "messages"):
        return 0
    prompts: int = conn.execute(
        "select count(*) from messages where session_id = :session and role = 'user'"
        """ and substr(content_json, 1, 14) = '[{"type":"text'""",
        {"session": session},
    ).fetchone()[0]
    return prompts


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _instant(value: object) -> int:
    """Read a time as Goose keeps it: UTC without saying so, or seconds, or milliseconds."""
    if isinstance(value, str) and not value.isdigit():
        return instant(value)
    number = int(value) if isinstance(value, int | str) else 0
    return at(number * 1000) or at(number)
