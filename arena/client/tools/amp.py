"""Amp: one document a thread, written anew whenever it grows.

Newer threads keep a ledger of what was billed, and the cache's share only with the message that an entry led to; older
ones keep everything with the messages. Both name a response by its message, so a thread that changes over counts once.
"""

import os
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote, urlsplit

import msgspec

from arena.client.formats.messages import calls, each, is_prompt, items
from arena.client.models import Copy, Keeps, Reading
from arena.client.places import data, home, overridden
from arena.client.sources import Document, content, stamp, walk
from arena.client.tally import Tally, at, instant, true_counts
from arena.wire import model_name, record_key

NAME = "amp"
COLLECTOR = "amp/1"
KEEPS = Keeps(tokens="exact", cache="exact", cost="derived", calls="exact")

BUILT_IN = frozenset(
    "Bash Grep Read Task create_file delete_file edit_file finder format_file get_diagnostics glob list_directory"
    " look_at mermaid oracle read_mcp_resource read_thread read_web_page todo_read todo_write undo_edit"
    " web_search".split()
)


class _Tokens(msgspec.Struct):
    input: int | None = None
    output: int | None = None
    total: int | None = None
    cacheCreationInputTokens: int | None = None
    cacheReadInputTokens: int | None = None


class _Event(msgspec.Struct):
    id: str | int | None = None
    timestamp: str | float | None = None
    model: str | None = None
    toMessageId: str | int | None = None
    tokens: _Tokens | None = None


class _Ledger(msgspec.Struct):
    events: msgspec.Raw = msgspec.Raw()


class _Usage(msgspec.Struct):
    model: str | None = None
    inputTokens: int | None = None
    outputTokens: int | None = None
    cacheCreationInputTokens: int | None = None
    cacheReadInputTokens: int | None = None
    totalTokens: int | None = None
    timestamp: str | float | None = None


class _Meta(msgspec.Struct):
    sentAt: float | None = None


class _Message(msgspec.Struct):
    role: str | None = None
    messageId: str | int | None = None
    content: msgspec.Raw = msgspec.Raw()
    usage: _Usage | None = None
    meta: _Meta | None = None


class _Tree(msgspec.Struct):
    uri: str | None = None


class _Initial(msgspec.Struct):
    trees: list[_Tree] | None = None


class _Environment(msgspec.Struct):
    initial: _Initial | None = None


class _Thread(msgspec.Struct):
    id: str | None = None
    created: msgspec.Raw = msgspec.Raw()
    messages: msgspec.Raw = msgspec.Raw()
    usageLedger: msgspec.Raw = msgspec.Raw()
    env: msgspec.Raw = msgspec.Raw()


_thread = msgspec.json.Decoder(_Thread)
_message = msgspec.json.Decoder(_Message)
_event = msgspec.json.Decoder(_Event)
_ledger = msgspec.json.Decoder(_Ledger)
_environment = msgspec.json.Decoder(_Environment)
_time = msgspec.json.Decoder(str | float)


def places() -> list[str]:
    """List the folders of threads; on Windows it may be either."""
    given = overridden("AMP_DATA_DIR")
    folders = [given] if given else [data("amp"), home(".local", "share", "amp")]
    return list(dict.fromkeys(os.path.join(folder, "threads") for folder in folders))


def sources() -> Iterator[Document]:
    """Walk all threads."""
    for folder in places():
        for path, stat in walk(folder, ".json"):
            if os.path.basename(path).startswith("T-"):
                yield Document(path, stamp(stat), partial(_read, path))


def _read(path: str) -> Reading:
    thread = _thread.decode(content(path))
    reader = _Reader(thread, thread.id or os.path.basename(path).removesuffix(".json"))
    billed = [event for ledger in each([thread.usageLedger], _ledger) for event in each(items(ledger.events), _event)]
    if not reader.ledger(billed):
        reader.messages()
    return reader.tally.reading()


class _Reader:
    """Counts one thread."""

    def __init__(self, thread: _Thread, identity: str) -> None:
        self.identity = identity
        self.said = list(each(items(thread.messages), _message))
        self.created = next((_when(written) for written in each([thread.created], _time)), 0)
        self.tally = Tally(NAME)
        self.deeds: dict[str, tuple[int, dict[str, int]]] = {}
        """By message: the prompts that it answers, and the tools that it calls."""
        trees = [tree for each_env in each([thread.env], _environment) for tree in _trees(each_env)]
        folders = [folder for folder in map(_folder, trees) if folder]
        self.cwd = folders[0] if folders else ""
        for folder in folders:
            self.tally.folder(folder)
        prompts = 0
        for message in self.said:
            if message.role == "user":
                prompts += is_prompt(message.content)
            elif message.role == "assistant":
                self.deeds[str(message.messageId)] = (prompts, calls(message.content, BUILT_IN))
                prompts = 0

    def ledger(self, events: list[_Event]) -> bool:
        """Count what was billed, with the cache's share from the message that it led to; says whether there is any."""
        usages = {str(message.messageId): message.usage for message in self.said if message.usage}
        counted = False
        for event in events:
            figures = _figures_of_event(event, usages.get(str(event.toMessageId)))
            if figures and _when(event.timestamp):
                self._record(event.toMessageId, event.id, _when(event.timestamp), event.model, figures)
                counted = True
        return counted

    def messages(self) -> None:
        """Count what the messages say."""
        before = self.created
        for message in self.said:
            before = (message.meta and at(message.meta.sentAt)) or before
            usage = message.usage
            figures = usage and _figures_of_usage(usage)
            if message.role == "assistant" and usage and figures:
                self._record(message.messageId, None, _when(usage.timestamp) or before, usage.model, figures)

    def _record(
        self,
        message: str | int | None,
        event: str | int | None,
        when: int,
        model: str | None,
        figures: tuple[int, int, int, int],
    ) -> None:
        if not when:
            return
        name = f"message:{message}" if message is not None else f"event:{event}" if event else f"at:{when}"
        new, out, written, read = figures
        copy = Copy(
            bytes.fromhex(record_key(f"{NAME}:{self.identity}:{name}", "")),
            when,
            model_name(model),
            self.tally.session(self.identity, when, self.cwd),
            False,
            new,
            out,
            written,
            0,
            read,
        )
        if message is not None:
            turns, tools = self.deeds.get(str(message), (0, {}))
            copy.turns, copy.tools = turns, tools or None
        self.tally.add(copy)


def _figures_of_event(event: _Event, usage: _Usage | None) -> tuple[int, int, int, int] | None:
    tokens = event.tokens
    if tokens is None:
        return None
    written = tokens.cacheCreationInputTokens or (usage and usage.cacheCreationInputTokens) or 0
    read = tokens.cacheReadInputTokens or (usage and usage.cacheReadInputTokens) or 0
    return _true(tokens.input, tokens.output, written, read, tokens.total)


def _figures_of_usage(usage: _Usage) -> tuple[int, int, int, int] | None:
    written, read = usage.cacheCreationInputTokens or 0, usage.cacheReadInputTokens or 0
    return _true(usage.inputTokens, usage.outputTokens, written, read, usage.totalTokens)


def _true(
    new: int | None, out: int | None, written: int, read: int, total: int | None
) -> tuple[int, int, int, int] | None:
    # Where only a total is kept, nearly all of it is what was sent: to count it as output would flatter.
    if not (new or out or written or read):
        new = total
    figures = (new or 0, out or 0, written, read)
    return figures if true_counts(*figures) else None


def _when(written: str | float | None) -> int:
    return instant(written) if isinstance(written, str) else at(written)


def _trees(environment: _Environment) -> list[_Tree]:
    return (environment.initial and environment.initial.trees) or []


def _folder(tree: _Tree) -> str:
    parts = urlsplit(tree.uri or "")
    if parts.scheme != "file":
        return ""
    path = unquote(parts.path)
    return path[1:] if path[2:3] == ":" else path
