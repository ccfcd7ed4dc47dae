"""Copilot CLI: events of a session as JSON Lines; exact figures stand only where a run of it ended.

Each ``session.shutdown`` sums up its own run by model; a resumed session has several, and they add up. What was done
without such an end (``/new``, a killed terminal) the tool itself forgets.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import msgspec

from arena.client import program
from arena.client.formats.messages import each
from arena.client.models import Copy, Keeps, Reading
from arena.client.places import home, overridden
from arena.client.sources import MALFORMED, Log, Readable, in_lines, stamp, walk
from arena.client.tally import Tally, instant, tool_call, true_counts
from arena.wire import model_name, record_key

NAME = "copilot"
COLLECTOR = "copilot/1"
KEEPS = Keeps(
    tokens="exact",
    cache="exact",
    cost="derived",
    calls="exact",
    lines="exact",
    note="Known only where a run was ended in order; what a killed terminal used it forgets itself.",
)
HOOK_MARK = ' hook copilot"'
SETTLES = 3.0
"""Seconds that the tool may take to write a session's end down after it called its hooks."""

FOLDERS = ("session-state", "history-session-state")

BUILT_IN = frozenset(
    "apply_patch ask_user bash create edit exit_plan_mode fetch_copilot_cli_documentation glob grep list_agents"
    " list_bash list_powershell powershell read_agent read_bash read_powershell report_intent rg show_file skill sql"
    " stop_bash stop_powershell store_memory str_replace_editor task task_complete update_todo view web_fetch"
    " web_search write_bash write_powershell".split()
)

MATTERS = (
    b'"session.start"',
    b'"session.resume"',
    b'"session.shutdown"',
    b'"user.message"',
    b'"tool.execution_start"',
)

NOTHING = (b"", b"null", b'""')


class _Usage(msgspec.Struct):
    inputTokens: int | None = None
    outputTokens: int | None = None
    cacheReadTokens: int | None = None
    cacheWriteTokens: int | None = None


class _Model(msgspec.Struct):
    usage: _Usage | None = None


class _Changes(msgspec.Struct):
    linesAdded: int | None = None
    linesRemoved: int | None = None
    filesModified: list[msgspec.Raw] | None = None


class _Context(msgspec.Struct):
    cwd: str | None = None


class _Data(msgspec.Struct):
    sessionId: str | None = None
    context: _Context | None = None
    modelMetrics: dict[str, msgspec.Raw] | None = None
    codeChanges: msgspec.Raw = msgspec.Raw()
    toolName: str | None = None
    mcpServerName: msgspec.Raw = msgspec.Raw()
    source: str | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    timestamp: str | None = None
    data: _Data | None = None


class _State(msgspec.Struct, array_like=True):
    """What is open at the end of the lines read so far: the session, and the deeds that no end has summed up yet."""

    session: str = ""
    cwd: str = ""
    prompts: int = 0
    tools: dict[str, int] = {}


_decode = msgspec.json.Decoder(_Event).decode
_model = msgspec.json.Decoder(_Model)
_changes = msgspec.json.Decoder(_Changes)
_decode_state = msgspec.msgpack.Decoder(_State).decode


def places() -> list[str]:
    """List the folders that may hold sessions."""
    given, moved = overridden("COPILOT_HOME"), overridden("XDG_STATE_HOME")
    homes = [given] if given else [home(".copilot")]
    if moved and not given:
        homes.append(os.path.join(moved, ".copilot"))
    return [os.path.join(base, folder) for base in homes for folder in FOLDERS]


def hook_files(command: list[str]) -> dict[str, str]:
    """Say what to write so that the tool calls a command when a session ends."""
    line = program.quoted(command)
    # PowerShell takes a line that begins with a quote for a text.
    hook = {"type": "command", "bash": line, "powershell": f"& {line}", "timeoutSec": 10}
    path = os.path.join(overridden("COPILOT_HOME") or home(".copilot"), "hooks", "arena.json")
    return {path: json.dumps({"version": 1, "hooks": {"sessionEnd": [hook]}}, indent=2) + "\n"}


def hook_command(text: str) -> str:
    """Find the command in such a file; nothing where there is none."""
    try:
        return str(json.loads(text)["hooks"]["sessionEnd"][0]["bash"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def sources() -> Iterator[Log]:
    """Walk the events of all sessions; what else lies in a session's folder is the person's."""
    for root in places():
        for path, stat in walk(root, ".jsonl"):
            above = os.path.dirname(path)
            if above == root or (os.path.basename(path) == "events.jsonl" and os.path.dirname(above) == root):
                yield Log(path, stamp(stat), partial(_read, path))


def _read(path: str, file: Readable, offset: int, state: bytes, buffer: bytearray) -> Reading:
    reader = _Reader(path, _decode_state(state) if state else _State())
    offset = in_lines(file, offset, buffer, reader.take)
    return reader.reading(offset)


class _Reader:
    """Counts the events of one session."""

    def __init__(self, path: str, state: _State) -> None:
        name = os.path.basename(path)
        self.fallback = os.path.basename(os.path.dirname(path)) if name == "events.jsonl" else name[: -len(".jsonl")]
        self.state = state
        self.tally = Tally(NAME)
        self.tally.folder(state.cwd)

    def take(self, buffer: bytearray, start: int, stop: int) -> None:
        """Count an event; what is not understood says nothing."""
        if not any(buffer.find(kind, start, stop) >= 0 for kind in MATTERS):
            return
        with suppress(*MALFORMED):
            event = _decode(memoryview(buffer)[start:stop])
            self._event(event, event.data or _Data())

    def reading(self, offset: int) -> Reading:
        """Sum up."""
        return self.tally.reading(offset, msgspec.msgpack.encode(self.state))

    def _event(self, event: _Event, data: _Data) -> None:
        state = self.state
        if event.type in {"session.start", "session.resume"}:
            state.session = data.sessionId or state.session
            state.cwd = (data.context and data.context.cwd) or state.cwd
            self.tally.folder(state.cwd)
        elif event.type == "user.message":
            # A prompt that the tool made itself names its source.
            if data.source in {None, "", "user"}:
                state.prompts += 1
        elif event.type == "tool.execution_start":
            name = "mcp" if bytes(data.mcpServerName) not in NOTHING else tool_call(data.toolName or "", BUILT_IN)
            state.tools[name] = state.tools.get(name, 0) + 1
        elif event.type == "session.shutdown":
            self._end(event, data)

    def _end(self, event: _Event, data: _Data) -> None:
        """Make one record a model of what a run used; its deeds stand with the model that wrote most."""
        state, when = self.state, instant(event.timestamp)
        if not when:
            return
        identity = state.session or self.fallback
        copies = []
        for model, raw in (data.modelMetrics or {}).items():
            usage = next((metrics.usage for metrics in each([raw], _model) if metrics.usage), _Usage())
            out = usage.outputTokens or 0
            written, read = usage.cacheWriteTokens or 0, usage.cacheReadTokens or 0
            # What was sent is told as a whole, the cache's share in it.
            new = max(0, (usage.inputTokens or 0) - written - read)
            if true_counts(new, out, written, read):
                end = event.id or f"{identity}:{event.timestamp}"
                key = bytes.fromhex(record_key(f"{NAME}:{end}:{model}", ""))
                session = self.tally.session(identity, when, state.cwd)
                copies.append(Copy(key, when, model_name(model), session, False, new, out, written, 0, read))
        if not copies:
            return
        first = max(copies, key=lambda copy: (copy.output, copy.key))
        first.turns, first.tools = state.prompts, state.tools or None
        state.prompts, state.tools = 0, {}
        changes = next(each([data.codeChanges], _changes), _Changes())
        if true_counts(changes.linesAdded or 0, changes.linesRemoved or 0):
            first.lines_added, first.lines_deleted = changes.linesAdded or 0, changes.linesRemoved or 0
            first.files_modified = len(changes.filesModified or ())
        for copy in copies:
            self.tally.add(copy)
