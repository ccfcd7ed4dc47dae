"""Crush: one SQLite database a project, which keeps what a session cost but not what it used.

Its token columns hold the last step of a session only, so they are left alone: a response is a record whose tokens are
not known. The cost of a session grows with it, holds that of its sub-agents, and stands with its first response.
"""

import os
import sqlite3
from collections.abc import Iterator
from functools import partial

import msgspec

from arena.client.models import Copy, Keeps, Reading
from arena.client.places import data, overridden
from arena.client.sources import MALFORMED, Database, Part, content, stamp_of_database
from arena.client.tally import Tally, at, true_cost
from arena.wire import model_name, record_key

NAME = "crush"
COLLECTOR = "crush/1"
KEEPS = Keeps(cost="exact", note="It keeps what a session cost, but not what it used.")


class _Project(msgspec.Struct):
    path: str | None = None
    data_dir: str | None = None


class _Projects(msgspec.Struct):
    projects: list[_Project] | None = None


_decode = msgspec.json.Decoder(_Projects).decode


def places() -> list[str]:
    """Name the file in which the tool lists its projects; the databases lie in these."""
    return [os.path.join(overridden("CRUSH_GLOBAL_DATA") or data("crush"), "projects.json")]


def sources() -> Iterator[Database]:
    """List the databases of all projects that are still there."""
    try:
        projects = _decode(content(places()[0])).projects or []
    except (OSError, *MALFORMED):
        return
    seen: set[str] = set()
    for project in projects:
        folder = project.path or ""
        path = os.path.join(folder, project.data_dir or ".crush", "crush.db")
        real = os.path.realpath(path)
        if os.path.isabs(path) and os.path.isfile(path) and real not in seen:
            seen.add(real)
            yield Database(path, stamp_of_database(path), partial(_parts, path, folder))


def _parts(path: str, folder: str, conn: sqlite3.Connection) -> list[Part]:
    """List the sessions that a person started, each with its sub-agents."""
    rows = conn.execute("select id, parent_session_id, cost, updated_at, message_count from sessions")
    sessions = {identity: (parent, *rest) for identity, parent, *rest in rows}
    families: dict[str, list[str]] = {}
    for identity in sessions:
        first = identity
        for _ in sessions:
            parent = sessions[first][0]
            if parent not in sessions:
                break
            first = parent
        families.setdefault(first, []).append(identity)
    parts = []
    for first, family in families.items():
        known = sessions[first][1]
        cost = true_cost(known) if isinstance(known, int | float) else None
        stamp = (
            sum(_number(sessions[identity][3]) for identity in family),
            max(_number(sessions[identity][2]) for identity in family),
            round((cost or 0) * 1_000_000),
        )
        parts.append(Part(f"{path}#{first}", stamp, partial(_read, first, family, cost, folder)))
    return parts


def _read(first: str, family: list[str], cost: float | None, folder: str, conn: sqlite3.Connection) -> Reading:
    tally = Tally(NAME)
    tally.folder(folder)
    oldest: Copy | None = None
    for identity in family:
        prompts = 0
        rows = conn.execute(
            "select id, role, model, created_at from messages where session_id = :session order by created_at, id",
            {"session": identity},
        )
        for message, role, model, written in rows:
            when = _instant(written)
            if role == "user":
                prompts += identity == first
            elif role == "assistant" and when:
                key = bytes.fromhex(record_key(f"{NAME}:{message}", ""))
                copy = Copy(
                    key,
                    when,
                    model_name(model if isinstance(model, str) else None),
                    tally.session(first, when, folder),
                    identity != first,
                )
                copy.turns, prompts = prompts, 0
                tally.add(copy)
                if oldest is None or (oldest.sidechain and not copy.sidechain):
                    oldest = copy
    if oldest is not None:
        # A plan with a flat rate leaves the cost at 0, which does not mean free.
        oldest.cost_recorded = cost or None
    return tally.reading()


def _instant(written: object) -> int:
    """Read seconds, as the tool writes them, or milliseconds, as it says that it does."""
    number = _number(written)
    return at(number * 1000) or at(number)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
