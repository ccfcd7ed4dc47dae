"""What OpenCode and its fork Kilo write: a database of sessions, messages and parts, or (older) a JSON file for each.

A message is one answer, in one step or several; its own figures may be those of the last step, or none, and those of
its steps stand in their parts: the larger counts. A session that was forked copies what was said before it began,
under new ids: that is known by its time, and was billed to where it was said. A message that stands in a database and
in a file has one id.
"""

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from glob import escape, glob

import msgspec

from arena.client.databases import columns
from arena.client.models import Copy, Reading
from arena.client.sources import MALFORMED, Database, Document, Part, Source, content, stamp_of_database, stamp_of_files
from arena.client.tally import COUNT_LIMIT, Tally, at, tool_call, true_cost, true_counts
from arena.wire import model_name, record_key

BUILT_IN = frozenset(
    "apply_patch bash batch codesearch edit glob grep invalid list lsp multiedit patch plan_enter plan_exit question"
    " read skill task todoread todowrite webfetch websearch write".split()
)

MOMENT = 1000
"""Milliseconds that a session's clock may be ahead of its first message's."""

LIMIT = 1 << 53
"""What JavaScript cannot count any more."""

HEAD = 300
"""Characters at the start of a part in which its type and its tool stand."""

CALL = re.compile(r'"type"\s*:\s*"tool"')
TOOL = re.compile(r'"tool"\s*:\s*"([^"\\]{1,64})"')
STEP = '"step-finish"'


class _Cache(msgspec.Struct, gc=False):
    read: float | None = None
    write: float | None = None


class _Tokens(msgspec.Struct, gc=False):
    """Input is without the cache. Output is without reasoning, unless the total says that it is in there."""

    input: float | None = None
    output: float | None = None
    reasoning: float | None = None
    total: float | None = None
    cache: _Cache | None = None

    def figures(self) -> tuple[int, int, int, int]:
        """Give input, output with reasoning, and what the cache stored and served."""
        cache = self.cache or _Cache()
        new, said, stored, read = map(_whole, (self.input, self.output, cache.write, cache.read))
        thought = _whole(self.reasoning)
        inside = self.total and new + said + stored + read <= self.total < new + said + stored + read + thought
        return new, said if inside else said + thought, stored, read


class _Time(msgspec.Struct, gc=False):
    created: float | None = None


class _Path(msgspec.Struct, gc=False):
    cwd: str | None = None


class _Message(msgspec.Struct, gc=False):
    id: str | None = None
    role: str | None = None
    modelID: str | None = None
    time: _Time | None = None
    path: _Path | None = None
    tokens: _Tokens | None = None
    cost: float | None = None


class _Step(msgspec.Struct, gc=False):
    type: str | None = None
    tokens: _Tokens | None = None
    cost: float | None = None


class _Summary(msgspec.Struct, gc=False):
    additions: float | None = None
    deletions: float | None = None
    files: float | None = None


class _SessionFile(msgspec.Struct, gc=False):
    parentID: str | None = None
    directory: str | None = None
    time: _Time | None = None
    summary: _Summary | None = None


class _Session(msgspec.Struct):
    """What is known of a session beside its messages."""

    id: str
    parent: str = ""
    directory: str = ""
    created: int = 0
    added: int = 0
    deleted: int = 0
    files: int = 0


class _Deeds(msgspec.Struct):
    """What the parts of one message add up to."""

    tools: dict[str, int] = {}
    figures: tuple[int, int, int, int] = (0, 0, 0, 0)
    cost: float = 0.0


_decode_message = msgspec.json.Decoder(_Message).decode
_decode_step = msgspec.json.Decoder(_Step).decode
_decode_session = msgspec.json.Decoder(_SessionFile).decode


def sources(tool: str, folder: str, name: str) -> Iterator[Source]:
    """Walk what a tool keeps in its folder of data; its databases are called ``name`` and perhaps a channel's."""
    for path in _databases(folder, name):
        with suppress(OSError):
            yield Database(path, stamp_of_database(path), partial(_parts, tool, path))
    yield from _folders(tool, os.path.join(folder, "storage"))


def _databases(folder: str, name: str) -> list[str]:
    return sorted(path for path in glob(os.path.join(escape(folder), f"{name}*.db")) if os.path.isfile(path))


# -- the database


def _parts(tool: str, path: str, conn: sqlite3.Connection) -> list[Part]:
    known = columns(conn, "message")
    if not {"id", "session_id", "data"} <= known:
        return []
    changed = "time_updated" if "time_updated" in known else "time_created"
    sessions = _sessions(conn)
    sql = f"select session_id, count(*), coalesce(max({changed}), 0) from message group by session_id"  # noqa: S608
    return [
        Part(
            f"{path}#{identity}",
            (number, int(latest), sessions[identity][1] if identity in sessions else 0),
            partial(_read_session, tool, sessions[identity][0] if identity in sessions else _Session(identity)),
        )
        for identity, number, latest in conn.execute(sql)
        if isinstance(identity, str)
    ]


def _sessions(conn: sqlite3.Connection) -> dict[str, tuple[_Session, int]]:
    """Map each session to what is known of it and to when that changed last."""
    known = columns(conn, "session")
    if "id" not in known:
        return {}
    names = ("parent_id", "directory", "time_created", "summary_additions", "summary_deletions", "summary_files")
    wanted = ", ".join(name if name in known else "null" for name in (*names, "time_updated"))
    found = {}
    for identity, parent, directory, created, added, deleted, files, changed in conn.execute(
        f"select id, {wanted} from session"  # noqa: S608 - names of our own
    ):
        session = _Session(identity, _word(parent), _word(directory), _number(created))
        session.added, session.deleted, session.files = _count(added), _count(deleted), _count(files)
        found[identity] = (session, _number(changed))
    return found


def _read_session(tool: str, session: _Session, conn: sqlite3.Connection) -> Reading:
    sql = "select id, time_created, cast(data as blob) from message where session_id = :session order by id"
    rows = conn.execute(sql, {"session": session.id})
    messages = [message for identity, created, data in rows if (message := _message(identity, created, data))]
    return _reading(tool, session, messages, _deeds_in_database(conn, session.id))


def _message(identity: str, created: object, data: bytes) -> _Message | None:
    try:
        message = _decode_message(data)
    except MALFORMED:
        return None
    message.id = message.id or identity
    if message.time is None or message.time.created is None:
        message.time = _Time(_number(created))
    return message


def _deeds_in_database(conn: sqlite3.Connection, session: str) -> dict[str, _Deeds]:
    known = columns(conn, "part")
    if not {"message_id", "data"} <= known:
        return {}
    mine = "session_id = :session"
    if "session_id" not in known:
        mine = "message_id in (select id from message where session_id = :session)"
    sql = (
        f"select message_id, substr(data, 1, {HEAD}),"  # noqa: S608 - names and numbers of our own
        f" case when instr(substr(data, 1, {HEAD}), :step) > 0 then cast(data as blob) end"
        f" from part where {mine}"
        f" and (instr(substr(data, 1, {HEAD}), :step) > 0 or instr(substr(data, 1, {HEAD}), :tool) > 0)"
    )
    deeds: dict[str, _Deeds] = {}
    for message, head, step in conn.execute(sql, {"session": session, "step": STEP, "tool": '"tool"'}):
        _take_part(deeds.setdefault(message, _Deeds()), head, step)
    return deeds


# -- the files


def _folders(tool: str, storage: str) -> Iterator[Document]:
    """Walk the older files, the folder of a session's messages as one source."""
    try:
        with os.scandir(os.path.join(storage, "message")) as entries:
            folders = sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:
        return
    projects = glob(os.path.join(escape(storage), "session", "*", ""))
    for folder in folders:
        session = os.path.basename(folder)
        files = [path for project in projects if os.path.isfile(path := os.path.join(project, session + ".json"))]
        try:
            with os.scandir(folder) as entries:
                stats = [entry.stat() for entry in entries if entry.name.endswith(".json")]
            stats += [os.stat(path) for path in files]
        except OSError:
            continue
        yield Document(folder, stamp_of_files(stats), partial(_read_folder, tool, storage, folder, files))


def _read_folder(tool: str, storage: str, folder: str, files: list[str]) -> Reading:
    session = _Session(os.path.basename(folder))
    for path in files:
        told = _decode_session(content(path))
        session.parent, session.directory = told.parentID or "", told.directory or ""
        session.created = at(told.time.created if told.time else None)
        summary = told.summary or _Summary()
        session.added, session.deleted = _count(summary.additions), _count(summary.deletions)
        session.files = _count(summary.files)
    messages: list[_Message] = []
    deeds: dict[str, _Deeds] = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".json"):
            message = _message(name.removesuffix(".json"), None, content(os.path.join(folder, name)))
            if message is not None and message.id:
                messages.append(message)
                if message.role == "assistant":
                    deeds[message.id] = _deeds_in_folder(os.path.join(storage, "part", message.id))
    return _reading(tool, session, messages, deeds)


def _deeds_in_folder(folder: str) -> _Deeds:
    deeds = _Deeds()
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return deeds
    for name in names:
        with suppress(OSError), open(os.path.join(folder, name), "rb") as file:
            head = file.read(4 * HEAD)
            text = head.decode(errors="replace")
            _take_part(deeds, text, head + file.read(1 << 16) if STEP in text else None)
    return deeds


# -- both


def _take_part(deeds: _Deeds, head: str, step: bytes | None) -> None:
    if step is None:
        if CALL.search(head) and (tool := TOOL.search(head)):
            shown = tool_call(tool[1], BUILT_IN)
            deeds.tools[shown] = deeds.tools.get(shown, 0) + 1
        return
    try:
        told = _decode_step(step)
    except MALFORMED:
        return
    if told.type == "step-finish" and told.tokens is not None:
        new, said, stored, read = (a + b for a, b in zip(deeds.figures, told.tokens.figures(), strict=True))
        deeds.figures = (new, said, stored, read)
        deeds.cost += true_cost(told.cost) or 0.0


def _reading(tool: str, session: _Session, messages: Iterable[_Message], deeds: dict[str, _Deeds]) -> Reading:
    tally = Tally(tool)
    tally.folder(session.directory)
    first: Copy | None = None
    prompts = 0
    for message in messages:
        when = at(message.time.created if message.time else None)
        tally.folder((message.path and message.path.cwd) or "")
        if not when or when < session.created - MOMENT or not message.id:
            continue
        if message.role == "user":
            prompts += 1
        elif message.role == "assistant":
            done = deeds.get(message.id) or _Deeds()
            told = message.tokens.figures() if message.tokens else (0, 0, 0, 0)
            new, said, stored, read = max(told, done.figures, key=lambda figures: (figures[1], sum(figures)))
            if not true_counts(new, said, stored, read):
                continue
            key = bytes.fromhex(record_key(f"{tool}:{message.id}", ""))
            cwd = session.directory or (message.path and message.path.cwd) or ""
            number = tally.session(session.id, when, cwd)
            copy = Copy(key, when, model_name(message.modelID), number, bool(session.parent))
            copy.input, copy.output, copy.cache_write_5m, copy.cache_read = new, said, stored, read
            # Nothing is what a subscription costs, so it says nothing of the price.
            copy.cost_recorded = max(true_cost(message.cost) or 0.0, done.cost) or None
            copy.tools = done.tools or None
            if not session.parent:
                copy.turns, prompts = prompts, 0
            tally.add(copy)
            first = first or copy
    if first is not None:
        # The tool tells them of the session as a whole.
        first.lines_added, first.lines_deleted = session.added, session.deleted
        first.files_modified = session.files
    return tally.reading()


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and 0 <= value < LIMIT else 0


def _count(value: object) -> int:
    return min(_number(value), COUNT_LIMIT)


def _whole(value: float | None) -> int:
    """Make a count whole; -1, which no count can be, where it cannot be true."""
    return int(value or 0) if value is None or 0 <= value < LIMIT else -1
