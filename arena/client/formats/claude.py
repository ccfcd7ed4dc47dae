"""What Claude Code and Claude Desktop write: JSON Lines, one response in one to several lines.

A response is a run of lines with one message id that no other assistant message of the same chain interrupts. Each
line of a run may hold larger figures than the one before; the largest output is the bill. Only lines that can matter
are decoded, and of those only the fields named here: prompts, code and results stay bytes.
"""

from contextlib import suppress
from hashlib import sha256
from typing import ClassVar

import msgspec

from arena.client.models import Copy, Reading, Stretch, merge, total
from arena.client.sources import MALFORMED, Readable, in_blocks
from arena.client.tally import COST_LIMIT, COUNT_LIMIT, instant, tool_call
from arena.wire import model_name, session_hash

BUILT_IN = frozenset(
    "Agent AskUserQuestion Bash BashOutput CronCreate CronDelete CronList Edit EnterPlanMode EnterWorktree"
    " ExitPlanMode ExitWorktree Glob Grep KillBash KillShell LS LSP ListMcpResourcesTool Monitor MultiEdit"
    " NotebookEdit NotebookRead PowerShell Read ReadMcpResourceTool SendMessage Skill SlashCommand StructuredOutput"
    " Task TaskCreate TaskGet TaskList TaskOutput TaskStop TaskUpdate TeamCreate TeamDelete TodoRead TodoWrite"
    " ToolSearch WebFetch WebSearch Write".split()
)
EDITS = frozenset(("Edit", "MultiEdit", "NotebookEdit", "Write"))
"""The tools whose results carry a patch."""

ECHOES = (b"<local-command-", b"<command-name>", b"<bash-")
"""How the tool notes a command that it ran itself, without asking the model."""

SPEEDS = frozenset(("standard", "fast"))
TIERS = frozenset(("standard", "priority", "batch", "flex"))
REGIONS = frozenset(("us", "eu", "global"))

AHEAD = 160
"""Bytes after the type in which a tool result names its call."""

EDITED = b'"toolUseResult":{"filePath":'
PATCHED = b',"structuredPatch":[{'
"""What an edit's result begins with, and where in it the lines stand that were changed."""

PENDING_LIMIT = 64
CHAIN_LIMIT = 16


class _Block(msgspec.Struct, gc=False):
    type: str | None = None
    id: str | None = None
    name: str | None = None


class _CacheWrites(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _ServerTools(msgspec.Struct, gc=False):
    web_search_requests: int | None = None


class _Usage(msgspec.Struct, gc=False):
    """Fields stand as the tool writes them, here and below: msgspec looks for the next one first."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _CacheWrites | None = None
    output_tokens: int | None = None
    service_tier: str | None = None
    server_tool_use: _ServerTools | None = None
    speed: str | None = None
    inference_geo: str | None = None


class _Message(msgspec.Struct, gc=False):
    model: str | None = None
    id: str | None = None
    content: list[_Block] | None = None
    usage: _Usage | None = None


class _Assistant(msgspec.Struct, gc=False):
    isSidechain: bool | None = None
    cwd: str | None = None
    sessionId: str | None = None
    agentId: str | None = None
    type: str | None = None
    message: _Message | None = None
    requestId: str | None = None
    uuid: str | None = None
    timestamp: str | None = None
    isApiErrorMessage: bool | None = None
    costUSD: float | None = None


class _BareMessage(msgspec.Struct, gc=False):
    """A message whose content is not the list it should be."""

    model: str | None = None
    id: str | None = None
    usage: _Usage | None = None
    content: ClassVar[None] = None


class _BareAssistant(_Assistant, gc=False):
    message: _BareMessage | None = None  # type: ignore[assignment]


class _ProgressData(msgspec.Struct, gc=False):
    agentId: str | None = None
    message: _Assistant | None = None


class _Progress(msgspec.Struct, gc=False):
    data: _ProgressData | None = None
    sessionId: str | None = None
    cwd: str | None = None
    timestamp: str | None = None


class _ResultBlock(msgspec.Struct, gc=False):
    type: str | None = None
    tool_use_id: str | None = None
    text: msgspec.Raw = msgspec.Raw()


class _UserMessage(msgspec.Struct, gc=False):
    content: msgspec.Raw = msgspec.Raw()


class _Result(msgspec.Struct, gc=False):
    type: str | None = None
    content: msgspec.Raw = msgspec.Raw()
    structuredPatch: msgspec.Raw = msgspec.Raw()


class _User(msgspec.Struct, gc=False):
    isSidechain: bool | None = None
    cwd: str | None = None
    type: str | None = None
    message: _UserMessage | None = None
    toolUseResult: _Result | list[msgspec.Raw] | str | float | bool | None = None
    isMeta: bool | None = None
    isCompactSummary: bool | None = None


class _Open(msgspec.Struct, array_like=True):
    """A run of lines that may go on: its message id, the first line's time as written, its copy, the calls counted."""

    message: str
    first: str
    copy: Copy
    calls: list[str]


class _State(msgspec.Struct, array_like=True):
    """What a transcript leaves open at its end; sessions are kept so that indexes in copies stay true."""

    open: dict[str, _Open]
    pending: dict[str, Copy]
    prompts: int
    sessions: dict[str, int]
    stretches: list[Stretch]


_decode_assistant = msgspec.json.Decoder(_Assistant).decode
_decode_bare = msgspec.json.Decoder(_BareAssistant).decode
_decode_progress = msgspec.json.Decoder(_Progress).decode
_decode_user = msgspec.json.Decoder(_User).decode
_decode_blocks = msgspec.json.Decoder(list[_ResultBlock]).decode
_decode_state = msgspec.msgpack.Decoder(_State).decode


def read(tool: str, file: Readable, offset: int, state: bytes, buffer: bytearray) -> Reading:
    """Count the complete lines of a tool's transcript from an offset on.

    ``state`` is what an earlier reading left, or empty. A last line without its newline is left for the next time.
    """
    reader = _Reader(tool, state)
    return reader.reading(in_blocks(file, offset, buffer, reader.lines))


class _Reader:
    """Counts line after line of one transcript."""

    def __init__(self, tool: str, state: bytes) -> None:
        self.tool = tool
        kept = _decode_state(state) if state else _State({}, {}, 0, {}, [])
        self.open = kept.open
        self.pending = kept.pending
        self.prompts = kept.prompts
        self.sessions = kept.sessions
        self.stretches = kept.stretches
        # Read back apart, the copies of one response must be one object again, or its calls would not add up.
        same = {run.copy.key: run.copy for run in kept.open.values()}
        for tool_use, copy in self.pending.items():
            self.pending[tool_use] = same.setdefault(copy.key, copy)
        self.runs = list(same.values())
        self.run: _Open | None = None
        self.usage: _Usage | None = None
        self.cwds: dict[str, None] = {}
        self.models: dict[str | None, str] = {}

    def lines(self, buffer: bytearray, scanned: int, end: int) -> int:
        """Count the complete lines of a buffer and say where the first incomplete one starts; no line fails a file.

        The first type of a line decides whether it can matter. ``scanned`` bytes are known to hold no newline.
        """
        find, pending = buffer.find, self.pending
        view = memoryview(buffer)
        start, stop = 0, find(b"\n", scanned, end)
        while stop >= 0:
            at = find(b'"type":"', start, stop)
            kind = buffer[at + 8 : at + 13] if at >= 0 else b""
            try:
                if kind == b"assis":
                    self._assistant(view[start:stop])
                elif kind == b'user"':
                    call = find(b'"tool_use_id":"', at, at + AHEAD)
                    if not 0 <= call < stop:
                        self._user(view[start:stop])
                    elif pending and buffer[call + 15 : find(b'"', call + 15, stop)].decode() in pending:
                        self._result(buffer, view, start, call, stop)
                elif find(b'"output_tokens"', start, stop) >= 0:
                    self._assistant(view[start:stop])
                elif find(b'"user"', start, stop) >= 0:
                    self._user(view[start:stop])
            except MALFORMED:
                pass
            start = stop + 1
            stop = find(b"\n", start, end)
        return start

    def reading(self, offset: int) -> Reading:
        """Sum up: one copy a key, however many runs of lines spoke of it."""
        copies: dict[bytes, Copy] = {}
        for copy in self.runs:
            old = copies.get(copy.key)
            copies[copy.key] = copy if old is None or old is copy else merge(old, copy)
        state = _State(
            dict(list(self.open.items())[-CHAIN_LIMIT:]),
            dict(list(self.pending.items())[-PENDING_LIMIT:]),
            self.prompts,
            self.sessions,
            self.stretches,
        )
        return Reading(copies, self.stretches, list(self.cwds), offset, msgspec.msgpack.encode(state))

    def _assistant(self, raw: memoryview) -> None:
        try:
            line = _decode_assistant(raw)
        except msgspec.ValidationError:
            line = _decode_bare(raw)
        kind = line.type
        if kind == "assistant" or kind is None:
            self._response(line, line, bool(line.isSidechain), line.agentId)
        elif kind == "progress":
            progress = _decode_progress(raw)
            inner = progress.data and progress.data.message
            # Without a request id nothing ties it to the sub-agent's own file, which holds all of the response.
            if progress.data and inner and inner.requestId:
                self._response(inner, progress, True, progress.data.agentId or inner.agentId, passing=True)
        elif kind == "user":
            self._user(raw)

    def _response(
        self, line: _Assistant, outer: _Assistant | _Progress, side: bool, agent: str | None, passing: bool = False
    ) -> None:
        message = line.message
        usage = message and message.usage
        written = line.timestamp or outer.timestamp
        if not message or not usage or not written:
            return
        identity = message.id or line.uuid
        if not identity:
            return
        at = instant(written)
        if not at:
            return
        chain = agent or ("side" if side else "main")
        if passing:
            chain = "progress " + chain
        run = self.open.get(chain)
        if line.isApiErrorMessage or message.model == "<synthetic>":
            if run and run.message != identity:
                del self.open[chain]
            return
        if run is None or run.message != identity:
            figures = _figures(usage)
            if figures is None:
                return
            session = self._session(outer.sessionId or "", outer.cwd or "", at)
            # `arena.wire.record_key` in bytes.
            distinguisher = (line.requestId or written) if message.id else identity
            key = sha256(identity.encode()).digest()[:8] + sha256(distinguisher.encode()).digest()[:8]
            copy = Copy(key, at, self.models.get(message.model) or self._model(message.model), session, side)
            copy.has_request = bool(message.id and line.requestId)
            if not side:
                copy.turns, self.prompts = self.prompts, 0
            _take(copy, figures, usage)
            run = self.open[chain] = _Open(identity, written, copy, [])
            self.runs.append(copy)
        else:
            self._session(outer.sessionId or "", outer.cwd or "", at)
            copy = run.copy
            if at < copy.at:
                copy.at = at
            # Most lines of a run repeat the figures of the one before.
            if (usage != self.usage or run is not self.run) and (usage.output_tokens or 0) >= copy.output:
                figures = _figures(usage)
                if figures and (figures[1] > copy.output or sum(figures) > total(copy)):
                    _take(copy, figures, usage)
        self.run, self.usage = run, usage
        if line.costUSD is not None and 0 <= line.costUSD <= COST_LIMIT:
            copy.cost_recorded = max(copy.cost_recorded or 0.0, line.costUSD)
        for block in message.content or ():
            if block.type == "tool_use":
                self._call(run, block)

    def _model(self, name: str | None) -> str:
        self.models[name] = model_name(name)
        return self.models[name]

    def _call(self, run: _Open, block: _Block) -> None:
        identity, name = block.id or "", block.name or ""
        if identity in run.calls:
            return
        run.calls.append(identity)
        shown = tool_call(name, BUILT_IN)
        tools = run.copy.tools
        if tools is None:
            tools = run.copy.tools = {}
        tools[shown] = tools.get(shown, 0) + 1
        if name in EDITS and identity:
            self.pending[identity] = run.copy

    def _result(self, buffer: bytearray, view: memoryview, start: int, call: int, stop: int) -> None:
        outcome = buffer.find(EDITED, call, stop)
        patch = buffer.rfind(PATCHED, outcome, stop) if outcome >= 0 else -1
        if patch >= 0:
            # Most of the line is the file as it was before: without it, the line costs half to decode.
            with suppress(msgspec.DecodeError):
                return self._user(buffer[start : outcome + 17] + buffer[patch + 1 : stop])
        return self._user(view[start:stop])

    def _user(self, raw: memoryview | bytearray) -> None:
        line = _decode_user(raw)
        if line.type != "user" or line.message is None:
            return
        if line.cwd:
            self.cwds[line.cwd] = None
        content = line.message.content
        blocks = _decode_blocks(content) if bytes(memoryview(content)[:1]) == b"[" else []
        results = [block.tool_use_id for block in blocks if block.type == "tool_result"]
        if results:
            for tool_use in results:
                copy = self.pending.pop(tool_use or "", None)
                if copy is not None and isinstance(line.toolUseResult, _Result):
                    _count_lines(copy, line.toolUseResult)
        elif not (line.isSidechain or line.isMeta or line.isCompactSummary):
            said = next((block.text for block in blocks if block.type == "text"), content)
            if not bytes(memoryview(said)[1:20]).startswith(ECHOES):
                self.prompts += 1

    def _session(self, identity: str, cwd: str, at: int) -> int:
        if cwd and cwd not in self.cwds:
            self.cwds[cwd] = None
        index = self.sessions.get(identity)
        if index is None:
            index = self.sessions[identity] = len(self.stretches)
            self.stretches.append(Stretch(session_hash(self.tool, identity), at, at, cwd))
            return index
        stretch = self.stretches[index]
        if at > stretch.ended_at:
            stretch.ended_at = at
        elif at < stretch.started_at:
            stretch.started_at = at
        if not stretch.cwd:
            stretch.cwd = cwd
        return index


def _figures(usage: _Usage) -> tuple[int, int, int, int, int] | None:
    """Read a line's tokens in the order of a copy's fields, or nothing where none are or they cannot be true."""
    short, long = usage.cache_creation_input_tokens or 0, 0
    writes = usage.cache_creation
    if writes is not None:
        short, long = writes.ephemeral_5m_input_tokens or 0, writes.ephemeral_1h_input_tokens or 0
    new, out, read = usage.input_tokens or 0, usage.output_tokens or 0, usage.cache_read_input_tokens or 0
    figures = (new, out, short, long, read)
    # All bits together tell at once, but for huge figures, that none is negative or too large and not all are zero.
    if 0 < new | out | short | long | read <= COUNT_LIMIT:
        return figures
    return figures if min(figures) >= 0 and 0 < max(figures) <= COUNT_LIMIT else None


def _take(copy: Copy, figures: tuple[int, int, int, int, int], usage: _Usage) -> None:
    copy.input, copy.output, copy.cache_write_5m, copy.cache_write_1h, copy.cache_read = figures
    if usage.speed is not None and usage.speed in SPEEDS:
        copy.speed = usage.speed
    if usage.service_tier is not None and usage.service_tier in TIERS:
        copy.service_tier = usage.service_tier
    if usage.inference_geo is not None and usage.inference_geo in REGIONS:
        copy.region = usage.inference_geo
    if usage.server_tool_use is not None and usage.server_tool_use.web_search_requests:
        searches = min(usage.server_tool_use.web_search_requests, COUNT_LIMIT)
        copy.web_searches = max(copy.web_searches, searches)


def _count_lines(copy: Copy, result: _Result) -> None:
    """Count lines on the raw bytes: in a patch each line is a string that opens with its sign."""
    patch = bytes(result.structuredPatch)
    added = patch.count(b'"+') - patch.count(b'\\"+')
    deleted = patch.count(b'"-') - patch.count(b'\\"-')
    if result.type == "create":
        copy.files_created += 1
        if not added and not deleted:
            added = _lines_of(bytes(result.content))
    elif added or deleted:
        copy.files_modified += 1
    copy.lines_added += added
    copy.lines_deleted += deleted


def _lines_of(text: bytes) -> int:
    """Count the lines of a JSON string without decoding it, the empty one after a last newline included."""
    if len(text) <= 2 or not text.startswith(b'"'):
        return 0
    # A backslash of its own before an n is rare, and taking all of them out costs as much as decoding does.
    if text.find(b"\\\\n") >= 0:
        text = text.replace(b"\\\\", b"")
    return text.count(b"\\n") + 1
