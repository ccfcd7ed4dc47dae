"""What several tools keep alike: lists of messages, and in a message a list of blocks or a plain text.

What is odd costs nothing else: each message and each block is decoded by itself. What they say stays bytes.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

import msgspec

from arena.client.sources import MALFORMED
from arena.client.tally import tool_call

T = TypeVar("T")


class Block(msgspec.Struct):
    """What a block is, and the name where it calls a tool."""

    type: str | None = None
    name: str | None = None


_list = msgspec.json.Decoder(list[msgspec.Raw])
_block = msgspec.json.Decoder(Block)


def each(items: Iterable[msgspec.Raw], decoder: "msgspec.json.Decoder[T]") -> Iterator[T]:
    """Decode item after item and pass over the odd ones."""
    for item in items:
        with suppress(*MALFORMED):
            yield decoder.decode(item)


def items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Take a list apart; what is no list is empty."""
    with suppress(*MALFORMED):
        return _list.decode(raw)
    return []


def blocks(content: msgspec.Raw) -> list[Block]:
    """Take a message's content apart."""
    return list(each(items(content), _block))


def is_prompt(content: msgspec.Raw) -> bool:
    """Say whether a message of the user's is a prompt and not what a tool answered."""
    return not any(block.type == "tool_result" for block in blocks(content))


def calls(content: msgspec.Raw, built_in: frozenset[str]) -> dict[str, int]:
    """Count the tools that a message calls."""
    counts: dict[str, int] = {}
    for block in blocks(content):
        if block.type == "tool_use":
            name = tool_call(block.name or "", built_in)
            counts[name] = counts.get(name, 0) + 1
    return counts
