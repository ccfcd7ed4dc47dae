"""Gemini CLI: a chat is a log in which a message is written again whenever it grows, or (older) one JSON document.

The same message may stand in both, for the tool moves old chats into logs; its id makes one record of them. What a
rewind took back was still billed. Chats lie under a name of their project, which the tool's registry turns into a path.
"""

import json
import os
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256

import msgspec

from arena.client.models import Copy, Keeps, Reading
from arena.client.sources import MALFORMED, Document, Log, Readable, Source, content, in_lines, stamp, walk
from arena.client.tally import COUNT_LIMIT, Tally, instant, tool_call, true_counts
from arena.wire import model_name, record_key

NAME = "gemini"
COLLECTOR = "gemini/1"
KEEPS = Keeps(tokens="exact", cache="exact", cost="derived", calls="exact", lines="exact")
HOOK = {"name": "arena", "timeout": 10_000}
"""Milliseconds."""

BUILT_IN = frozenset(
    "activate_skill ask_user cli_help codebase_investigator complete_task delegate_to_agent enter_plan_mode"
    " exit_plan_mode get_internal_docs glob google_web_search grep_search list_directory read_file read_many_files"
    " replace run_shell_command save_memory search_file_content update_topic web_fetch write_file write_todos".split()
)

KEPT = 32
"""Messages at the end of a log that may still grow."""


class _Tokens(msgspec.Struct, gc=False):
    """Input includes what the cache served, and excludes what tools asked with; output excludes thoughts."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    thoughts: int | None = None
    tool: int | None = None


class _Difference(msgspec.Struct, gc=False):
    model_added_lines: int | None = None
    model_removed_lines: int | None = None


class _Display(msgspec.Struct, gc=False):
    diffStat: _Difference | None = None
    isNewFile: bool | None = None


class _Call(msgspec.Struct, gc=False):
    id: str | None = None
    name: str | None = None
    status: str | None = None
    resultDisplay: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct, gc=False):
    id: str | None = None
    timestamp: str | None = None
    type: str | None = None
    model: str | None = None
    tokens: _Tokens | None = None
    toolCalls: list[_Call] | None = None


class _Chat(msgspec.Struct, gc=False):
    """What a log's first line, a change of it (``$set``) and an older document say of the chat."""

    sessionId: str | None = None
    startTime: str | None = None
    kind: str | None = None
    directories: list[str] | None = None
    messages: list[_Message] | None = None


class _Change(msgspec.Struct, rename={"chat": "$set"}, gc=False):
    chat: _Chat | None = None


class _State(msgspec.Struct, array_like=True):
    """What a log leaves open at its end: whose it is, prompts not yet answered, and those that messages answered."""

    session: str = ""
    side: bool = False
    prompts: int = 0
    answered: dict[str, int] = {}


_decode_message = msgspec.json.Decoder(_Message).decode
_decode_chat = msgspec.json.Decoder(_Chat).decode
_decode_change = msgspec.json.Decoder(_Change).decode
_decode_display = msgspec.json.Decoder(_Display).decode
_decode_state = msgspec.msgpack.Decoder(_State).decode


def home() -> str:
    """Name the folder in which the tool keeps its things."""
    return os.path.abspath(os.path.join(os.path.expanduser(os.environ.get("GEMINI_CLI_HOME") or "~"), ".gemini"))


def settings_file() -> str:
    """Name the settings file in which the user's hooks stand."""
    return os.path.join(home(), "settings.json")


def places() -> list[str]:
    """Name the folder of chats."""
    return [os.path.join(home(), "tmp")]


def sources() -> Iterator[Source]:
    """Walk all chats of this machine, project by project."""
    (folder,) = places()
    roots = _roots()
    try:
        projects = sorted(os.listdir(folder))
    except OSError:
        return
    for project in projects:
        place = os.path.join(folder, project)
        for path, stat in walk(os.path.join(place, "chats"), (".jsonl", ".json")):
            yield _source(path, stat, _root(place, roots))


def named(path: str) -> Iterator[Source]:
    """Give the chat that a hook names, and those of its sub-agents."""
    place = os.path.dirname(os.path.dirname(path))
    if os.path.basename(os.path.dirname(path)) == "chats" and os.path.isfile(path):
        root = _root(place, _roots())
        yield _source(path, os.stat(path), root)
        for other, stat in walk(os.path.dirname(path), ".jsonl"):
            if os.path.dirname(other) != os.path.dirname(path):
                yield _source(other, stat, root)


def _source(path: str, stat: os.stat_result, root: str) -> Source:
    if path.endswith(".jsonl"):
        return Log(path, stamp(stat), partial(_read, root))
    return Document(path, stamp(stat), partial(_read_document, root, path))


def _roots() -> dict[str, str]:
    """Map the names that the tool gives to projects, the newer short ones and the older hashes, to their paths."""
    try:
        with open(os.path.join(home(), "projects.json"), encoding="utf-8") as file:
            projects = json.load(file)["projects"]
        named = {str(name): str(path) for path, name in projects.items()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return {}
    return {**{sha256(path.encode()).hexdigest(): path for path in named.values()}, **named}


def _root(place: str, roots: dict[str, str]) -> str:
    """Find the path of a project; where nobody knows it, the place of its chats stands for it."""
    try:
        with open(os.path.join(place, ".project_root"), encoding="utf-8") as file:
            written = file.read(4096).strip()
    except (OSError, ValueError):
        written = ""
    return written or roots.get(os.path.basename(place), place)


def _read(root: str, file: Readable, offset: int, state: bytes, buffer: bytearray) -> Reading:
    """Count the complete lines of a chat from an offset on; ``state`` is what an earlier reading left, or empty."""
    reader = _Reader(root, _decode_state(state) if state else _State())
    offset = in_lines(file, offset, buffer, reader.line)
    return reader.reading(offset, keep=True)


def _read_document(root: str, path: str) -> Reading:
    reader = _Reader(root, _State())
    chat = _decode_chat(content(path))
    reader.chat(chat)
    for message in chat.messages or ():
        if message.type == "user":
            reader.kept.prompts += 1
        reader.message(message)
    return reader.reading(0, keep=False)


class _Reader:
    """Counts message after message of one chat."""

    def __init__(self, root: str, kept: _State) -> None:
        self.root = root
        self.kept = kept
        self.tally = Tally(NAME)
        self.tally.folder(root)

    def line(self, buffer: bytearray, start: int, stop: int) -> None:
        """Take in one line; none fails a chat."""
        try:
            if buffer.startswith(b'{"$set"', start):
                if buffer.find(b'"tokens"', start, stop) >= 0 or buffer.find(b'"directories"', start, stop) >= 0:
                    self._change(_decode_change(buffer[start:stop]).chat)
                return
            kind = _kind(buffer, start, stop)
            if kind == b"gemini":
                self.message(_decode_message(buffer[start:stop]))
            elif kind == b"user":
                self.kept.prompts += 1
            elif not kind and buffer.find(b'"sessionId"', start, stop) >= 0:
                self.chat(_decode_chat(buffer[start:stop]))
        except MALFORMED:
            pass

    def chat(self, chat: _Chat) -> None:
        """Learn whose chat this is, and where it works."""
        self.kept.session = chat.sessionId or self.kept.session
        self.kept.side = self.kept.side or chat.kind == "subagent"
        for folder in chat.directories or ():
            self.tally.folder(folder)

    def message(self, message: _Message) -> None:
        """Count a model's message, as far as it has come."""
        kept, tokens = self.kept, message.tokens
        if message.type != "gemini" or not message.id:
            return
        if message.id not in kept.answered:
            kept.answered[message.id], kept.prompts = kept.prompts, 0
        at = instant(message.timestamp)
        if tokens is None or not at:
            return
        whole, read, asked = tokens.input or 0, tokens.cached or 0, tokens.tool or 0
        said, thought = tokens.output or 0, tokens.thoughts or 0
        if not true_counts(whole, read, asked, said, thought):
            return
        key = bytes.fromhex(record_key(f"{NAME}:{message.id}", ""))
        session = self.tally.session(kept.session, at, self.root)
        copy = Copy(key, at, model_name(message.model), session, kept.side)
        copy.input, copy.output, copy.cache_read = max(0, whole - read) + asked, said + thought, read
        copy.turns = 0 if kept.side else kept.answered[message.id]
        _count_calls(copy, message.toolCalls or ())
        self.tally.add(copy)

    def reading(self, offset: int, *, keep: bool) -> Reading:
        """Sum up."""
        self.kept.answered = dict(list(self.kept.answered.items())[-KEPT:])
        return self.tally.reading(offset, msgspec.msgpack.encode(self.kept) if keep else b"")

    def _change(self, chat: _Chat | None) -> None:
        if chat is not None:
            self.chat(chat)
            for message in chat.messages or ():
                self.message(message)


def _kind(buffer: bytearray, start: int, stop: int) -> bytes:
    at = buffer.find(b'"type":', start, stop)
    return bytes(buffer[at + 7 : min(at + 24, stop)]).lstrip(b' "').partition(b'"')[0] if at >= 0 else b""


def _count_calls(copy: Copy, calls: Iterable[_Call]) -> None:
    tools: dict[str, int] = {}
    for call in calls:
        name = call.name or ""
        shown = "mcp" if name.startswith("mcp_") else tool_call(name, BUILT_IN)
        tools[shown] = tools.get(shown, 0) + 1
        display = bytes(call.resultDisplay)
        if call.status == "success" and b'"diffStat"' in display:
            _count_lines(copy, _decode_display(display))
    copy.tools = tools or None


def _count_lines(copy: Copy, display: _Display) -> None:
    difference = display.diffStat
    added = (difference and difference.model_added_lines) or 0
    deleted = (difference and difference.model_removed_lines) or 0
    if min(added, deleted) < 0 or max(added, deleted) > COUNT_LIMIT:
        return
    copy.lines_added += added
    copy.lines_deleted += deleted
    if display.isNewFile:
        copy.files_created += 1
    else:
        copy.files_modified += 1
