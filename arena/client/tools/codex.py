"""Codex: a rollout of JSON Lines for each session, in which token counts are sums over the session so far.

A count that repeats the sum before it is only a refresh, and one that falls starts anew. A fork, or a sub-agent's
session, may begin with its parent's history, counts included: written over again within a moment, or with their old
times. That moves the sum but is not counted. Newer versions also write a record for each response, which says by
itself what it cost; from the first one on, a session's sums no longer matter.

A rollout keeps its name when it is archived, and when it is compressed after a week.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from io import BufferedReader
from typing import Annotated, Any, cast

import msgspec

from arena.client.models import Copy, Keeps, Reading
from arena.client.sources import MALFORMED, Document, Log, Readable, Source, in_lines, stamp, walk
from arena.client.tally import Tally, instant, tool_call, true_counts
from arena.wire import model_name, record_key

NAME = "codex"
COLLECTOR = "codex/1"
KEEPS = Keeps(
    tokens="derived",
    cache="exact",
    cost="derived",
    calls="exact",
    lines="derived",
    note="Sums over a session are told apart into answers; lines are counted in the patches that it applies. A version"
    ' without `hooks.json` can have `notify = ["/path/to/arena", "hook", "codex"]` in its `config.toml` instead.',
)
HOOK = {"timeout": 3}
"""Seconds; the tool complains of a hook at the end of a session that asks for more."""

HOOK_NOTE = "Codex asks at its next start whether you trust this hook, and runs it only then."

COMPRESSED = ".zst"

MOMENT = 500
"""Milliseconds. Copied history is written in one go; a model takes longer from a prompt to the cost of its answer."""

BUILT_IN = frozenset(
    "apply_patch close_agent container.exec exec exec_command grep_files image_generation js_repl list_agents list_dir"
    " list_mcp_resource_templates list_mcp_resources local_shell read_file read_mcp_resource request_user_input"
    " resume_agent send_input send_message shell shell_command spawn_agent tool_search update_plan view_image wait"
    " wait_agent web_search write_stdin".split()
)
PATCHING = frozenset(("apply_patch", "container.exec", "exec_command", "shell", "shell_command"))
"""The tools whose arguments may hold a patch."""

CALLS = {
    b"function_call": "",
    b"custom_tool_call": "",
    b"local_shell_call": "local_shell",
    b"web_search_call": "web_search",
    b"tool_search_call": "tool_search",
    b"image_generation_call": "image_generation",
}
"""The kinds of response items that are calls of tools, and the tool where it is not named."""

Sum = tuple[int, int, int, int, int, int]
"""Input with all of the cache, what of it the cache served and stored, output with reasoning, reasoning, all."""


_Whole = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""A sum that can be true; a line with any other is passed over."""


class _Usage(msgspec.Struct, gc=False):
    input_tokens: _Whole | None = None
    cached_input_tokens: _Whole | None = None
    cache_write_input_tokens: _Whole | None = None
    output_tokens: _Whole | None = None
    reasoning_output_tokens: _Whole | None = None
    total_tokens: _Whole | None = None

    def sum(self) -> Sum:
        return (
            self.input_tokens or 0,
            self.cached_input_tokens or 0,
            self.cache_write_input_tokens or 0,
            self.output_tokens or 0,
            self.reasoning_output_tokens or 0,
            self.total_tokens or 0,
        )


class _Info(msgspec.Struct, gc=False):
    total_token_usage: _Usage | None = None
    last_token_usage: _Usage | None = None


class _Count(msgspec.Struct, gc=False):
    info: _Info | None = None


class _Meta(msgspec.Struct, gc=False):
    id: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    source: msgspec.Raw = msgspec.Raw()
    thread_source: str | None = None
    subagent_history_start_ordinal: int | None = None


class _Context(msgspec.Struct, gc=False):
    cwd: str | None = None
    model: str | None = None


class _Call(msgspec.Struct, gc=False):
    name: str | None = None
    namespace: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()


class _Record(msgspec.Struct, gc=False):
    thread_id: str | None = None
    response_id: str | None = None
    usage: _Usage | None = None
    thread_token_usage: _Usage | None = None


class _Head(msgspec.Struct, gc=False):
    timestamp: str | None = None
    ordinal: int | None = None


class _CountLine(msgspec.Struct, gc=False):
    payload: _Count
    timestamp: str | None = None


class _MetaLine(msgspec.Struct, gc=False):
    payload: _Meta
    timestamp: str | None = None


class _ContextLine(msgspec.Struct, gc=False):
    payload: _Context


class _CallLine(msgspec.Struct, gc=False):
    payload: _Call


class _RecordLine(msgspec.Struct, gc=False):
    payload: _Record
    timestamp: str | None = None


class _State(msgspec.Struct, array_like=True):
    """What a rollout leaves open at its end.

    ``session`` is told by the file's name until its first line is read (``opened``); ``origin`` is the session whose
    counts are being told, the file's own, or a parent's whose history was copied.
    ``copied_until`` is the instant, ``copied_before`` the ordinal, before which lines are a parent's.
    """

    session: str
    origin: str
    opened: bool = False
    cwd: str = ""
    model: str = ""
    side: bool = False
    copied_until: int = 0
    copied_before: int = 0
    base: Sum | None = None
    last: Sum | None = None
    recorded: bool = False
    at: int = 0
    turns: int = 0
    tools: dict[str, int] = {}
    lines_added: int = 0
    lines_deleted: int = 0
    files_created: int = 0
    files_modified: int = 0


class _Settings(msgspec.Struct, frozen=True):
    """What the tool's configuration tells: a model for rollouts that name none, and since when fast mode is on."""

    model: str = ""
    fast_since: int = 0


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_count = msgspec.json.Decoder(_CountLine).decode
_decode_meta = msgspec.json.Decoder(_MetaLine).decode
_decode_context = msgspec.json.Decoder(_ContextLine).decode
_decode_call = msgspec.json.Decoder(_CallLine).decode
_decode_record = msgspec.json.Decoder(_RecordLine).decode
_decode_state = msgspec.msgpack.Decoder(_State).decode


def home() -> str:
    """Name the folder in which the tool keeps its things."""
    return os.path.abspath(os.path.expanduser(os.environ.get("CODEX_HOME") or "~/.codex"))


def settings_file() -> str:
    """Name the file in which the user's hooks stand."""
    return os.path.join(home(), "hooks.json")


def places() -> list[str]:
    """List the folders of rollouts, those that go on and those put away."""
    return [os.path.join(home(), name) for name in ("sessions", "archived_sessions")]


def sources() -> Iterator[Source]:
    """Walk all rollouts of this machine, each once, wherever it lies and whether compressed or not."""
    settings = _settings()
    seen: set[str] = set()
    for folder in places():
        packed = []
        for path, stat in walk(folder, (".jsonl", ".jsonl" + COMPRESSED)):
            name = os.path.basename(path)
            if not name.startswith("rollout-"):
                continue
            if name.endswith(COMPRESSED):
                packed.append((name.removesuffix(COMPRESSED), path, stat))
            elif name not in seen:
                seen.add(name)
                yield Log(_place(name), stamp(stat), partial(_read, settings, name), path)
        for name, path, stat in packed:
            if name not in seen:
                seen.add(name)
                yield Document(_place(name), stamp(stat), partial(_read_compressed, settings, name, path))


def _place(name: str) -> str:
    return os.path.join(home(), "sessions", name)


def _settings() -> _Settings:
    import tomllib

    path = os.path.join(home(), "config.toml")
    try:
        with open(path, "rb") as file:
            content: dict[str, Any] = tomllib.load(file)
            changed = int(os.fstat(file.fileno()).st_mtime * 1000)
    except (OSError, ValueError, RecursionError):
        return _Settings()
    model, tier = content.get("model"), content.get("service_tier")
    return _Settings(
        model if isinstance(model, str) else "",
        # What was asked before the setting was written may have been asked without it.
        changed if tier in ("fast", "priority") else 0,
    )


def _read_compressed(settings: _Settings, name: str, path: str) -> Reading:
    with _unpacked(path) as file:
        reading = _read(settings, name, file, 0, b"", bytearray(1 << 18))
    reading.offset, reading.state = 0, b""
    return reading


@contextmanager
def _unpacked(path: str) -> Iterator[Readable]:
    try:
        zstd: Any = import_module("compression.zstd")
    except ModuleNotFoundError:
        with _unpacked_by_program(path) as file:
            yield file
        return
    try:
        with zstd.open(path, "rb") as file:
            yield file
    except zstd.ZstdError as error:
        raise OSError(f"it cannot be unpacked: {error}") from None


@contextmanager
def _unpacked_by_program(path: str) -> Iterator[Readable]:
    import shutil
    import subprocess

    program = shutil.which("zstd")
    if program is None:
        raise OSError("it is compressed; install the `zstd` program, or run arena with Python 3.14 or newer")
    with subprocess.Popen([program, "-dcq", "--", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        unpacked = cast(BufferedReader, running.stdout)
        yield unpacked
        while unpacked.read(1 << 16):
            pass
    if running.returncode:
        raise OSError("it cannot be unpacked; the file is damaged or still being written")


def _read(settings: _Settings, name: str, file: Readable, offset: int, state: bytes, buffer: bytearray) -> Reading:
    """Count the complete lines of a rollout from an offset on; ``state`` is what an earlier reading left, or empty."""
    if state:
        kept = _decode_state(state)
    else:
        session = name.removeprefix("rollout-").removesuffix(".jsonl")[len("2026-01-31T10-00-00-") :]
        kept = _State(session, session)
    reader = _Reader(settings, kept)
    offset = in_lines(file, offset, buffer, reader.line)
    return reader.tally.reading(offset, msgspec.msgpack.encode(reader.kept))


class _Reader:
    """Counts line after line of one rollout."""

    def __init__(self, settings: _Settings, kept: _State) -> None:
        self.settings = settings
        self.kept = kept
        self.tally = Tally(NAME)

    def line(self, buffer: bytearray, start: int, stop: int) -> None:
        """Take in one line; none fails a file, and of most only the kind is looked at."""
        kept = self.kept
        try:
            copied = bool(kept.copied_until or kept.copied_before) and self._is_copied(buffer[start:stop])
            at, kind = _kind(buffer, start, stop)
            if kind == b"event_msg":
                _, event = _kind(buffer, at, stop)
                if event == b"token_count":
                    self._count(buffer[start:stop], copied)
                elif event == b"user_message" and not copied and not kept.side:
                    kept.turns += 1
            elif kind == b"response_item":
                _, item = _kind(buffer, at, stop)
                if item in CALLS and not copied:
                    self._call(buffer[start:stop], CALLS[item])
            elif kind == b"turn_context":
                self._context(buffer[start:stop])
            elif kind == b"session_meta":
                self._meta(buffer[start:stop])
            elif kind == b"token_usage_record":
                self._record(buffer[start:stop], copied)
        except MALFORMED:
            pass

    def _is_copied(self, line: bytearray) -> bool:
        """Say whether a line is still of the history that this session began with."""
        kept = self.kept
        head = _decode_head(line)
        if kept.copied_before and head.ordinal is not None:
            if head.ordinal < kept.copied_before:
                return True
        else:
            at = instant(head.timestamp)
            if at < kept.copied_until:
                kept.copied_until = max(kept.copied_until, at + MOMENT)
                return True
        kept.copied_until = kept.copied_before = 0
        return False

    def _meta(self, line: bytearray) -> None:
        """Learn whose rollout this is: what stands first; a copied history brings its own along."""
        decoded = _decode_meta(line)
        meta, kept = decoded.payload, self.kept
        if kept.opened:
            kept.origin = meta.id or kept.origin
            return
        kept.opened = True
        kept.session = kept.origin = meta.id or kept.session
        kept.cwd = meta.cwd or ""
        self.tally.folder(kept.cwd)
        kept.side = b'"subagent"' in bytes(meta.source) or meta.thread_source == "subagent"
        if meta.forked_from_id or meta.parent_thread_id or kept.side:
            made = max(instant(meta.timestamp), instant(decoded.timestamp))
            kept.copied_until = made - made % 1000 + 1000
            kept.copied_before = meta.subagent_history_start_ordinal or 0

    def _context(self, line: bytearray) -> None:
        context = _decode_context(line).payload
        self.kept.model = context.model or self.kept.model
        self.tally.folder(context.cwd or "")

    def _call(self, line: bytearray, name: str) -> None:
        call, kept = _decode_call(line).payload, self.kept
        name = name or call.name or ""
        shown = "mcp" if (call.namespace or "").startswith("mcp") else tool_call(name, BUILT_IN)
        kept.tools[shown] = kept.tools.get(shown, 0) + 1
        if name in PATCHING:
            added, deleted, created, modified = _patched(bytes(call.input), 1)
            if not created and not modified:
                added, deleted, created, modified = _patched(bytes(call.arguments), 2)
            kept.lines_added += added
            kept.lines_deleted += deleted
            kept.files_created += created
            kept.files_modified += modified

    def _count(self, line: bytearray, copied: bool) -> None:
        decoded = _decode_count(line)
        info, kept = decoded.payload.info, self.kept
        if info is None or kept.recorded:
            return
        total, last, base = _sum(info.total_token_usage), _sum(info.last_token_usage), kept.base
        if total is None:
            if last is not None and not copied:
                self._add(decoded.timestamp, last, f"{decoded.timestamp}:{last}")
            return
        if total == base:
            return
        if base is None or any(new < old for new, old in zip(total, base, strict=True)):
            # Without what came before, or after it began anew, only the last response is known to be of this session.
            cost = last or total
        else:
            cost = _minus(total, base)
        kept.base = total
        if not copied:
            self._add(decoded.timestamp, cost, ":".join(map(str, total)))

    def _record(self, line: bytearray, copied: bool) -> None:
        decoded = _decode_record(line)
        record, kept = decoded.payload, self.kept
        if record.usage is None:
            return
        cost, total = record.usage.sum(), _sum(record.thread_token_usage)
        told = not kept.recorded and (cost == kept.last or (total is not None and total == kept.base))
        if copied or (record.thread_id and record.thread_id != kept.session):
            return
        kept.recorded = True
        if not told:
            self._add(decoded.timestamp, cost, record.response_id or f"{decoded.timestamp}:{total}")

    def _add(self, written: str | None, cost: Sum, identity: str) -> None:
        kept = self.kept
        at = kept.at = instant(written) or kept.at
        whole, read, stored, output, _, _ = kept.last = cost
        new = max(0, whole - read - stored)
        if not at or not true_counts(whole, read, stored, output):
            return
        # The parent's name, where its history was copied and this is still some of it, makes one record of both.
        key = record_key(f"{NAME}:{kept.origin}:{identity}", "")
        session = self.tally.session(kept.session, at, kept.cwd)
        model = model_name(kept.model or self.settings.model)
        copy = Copy(bytes.fromhex(key), at, model, session, kept.side, new, output, stored, 0, read)
        copy.turns, copy.tools = kept.turns, kept.tools or None
        copy.lines_added, copy.lines_deleted = kept.lines_added, kept.lines_deleted
        copy.files_created, copy.files_modified = kept.files_created, kept.files_modified
        kept.turns = kept.lines_added = kept.lines_deleted = kept.files_created = kept.files_modified = 0
        kept.tools = {}
        if 0 < self.settings.fast_since <= at:
            copy.speed = "fast"
        self.tally.add(copy)


def _kind(buffer: bytearray, start: int, stop: int) -> tuple[int, bytes]:
    """Find the next type in a line: where the search for another goes on, and its name."""
    at = buffer.find(b'"type":', start, stop)
    if at < 0:
        return stop, b""
    return at + 7, bytes(buffer[at + 7 : min(at + 40, stop)]).lstrip(b' "').partition(b'"')[0]


def _sum(usage: _Usage | None) -> Sum | None:
    return usage.sum() if usage is not None else None


def _minus(total: Sum, base: Sum) -> Sum:
    whole, read, stored, output, reasoning, everything = (new - old for new, old in zip(total, base, strict=True))
    return whole, read, stored, output, reasoning, everything


def _patched(text: bytes, depth: int) -> tuple[int, int, int, int]:
    """Count lines added and deleted, files created and modified, on the raw bytes of a patch.

    ``depth`` says in how many JSON strings, one within the other, the patch stands.
    """
    if b"*** Begin Patch" not in text:
        return 0, 0, 0, 0
    backslash = b"\\" * depth
    # A backslash of the patch itself must not make a line break of the letter behind it.
    patch = text.replace(backslash * 2, b"").partition(b"*** Begin Patch")[2].rpartition(b"*** End Patch")[0]
    lines = patch.split(backslash + b"n")
    return (
        sum(line.startswith(b"+") for line in lines),
        sum(line.startswith(b"-") for line in lines),
        sum(line.startswith(b"*** Add File: ") for line in lines),
        sum(line.startswith(b"*** Update File: ") for line in lines),
    )
