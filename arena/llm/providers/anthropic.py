"""Anthropic's messages. The answer comes as the input of a tool that the model must use. ``url`` has no `/v1`."""

import msgspec
from msgspec import Struct

from arena.core.config import LLM
from arena.llm.models import Question, Reply, Spent, Unanswered
from arena.llm.providers._exchange import post

VERSION = "2023-06-01"


class Block(Struct):
    """A part of an answer: words, or the use of a tool."""

    type: str
    input: msgspec.Raw = msgspec.Raw(b"")


class Usage(Struct):
    """Tokens; what was written to or read from a cache is counted beside the input."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0


class Answer(Struct):
    """`POST /v1/messages`, as far as it is used."""

    content: list[Block]
    stop_reason: str | None = None
    usage: Usage | None = None


class Provider:
    """A model behind the messages API."""

    def __init__(self, settings: LLM) -> None:
        self.settings = settings

    async def ask(self, question: Question) -> Reply:
        """Put one question. Raises `Unanswered`."""
        headers = {"anthropic-version": VERSION}
        if self.settings.api_key:
            headers["x-api-key"] = self.settings.api_key.value
        tool = {"name": question.name, "description": "Give the answer.", "input_schema": question.schema}
        body = {
            "model": self.settings.model,
            "system": question.instructions,
            "messages": [{"role": "user", "content": question.text}],
            "max_tokens": question.longest,
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": question.name},
        }
        answer = await post(self.settings, "/v1/messages", body, Answer, **headers)
        spent = _spent(answer.usage) if answer.usage else None
        if answer.stop_reason == "refusal":
            raise Unanswered("The model refused to judge this.", again=True, spent=spent)
        if answer.stop_reason == "max_tokens":
            raise Unanswered("The model's answer was too long.", again=True, spent=spent)
        used = [block.input for block in answer.content if block.type == "tool_use"]
        return Reply(bytes(used[0]).decode() if used else "", spent)


def _spent(usage: Usage) -> Spent:
    written, read = usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens or 0
    return Spent(usage.input_tokens, usage.output_tokens, read, written)
