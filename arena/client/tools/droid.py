"""Droid (Factory): one ``<session>.settings.json`` a session with totals that grow, beside the conversation's lines.

The totals carry no time of their own, so a session is one record at the moment when its provider was chosen. Thinking
tokens are part of the output. The conversation is read for folder, prompts and names of tools; its text stays bytes.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import msgspec

from arena.client.formats.messages import calls, is_prompt
from arena.client.models import Copy, Keeps, Reading
from arena.client.places import home, overridden
from arena.client.sources import MALFORMED, Document, content, in_lines, stamp, walk
from arena.client.tally import Tally, instant, true_counts
from arena.wire import model_name, record_key

NAME = "droid"
COLLECTOR = "droid/1"
KEEPS = Keeps(tokens="exact", cache="exact", cost="derived", calls="exact", note="One record a session, which grows.")
HOOK = {"timeout": 10}
"""Seconds."""

ENDING = ".settings.json"

BUILT_IN = frozenset(
    "ApplyPatch AskUser Create Edit Execute ExitSpecMode FetchUrl GenerateDroid Glob Grep KillProcess LS MultiEdit"
    " Read Skill Task TodoWrite WebSearch".split()
)

BUFFER = 1 << 18


class _Usage(msgspec.Struct):
    inputTokens: int | None = None
    outputTokens: int | None = None
    cacheCreationTokens: int | None = None
    cacheReadTokens: int | None = None


class _Settings(msgspec.Struct):
    model: str | None = None
    providerLockTimestamp: str | None = None
    tokenUsage: _Usage | None = None


class _Message(msgspec.Struct):
    role: str | None = None
    content: msgspec.Raw = msgspec.Raw()


class _Line(msgspec.Struct):
    type: str | None = None
    cwd: str | None = None
    timestamp: str | None = None
    visibility: str | None = None
    message: _Message | None = None


_decode_settings = msgspec.json.Decoder(_Settings).decode
_decode_line = msgspec.json.Decoder(_Line).decode


def places() -> list[str]:
    """Name the folder of sessions."""
    return [overridden("DROID_SESSIONS_DIR") or home(".factory", "sessions")]


def settings_file() -> str:
    """Name the settings file in which the user's hooks stand."""
    return home(".factory", "settings.json")


def sources() -> Iterator[Document]:
    """Walk the settings of all sessions."""
    for folder in places():
        for path, stat in walk(folder, ENDING):
            yield Document(path, stamp(stat), partial(_read, path))


class _Talk:
    """What the lines of a conversation tell without their text."""

    def __init__(self) -> None:
        self.cwd = ""
        self.first = self.last = 0
        self.turns = 0
        self.tools: dict[str, int] = {}

    def take(self, buffer: bytearray, start: int, stop: int) -> None:
        """Take in a line; what is not understood says nothing."""
        try:
            line = _decode_line(memoryview(buffer)[start:stop])
        except MALFORMED:
            return
        if line.type == "session_start":
            self.cwd = self.cwd or line.cwd or ""
        when = instant(line.timestamp)
        if when:
            self.first, self.last = min(self.first or when, when), max(self.last, when)
        if line.type != "message" or line.message is None or line.visibility == "llm_only":
            return
        if line.message.role == "assistant":
            for name, count in calls(line.message.content, BUILT_IN).items():
                self.tools[name] = self.tools.get(name, 0) + count
        elif line.message.role == "user" and is_prompt(line.message.content):
            self.turns += 1


def _read(path: str) -> Reading:
    tally = Tally(NAME)
    settings = _decode_settings(content(path))
    usage = settings.tokenUsage or _Usage()
    talk = _Talk()
    with suppress(FileNotFoundError), open(path.removesuffix(ENDING) + ".jsonl", "rb", buffering=0) as file:
        in_lines(file, 0, bytearray(BUFFER), talk.take)
    tally.folder(talk.cwd)
    at = instant(settings.providerLockTimestamp) or talk.first or os.stat(path).st_mtime_ns // 1_000_000
    new, out = usage.inputTokens or 0, usage.outputTokens or 0
    written, read = usage.cacheCreationTokens or 0, usage.cacheReadTokens or 0
    if not true_counts(new, out, written, read):
        return tally.reading()
    identity = os.path.basename(path).removesuffix(ENDING)
    session = tally.session(identity, at, talk.cwd)
    for when in (talk.first, talk.last):
        if when:
            tally.session(identity, when, talk.cwd)
    key = bytes.fromhex(record_key(f"{NAME}:{identity}", ""))
    copy = Copy(key, at, _model(settings.model), session, False, new, out, written, 0, read)
    copy.turns, copy.tools = talk.turns, talk.tools or None
    tally.add(copy)
    return tally.reading()


def _model(name: str | None) -> str:
    """Take off what a model of the person's own is decorated with: ``custom:``, a provider in brackets, a number."""
    plain, own = re.subn(r"^custom:", "", name or "", flags=re.IGNORECASE)
    plain = re.sub(r"\[[^\]]*\]", "", plain)
    if own:
        plain = re.sub(r"-+\d+$", "", plain)
    return model_name(re.sub(r"[\s-]+", "-", plain).strip("-").lower())
