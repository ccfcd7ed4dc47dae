"""Qwen Code: JSON Lines for each chat, in the records of Gemini's API; a branch copies its lines, ids and all.

Providers differ in whether output holds what the model thought; the total tells.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from arena.client.models import Copy, Keeps, Reading
from arena.client.places import home, overridden
from arena.client.sources import MALFORMED, Log, Readable, in_lines, stamp, walk
from arena.client.tally import Tally, instant, tool_call, true_counts
from arena.wire import model_name, record_key

NAME = "qwen"
COLLECTOR = "qwen/1"
KEEPS = Keeps(tokens="exact", cache="exact", cost="derived", calls="exact")
HOOK = {"name": "arena", "timeout": 10_000}
"""Milliseconds."""

STATUS_LINE = ("ui", "statusLine")

BUILT_IN = frozenset(
    "agent ask_user_question cron_create cron_delete cron_list edit enter_plan_mode enter_worktree exit_plan_mode"
    " exit_worktree glob grep_search list_directory lsp memory monitor notebook_edit read_file read_many_files"
    " run_shell_command save_memory send_message skill task task_stop todo_write tool_search web_fetch web_search"
    " write_file".split()
)


class _Call(msgspec.Struct, gc=False):
    name: str | None = None


class _Part(msgspec.Struct, gc=False):
    functionCall: _Call | None = None


class _Message(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Usage(msgspec.Struct, gc=False):
    promptTokenCount: int | None = None
    candidatesTokenCount: int | None = None
    thoughtsTokenCount: int | None = None
    cachedContentTokenCount: int | None = None
    totalTokenCount: int | None = None


class _Record(msgspec.Struct, gc=False):
    uuid: str | None = None
    sessionId: str | None = None
    timestamp: str | None = None
    type: str | None = None
    cwd: str | None = None
    model: str | None = None
    isSidechain: bool | None = None
    usageMetadata: _Usage | None = None
    message: _Message | None = None


class _Prompt(msgspec.Struct, gc=False):
    type: str | None = None
    subtype: str | None = None
    cwd: str | None = None
    isSidechain: bool | None = None
    provenance: str | None = None


_decode_record = msgspec.json.Decoder(_Record).decode
_decode_prompt = msgspec.json.Decoder(_Prompt).decode


def places() -> list[str]:
    """List the folders of projects."""
    given = [os.environ.get(name, "").strip() for name in ("QWEN_DATA_DIR", "QWEN_RUNTIME_DIR", "QWEN_HOME")]
    folders = [folder for folder in given if folder] or ["~/.qwen"]
    projects = (os.path.join(os.path.expanduser(folder), "projects") for folder in folders)
    return list(dict.fromkeys(map(os.path.abspath, projects)))


def settings_file() -> str:
    """Name the settings file in which the user's hooks stand."""
    return os.path.join(overridden("QWEN_HOME") or home(".qwen"), "settings.json")


def sources() -> Iterator[Log]:
    """Walk all chats of this machine, those of sub-agents too."""
    for folder in places():
        for path, stat in walk(folder, ".jsonl"):
            yield Log(path, stamp(stat), _read)


def named(path: str) -> Iterator[Log]:
    """Give the chat that a hook names, and those of its sub-agents."""
    if path.endswith(".jsonl"):
        with suppress(OSError):
            yield Log(path, stamp(os.stat(path)), _read)
        chats, name = os.path.split(path)
        beside = os.path.join(os.path.dirname(chats), "subagents", name.removesuffix(".jsonl"))
        for other, stat in walk(beside, ".jsonl"):
            yield Log(other, stamp(stat), _read)


def _read(file: Readable, offset: int, state: bytes, buffer: bytearray) -> Reading:
    """Count the complete lines of a chat from an offset on; ``state`` holds the prompts that wait for an answer."""
    reader = _Reader(int.from_bytes(state))
    offset = in_lines(file, offset, buffer, reader.line)
    return reader.tally.reading(offset, reader.prompts.to_bytes(4) if reader.prompts else b"")


class _Reader:
    """Counts line after line of one chat."""

    def __init__(self, prompts: int) -> None:
        self.prompts = prompts
        self.tally = Tally(NAME)

    def line(self, buffer: bytearray, start: int, stop: int) -> None:
        """Take in one line; none fails a chat."""
        try:
            if buffer.find(b'"usageMetadata"', start, stop) >= 0:
                self._record(_decode_record(buffer[start:stop]))
            elif buffer.find(b'"user"', start, stop) >= 0:
                prompt = _decode_prompt(buffer[start:stop])
                self.tally.folder(prompt.cwd or "")
                said = prompt.provenance in (None, "real_user") and not prompt.subtype
                if prompt.type == "user" and said and not prompt.isSidechain:
                    self.prompts += 1
        except MALFORMED:
            pass

    def _record(self, record: _Record) -> None:
        usage, at = record.usageMetadata, instant(record.timestamp)
        if record.type != "assistant" or usage is None or not record.uuid or not at:
            return
        whole, read = usage.promptTokenCount or 0, usage.cachedContentTokenCount or 0
        said, thought = usage.candidatesTokenCount or 0, usage.thoughtsTokenCount or 0
        if not true_counts(whole, said, thought) or not read >= 0:
            return
        apart = thought and (usage.totalTokenCount or 0) >= whole + said + thought
        side = bool(record.isSidechain)
        key = bytes.fromhex(record_key(f"{NAME}:{record.uuid}", ""))
        session = self.tally.session(record.sessionId or "", at, record.cwd or "")
        copy = Copy(key, at, model_name(record.model), session, side)
        # More than the prompt was read from the cache: then the prompt is told without it.
        copy.input, copy.cache_read = whole - read if read <= whole else whole, read
        copy.output = said + thought if apart else said
        if not side:
            copy.turns, self.prompts = self.prompts, 0
        tools: dict[str, int] = {}
        for part in (record.message and record.message.parts) or ():
            if part.functionCall is not None:
                shown = tool_call(part.functionCall.name or "", BUILT_IN)
                tools[shown] = tools.get(shown, 0) + 1
        copy.tools = tools or None
        self.tally.add(copy)
