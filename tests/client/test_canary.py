"""Nothing that a person or a model wrote leaves its file: not over the network, not onto the screen, not into our own.

Every tool's sample holds canaries in all such places. All commands are run over all samples; no canary may be in any
byte that the box heard, that was printed, or that we keep. Folders that were worked in are kept here, for exclusions,
but nothing of their names is sent or shown.
"""

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.cli import COMMANDS, SERVER
from arena.client import ledger
from arena.client.counting import tool_names
from tests.client import samples
from tests.client.box import KEY, Box
from tests.client.conftest import Laptop

CANARY, NEST = samples.CANARY.encode(), samples.NEST.encode()
PLANTED = "CANARYPLANTED"

RUNS: dict[str, list[list[str]]] = {
    "login": [["login", "--no-sync", "--api-key", KEY], ["login", "--no-sync", "--json", "--api-key", KEY]],
    "hooks": [
        ["hooks", "list"],
        ["hooks", "uninstall"],
        ["hooks", "install", "--json", "--statusline", "--schedule"],
    ],
    "hook": [["hook", "--help"]],
    "sync": [
        ["sync", "--dry-run"],
        ["sync", "--dry-run", "--json"],
        ["sync", "--json"],
        ["sync", "--full"],
        ["sync", "--spooled", "--quiet"],
    ],
    "status": [["status"], ["status", "--json"]],
    "statusline": [["statusline"], ["statusline", "--refresh"]],
    # It sends the README of the folder that one names, and nothing else; this one has none.
    "submit": [["submit", "/somewhere/else"]],
    "doctor": [["doctor"], ["doctor", "--json"]],
    "exclude": [["exclude", "/somewhere/else", "--forget"]],
    "list-excluded": [["list-excluded"], ["list-excluded", "--json"]],
    "include": [["include", "/somewhere/else"]],
    "logout": [["logout", "--revoke"], ["logout", "--json"]],
}
"""How each command is run; a new one is added here."""


def test_every_command_of_the_laptop_is_run() -> None:
    assert set(RUNS) == set(COMMANDS) - SERVER


@pytest.mark.parametrize("tool", tool_names())
def test_every_tool_s_sample_holds_canaries(tool: str) -> None:
    files = [path for path in (samples.FOLDER / tool / "home").rglob("*") if path.is_file()]
    with_canary = [path for path in files if CANARY in path.read_bytes()]
    assert sum(path.read_bytes().count(CANARY) for path in files) >= 6
    assert len(with_canary) >= len(files) / 2
    assert any(NEST in path.read_bytes() for path in files)


def kept(laptop: Laptop) -> bytes:
    return b"".join(path.read_bytes() for path in laptop.home.rglob("*") if path.is_file())


def hooked(laptop: Laptop, tool: str, transcript: Path) -> bytes:
    """Call a hook as the tool does, with canaries in all that its event says, and wait for the upload."""
    event = {"session_id": "s-1", "transcript_path": str(transcript), "hook_event_name": "SessionEnd"}
    said = dict.fromkeys(("last_assistant_message", "prompt", "cwd", "reason", "git_branch"), samples.CANARY)
    process = laptop.start("hook", tool, stdin=subprocess.PIPE)
    out, err = process.communicate(json.dumps({**said, **event}).encode(), timeout=20)
    until = time.monotonic() + 20
    while any((laptop.home / "spool").iterdir()) and time.monotonic() < until:
        assert CANARY not in kept(laptop)
        time.sleep(0.02)
    return out + err


def shown(laptop: Laptop) -> bytes:
    """Ask for the status line as the tool does, with canaries in all that it says of itself."""
    said = dict.fromkeys(("session_id", "transcript_path", "cwd", "model", "workspace", "rate_limits"), samples.CANARY)
    out, err = laptop.start("statusline", stdin=subprocess.PIPE).communicate(json.dumps(said).encode(), timeout=20)
    assert CANARY not in kept(laptop)
    return out + err


def test_no_canary_gets_out_whatever_is_run(laptop: Laptop, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_SERVER", box.url)
    for tool in tool_names():
        samples.lay(tool, laptop.home.parent)
    printed = b""
    for command in [*RUNS, "status"]:
        for argv in RUNS[command]:
            _, out, err = laptop.run(*argv)
            printed += out.encode() + err.encode()
            assert CANARY not in printed, argv
            assert NEST not in printed, argv
            assert CANARY not in kept(laptop), argv
            assert CANARY not in box.heard, argv
            assert NEST not in box.heard, argv
        if command == "hook":
            for transcript in laptop.claude.rglob("*.jsonl"):
                printed += hooked(laptop, "claude-code", transcript)
        if command == "statusline":
            printed += shown(laptop)
    assert CANARY not in printed
    tools = {session["tool"] for body in box.usage_requests() for session in body["sessions"]}
    assert tools == set(tool_names())
    assert sum(len(session["records"]) for body in box.usage_requests() for session in body["sessions"]) > 30


def test_broken_files_tell_nothing_either(laptop: Laptop, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_SERVER", box.url)
    monkeypatch.setenv("ARENA_API_KEY", KEY)
    for tool in tool_names():
        for path in samples.lay(tool, laptop.home.parent):
            content = path.read_bytes()
            middle = content.find(CANARY, len(content) // 2) + len(CANARY) // 2
            path.write_bytes(content[: middle or len(content) // 2])
    code, out, err = laptop.run("sync")
    assert code == 0
    assert "cannot read" in err
    for told in (out.encode(), err.encode(), kept(laptop), box.heard):
        assert CANARY not in told


def test_whatever_field_a_canary_sits_in_it_is_not_sent(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Field after field of all samples gets a canary; only what names a model may travel with it, no record is lost
    from sight."""
    monkeypatch.setattr(ledger, "opened", in_memory)
    sent = planted = 0
    for tool in tool_names():
        home = laptop.home.parent / "homes" / tool
        samples.lay(tool, home)
        monkeypatch.setenv("HOME", str(home))
        for plant in plants(home):
            with plant:
                code, out, err = laptop.run("sync", "--dry-run", "--json", "--tool", tool)
            assert code == 0, err
            planted += 1
            records = [
                record
                for body in json.loads(out)["requests"]
                for session in body["sessions"]
                for record in [*session.pop("records"), session]
            ]
            sent += len(records)
            models = [record.pop("model", None) for record in records]
            assert PLANTED not in json.dumps(records), (tool, plant)
            assert PLANTED not in err, (tool, plant)
            if any(PLANTED in str(model) for model in models):
                assert "model" in str(plant).lower(), (tool, plant)
    assert planted > 300
    assert sent > 300


def in_memory() -> sqlite3.Connection:
    """Open a ledger that is new each time and never waits for a disk."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    conn.executescript(ledger.SCHEMA)
    return conn


class Plant:
    """A canary in one field, wherever it occurs in the files of a home; taken out again at the end."""

    def __init__(self, field: str, changed: dict[Path, str | list[str]]) -> None:
        self.field, self.changed = field, changed
        self.before: dict[Path, bytes] = {}

    def __str__(self) -> str:
        return self.field

    __repr__ = __str__

    def __enter__(self) -> None:
        for path, content in self.changed.items():
            self.before[path] = path.read_bytes()
            if isinstance(content, str):
                path.write_text(content)
            else:
                conn = sqlite3.connect(path)
                for sql in content:
                    conn.execute(sql, (PLANTED,))
                conn.commit()
                conn.close()

    def __exit__(self, *_: object) -> None:
        for path, content in self.before.items():
            path.write_bytes(content)


def plants(home: Path) -> Iterator[Plant]:
    """List the fields of all files below a home, each with its canary."""
    fields: dict[str, dict[Path, str | list[str]]] = {}
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        if path.read_bytes().startswith(b"SQLite format 3"):
            for field, sql in columns(path):
                fields.setdefault(field, {})[path] = [sql]
        elif path.suffix in {".json", ".jsonl"}:
            text = path.read_text()
            lines = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else [json.loads(text)]
            for field in sorted({field for line in lines for field in texts(line)}):
                said = [json.dumps(poisoned(line, field), separators=(",", ":")) for line in lines]
                fields.setdefault(f"{path.suffix} {field}", {})[path] = "\n".join(said) + "\n"
    for field, changed in fields.items():
        yield Plant(field, changed)


def columns(path: Path) -> Iterator[tuple[str, str]]:
    """List the columns of text of a database, each with the statement that puts a canary into it."""
    conn = sqlite3.connect(path)
    for (table,) in conn.execute("select name from sqlite_schema where type = 'table' and name not like 'sqlite%'"):
        for (column,) in conn.execute("select name from pragma_table_info(?)", (table,)).fetchall():
            if conn.execute(f"select 1 from {table} where typeof({column}) = 'text'").fetchone():
                yield (
                    f"{table}.{column}",
                    f"update {table} set {column} = {column} || ? where typeof({column}) = 'text'",
                )
    conn.close()


def texts(value: Any, field: str = "") -> Iterator[str]:
    """List where in a document texts stand; places in a list are one place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, f"{field}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, f"{field}[]")
    elif isinstance(value, str):
        yield field


def poisoned(value: Any, wanted: str, field: str = "") -> Any:
    """Copy a document with a canary at the end of each text in one place."""
    if isinstance(value, dict):
        return {name: poisoned(inner, wanted, f"{field}.{name}") for name, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner, wanted, f"{field}[]") for inner in value]
    return value + PLANTED if isinstance(value, str) and field == wanted else value
