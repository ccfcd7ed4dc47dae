"""OpenAI's chat completions, which most others speak too: vLLM, llama.cpp, Ollama, and gateways. ``url`` ends in `/v1`.

The shape of the answer is asked for as a strict JSON schema. A server that refuses that is asked again without: the
shape is told in the instructions too.
"""

from typing import Any

from msgspec import Struct

from arena.core.config import LLM
from arena.llm.models import Question, Reply, Spent, Unanswered
from arena.llm.providers._exchange import post


class Message(Struct):
    """What the model said."""

    content: str | None = None
    refusal: str | None = None


class Choice(Struct):
    """One answer, and why it ended."""

    message: Message
    finish_reason: str | None = None


class Details(Struct):
    """Of the prompt's tokens, those that were read from a cache."""

    cached_tokens: int | None = 0


class Usage(Struct):
    """Tokens; the cached ones are among the prompt's."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: Details | None = None


class Completion(Struct):
    """`POST /chat/completions`, as far as it is used."""

    choices: list[Choice]
    usage: Usage | None = None


class Provider:
    """A model behind chat completions."""

    def __init__(self, settings: LLM) -> None:
        self.settings = settings

    async def ask(self, question: Question) -> Reply:
        """Put one question. Raises `Unanswered`."""
        headers = {"authorization": f"Bearer {self.settings.api_key.value}"} if self.settings.api_key else {}
        body = {
            "model": self.settings.model,
            "messages": [
                {"role": "system", "content": question.instructions},
                {"role": "user", "content": question.text},
            ],
            "max_completion_tokens": question.longest,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": question.name, "strict": True, "schema": question.schema},
            },
        }
        answer = await self._completion(body, headers)
        spent = _spent(answer.usage) if answer.usage else None
        if not answer.choices:
            raise Unanswered("The model said nothing.", again=True, spent=spent)
        choice = answer.choices[0]
        if choice.message.refusal or choice.finish_reason == "content_filter":
            raise Unanswered("The model refused to judge this.", again=True, spent=spent)
        if choice.finish_reason == "length":
            raise Unanswered("The model's answer was too long.", again=True, spent=spent)
        return Reply(choice.message.content or "", spent)

    async def _completion(self, body: dict[str, Any], headers: dict[str, str]) -> Completion:
        try:
            return await post(self.settings, "/chat/completions", body, Completion, **headers)
        except Unanswered as no:
            if no.status not in (400, 422):
                raise
        plain = {name: value for name, value in body.items() if name != "response_format"}
        return await post(self.settings, "/chat/completions", plain, Completion, **headers)


def _spent(usage: Usage) -> Spent:
    cached = (usage.prompt_tokens_details.cached_tokens or 0) if usage.prompt_tokens_details else 0
    return Spent(max(0, usage.prompt_tokens - cached), usage.completion_tokens, cached)
