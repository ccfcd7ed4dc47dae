"""Writes what OpenCode and Kilo keep: their database, and their older files."""

import json
import sqlite3
from pathlib import Path
from typing import Any

Json = dict[str, Any]
SECRET = "CANARY"
AT = 1_769_940_000_000

TABLES = """
create table project (id text primary key, worktree text not null);
create table session (
    id text primary key, project_id text not null, parent_id text, directory text not null, title text not null,
    summary_additions integer, summary_deletions integer, summary_files integer,
    time_created integer not null, time_updated integer not null
);
create table message (
    id text primary key, session_id text not null, time_created integer not null, time_updated integer not null,
    data text not null
);
create table part (
    id text primary key, message_id text not null, session_id text not null, time_created integer not null,
    time_updated integer not null, data text not null
);
"""


def tokens(input: int = 40, output: int = 50, reasoning: int = 7, read: int = 60, write: int = 3, **more: Any) -> Json:
    return {"input": input, "output": output, "reasoning": reasoning, "cache": {"read": read, "write": write}, **more}


def said(at: int = 1000, **more: Any) -> Json:
    """Make what an answer says of itself."""
    base = {"role": "assistant", "time": {"created": AT + at, "completed": AT + at + 900}, "parentID": "msg_0"}
    path = {"cwd": f"/home/dev/{SECRET}", "root": f"/home/dev/{SECRET}"}
    made = {**base, "modelID": "claude-sonnet-4-5", "providerID": "anthropic", "mode": "build", "path": path}
    return {**made, "cost": 0.25, "tokens": tokens(), **more}


def prompt(at: int = 0) -> Json:
    return {"role": "user", "time": {"created": AT + at}, "agent": "build", "summary": {"title": SECRET, "diffs": []}}


def text() -> Json:
    return {"type": "text", "text": f'{SECRET} {{"type":"tool","tool":"bash"}} "step-finish"'}


def call(tool: str) -> Json:
    state = {"status": "completed", "input": {"command": SECRET}, "output": SECRET * 500, "title": SECRET}
    return {"type": "tool", "callID": "call_1", "tool": tool, "state": state}


def step(figures: Json | None = None, cost: float = 0.25) -> Json:
    return {"type": "step-finish", "reason": "stop", "snapshot": "0" * 40, "cost": cost, "tokens": figures or tokens()}


class Store:
    """A database as a running tool holds it open."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.conn = sqlite3.connect(path, isolation_level=None)
        self.conn.execute("pragma journal_mode = wal")
        self.conn.executescript(TABLES)
        self.clock = AT

    def session(self, identity: str = "ses_1", at: int = -500, **more: Any) -> None:
        values = {"parent": None, "directory": f"/home/dev/{SECRET}", "added": None, "deleted": None, "files": None}
        self.clock += 1
        self.conn.execute(
            "insert or replace into session values (:id, 'global', :parent, :directory, 'CANARY', :added, :deleted,"
            " :files, :created, :updated)",
            {**values, **more, "id": identity, "created": AT + at, "updated": self.clock},
        )

    def message(self, identity: str, data: Json | str, *parts: Json, session: str = "ses_1") -> None:
        self.clock += 1
        at = data["time"]["created"] if isinstance(data, dict) else AT
        self.conn.execute(
            "insert or replace into message values (:id, :session, :created, :updated, :data)",
            {"id": identity, "session": session, "created": at, "updated": self.clock, "data": _text(data)},
        )
        for number, part in enumerate(parts):
            self.part(f"prt_{identity}_{number}", identity, part, session)

    def part(self, identity: str, message: str, data: Json, session: str = "ses_1") -> None:
        self.conn.execute(
            "insert or replace into part values (:id, :message, :session, 0, :updated, :data)",
            {"id": identity, "message": message, "session": session, "updated": self.clock, "data": _text(data)},
        )


class Files:
    """The older way: a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "storage"

    def session(self, identity: str = "ses_1", at: int = -500, **more: Any) -> None:
        told = {"id": identity, "title": SECRET, "directory": f"/home/dev/{SECRET}", "time": {"created": AT + at}}
        self._write(f"session/global/{identity}.json", {**told, **more})

    def message(self, identity: str, data: Json, *parts: Json, session: str = "ses_1") -> None:
        self._write(f"message/{session}/{identity}.json", {"id": identity, "sessionID": session, **data})
        for number, part in enumerate(parts):
            self._write(f"part/{identity}/prt_{number}.json", {"id": f"prt_{number}", "messageID": identity, **part})

    def _write(self, name: str, content: Json) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2))


def _text(data: Json | str) -> str:
    return data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
