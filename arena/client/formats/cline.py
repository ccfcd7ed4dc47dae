"""What Cline and its forks keep: a folder a task, whose messages are one JSON list that is written anew.

A request to a model is a message ``api_req_started``; its text is JSON in a JSON string, figures and prompt side by
side. The figures are found in the bytes: inside that JSON a quote has one backslash, inside the prompt in it three or
more, so nothing that was written there is mistaken for a figure, and the prompt is never decoded. The model's name and
the folder of work stand elsewhere, at a different place in each fork and version.
"""

import os
import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import msgspec

from arena.client.formats.messages import each, items
from arena.client.models import Copy, Reading
from arena.client.sources import MALFORMED, Document, content, stamp
from arena.client.tally import Tally, at, tool_call, true_cost, true_counts
from arena.wire import model_name, record_key

MESSAGES = "ui_messages.json"

FIGURE = re.compile(rb'(?<!\\)\\"(tokensIn|tokensOut|cacheWrites|cacheReads|cost)\\":\s*(\d[\d.eE+-]*)')
PROTOCOL = re.compile(rb'(?<!\\)\\"apiProtocol\\":\s*\\"anthropic\\"')
CALL = re.compile(rb'^"\{\\"tool\\":\s*\\"(\w{1,64})\\"')
MODEL = re.compile(rb"<slug>[\w-]+</slug>\\n<name>[^<]{1,100}</name>\\n<model>([\w./:@+-]{1,100})</model>")
"""How Roo Code and its forks tell a model which one it is, in each prompt that they make."""

FOLDER = re.compile(rb"# Current (?:Working|Workspace) Directory \((.{1,4096}?)\) Files\\n")
"""How all of them tell a model where it works; what is found stays on this machine."""

WHOLE_PROMPT = frozenset("doubao fireworks hicap litellm lmstudio openai qwen qwen-code xai zai".split())
"""Providers of Cline whose count of what was sent holds the cache's share; the others tell them apart."""

BUILT_IN = frozenset(
    "appliedDiff browserAction codebaseSearch condense createRule editedExistingFile fetchInstructions fileDeleted"
    " finishTask generateImage insertContent listCodeDefinitionNames listFilesRecursive listFilesTopLevel"
    " newFileCreated newTask readFile runSlashCommand searchAndReplace searchFiles summarizeTask switchMode"
    " updateTodoList useSkill webFetch webSearch".split()
)


class Fork(NamedTuple):
    """What tells the forks apart: name, extension, and since when all that was sent is counted as one.

    ``whole_since`` is epoch milliseconds, or nothing where a fork never did.
    """

    name: str
    extension: str
    whole_since: int | None = None


class _ModelInfo(msgspec.Struct):
    providerId: str | None = None
    modelId: str | None = None


class _Message(msgspec.Struct):
    ts: float | None = None
    type: str | None = None
    say: str | None = None
    ask: str | None = None
    text: msgspec.Raw = msgspec.Raw()
    partial: bool | None = None
    modelInfo: _ModelInfo | None = None


class _Use(msgspec.Struct):
    ts: float | None = None
    model_id: str | None = None
    model_provider_id: str | None = None


class _Metadata(msgspec.Struct):
    model_usage: list[_Use] | None = None


class _Said(msgspec.Struct):
    role: str | None = None
    ts: float | None = None
    content: msgspec.Raw = msgspec.Raw()


class _Item(msgspec.Struct):
    id: str | None = None
    cwdOnTaskInitialization: str | None = None
    workspace: str | None = None
    modelId: str | None = None


_messages = msgspec.json.Decoder(list[msgspec.Raw])
_message = msgspec.json.Decoder(_Message)
_decode_metadata = msgspec.json.Decoder(_Metadata).decode
_said = msgspec.json.Decoder(_Said)
_item = msgspec.json.Decoder(_Item)


def tasks(fork: Fork, places: Iterable[str]) -> Iterator[Document]:
    """Walk the tasks in the folders where a fork may keep them."""
    seen: set[str] = set()
    for place in places:
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        try:
            with os.scandir(place) as entries:
                folders = sorted(entry.path for entry in entries if entry.is_dir())
        except OSError:
            continue
        history = _History(os.path.dirname(place))
        for folder in folders:
            path = os.path.join(folder, MESSAGES)
            with suppress(OSError):
                yield Document(path, stamp(os.stat(path)), partial(_read, fork, folder, history))


class _History:
    """What a fork remembers of all tasks, read when the first task asks for it."""

    def __init__(self, storage: str) -> None:
        self.path = os.path.join(storage, "state", "taskHistory.json")
        self.items: dict[str, _Item] | None = None

    def item(self, task: str) -> _Item:
        """Look a task up."""
        if self.items is None:
            self.items = {}
            with suppress(OSError):
                known = each(items(msgspec.Raw(content(self.path))), _item)
                self.items = {item.id or "": item for item in known}
        return self.items.get(task) or _Item()


class _Beside:
    """What stands beside a task's messages: models by time, and the folder of work."""

    def __init__(self, folder: str, history: _History) -> None:
        item = history.item(os.path.basename(folder))
        with suppress(OSError, *MALFORMED):
            own = _item.decode(content(os.path.join(folder, "history_item.json")))
            item = own if own.workspace or own.cwdOnTaskInitialization else item
        self.cwd = item.cwdOnTaskInitialization or item.workspace or ""
        self.default = item.modelId
        self.uses: list[tuple[float, str, str]] = []
        self.in_prompts = False
        with suppress(OSError, *MALFORMED):
            uses = _decode_metadata(content(os.path.join(folder, "task_metadata.json"))).model_usage or []
            self.uses = [(use.ts or 0, use.model_id or "", use.model_provider_id or "") for use in uses]
        if not self.uses or not self.cwd:
            self._conversation(os.path.join(folder, "api_conversation_history.json"))
        self.uses.sort()

    def model(self, ts: float) -> tuple[str | None, str]:
        """Tell the model and its provider at an instant.

        A choice is noted before the first request that it is for, a prompt when its request has begun.
        """
        if not self.uses:
            return self.default, ""
        if self.in_prompts:
            number = bisect_left(self.uses, (ts, "", ""))
        else:
            number = bisect_right(self.uses, (ts, chr(sys.maxunicode), "")) - 1
        _, model, provider = self.uses[min(max(number, 0), len(self.uses) - 1)]
        return model, provider

    def _conversation(self, path: str) -> None:
        """Find the marks that the tool itself leaves at the end of its prompts; the prompts stay bytes."""
        said: list[_Said] = []
        with suppress(OSError):
            said = list(each(items(msgspec.Raw(content(path))), _said))
        self.in_prompts = not self.uses
        for message in said:
            if message.role != "user":
                continue
            text = bytes(message.content)
            if not self.cwd and (folders := FOLDER.findall(text)):
                with suppress(*MALFORMED):
                    self.cwd = msgspec.json.decode(b'"' + folders[-1] + b'"', type=str)
            if self.in_prompts and (models := MODEL.findall(text)):
                self.uses.append((message.ts or 0, models[-1].decode(), ""))


def _read(fork: Fork, folder: str, history: _History) -> Reading:
    task = os.path.basename(folder)
    messages = each(_messages.decode(content(os.path.join(folder, MESSAGES))), _message)
    beside = _Beside(folder, history)
    tally = Tally(fork.name)
    tally.folder(beside.cwd)
    turns = 0
    last: Copy | None = None
    for number, message in enumerate(messages):
        if message.partial:
            continue
        if message.say == "api_req_started":
            copy = _request(fork, task, message, beside, tally)
            if copy is not None:
                copy.turns, turns = turns, 0
                tally.add(copy)
                last = tally.copies[copy.key]
        elif message.say == "user_feedback" or (number == 0 and message.say in {"text", "task"}):
            turns += 1
        elif last is not None:
            _call(message, last)
    return tally.reading()


def _request(fork: Fork, task: str, message: _Message, beside: _Beside, tally: Tally) -> Copy | None:
    ts = message.ts or 0
    text = bytes(message.text)
    figures = {name.decode(): float(number) for name, number in FIGURE.findall(text) if _is_number(number)}
    new, out, written, read = (
        int(figures.get(name, 0)) for name in ("tokensIn", "tokensOut", "cacheWrites", "cacheReads")
    )
    if not at(ts) or not true_counts(new, out, written, read):
        return None
    model, provider = beside.model(ts)
    if message.modelInfo is not None and message.modelInfo.modelId:
        model, provider = message.modelInfo.modelId, message.modelInfo.providerId or ""
    if new >= written + read and _whole(fork, ts, provider, PROTOCOL.search(text) is not None):
        new -= written + read
    key = bytes.fromhex(record_key(f"{fork.name}:{task}:{ts:.0f}", ""))
    session = tally.session(task, at(ts), beside.cwd)
    copy = Copy(key, at(ts), model_name(model), session, False, new, out, written, 0, read)
    # What a subscription or a local model costs is kept as 0, which does not mean free.
    copy.cost_recorded = true_cost(figures.get("cost")) or None
    return copy


def _whole(fork: Fork, ts: float, provider: str, anthropic: bool) -> bool:
    """Say whether the count of what was sent holds the cache's share."""
    if fork.whole_since is None:
        return provider in WHOLE_PROMPT
    return not anthropic or ts >= fork.whole_since


def _call(message: _Message, copy: Copy) -> None:
    """Count the call of a tool that a response asked for."""
    kind = message.ask if message.type == "ask" else message.say
    if kind == "tool":
        found = CALL.match(bytes(message.text))
        name = tool_call(found[1].decode() if found else "", BUILT_IN)
    elif kind in {"command", "browser_action"}:
        name = kind
    elif kind == "use_mcp_server":
        name = "mcp"
    else:
        return
    copy.tools = copy.tools or {}
    copy.tools[name] = copy.tools.get(name, 0) + 1


def _is_number(text: bytes) -> bool:
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False
