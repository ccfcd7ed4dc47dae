"""What every provider does: post JSON within a time limit, and turn what goes wrong into one sentence."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx2
import msgspec
from msgspec import Struct

from arena.core.config import LLM
from arena.core.outgoing import Careful, wait_asked
from arena.llm.models import Unanswered

BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which asking again may help."""

NAME = re.compile(r"[a-z][a-z_]{2,39}")

T = TypeVar("T")


class _Error(Struct):
    """Of an error, by both formats, what it is called."""

    code: Any = None
    type: Any = None


class _Refusal(Struct):
    """An answer that is none."""

    error: _Error


async def post(settings: LLM, path: str, body: Mapping[str, Any], answer: type[T], **headers: str) -> T:
    """Post a question and decode the answer. Raises `Unanswered`; no sentence holds what was sent or the key."""
    try:
        async with asyncio.timeout(settings.timeout):
            # One connection a question: questions are seconds apart, and a provider may have closed an old one.
            async with httpx2.AsyncClient(
                transport=Careful(settings.url), timeout=settings.timeout, headers={"user-agent": "arena"}
            ) as client:
                got = await client.post(settings.url.rstrip("/") + path, json=dict(body), headers=headers)
    except (TimeoutError, httpx2.TimeoutException) as no:
        late = f"The model did not answer within {settings.timeout} seconds."
        raise Unanswered(late, again=True, spent=None) from no
    except (httpx2.ConnectError, httpx2.InvalidURL) as no:
        raise Unanswered(f"The model could not be reached ({type(no).__name__}).", again=True) from no
    except httpx2.HTTPError as no:
        raise Unanswered(f"The model's answer broke off ({type(no).__name__}).", again=True, spent=None) from no
    if got.status_code != 200:
        raise _refused(got)
    try:
        return msgspec.json.decode(got.content, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as no:
        wrong = "What came from the model's address is not an answer of its kind."
        raise Unanswered(wrong, again=True, spent=None) from no


def _refused(got: httpx2.Response) -> Unanswered:
    status, told = got.status_code, _told(got)
    if status in (401, 403):
        return Unanswered(f"The model's provider does not accept this box's key ({told}).", again=False)
    if status == 404:
        return Unanswered(f"There is no such model at the configured address ({told}).", again=False)
    if status in BUSY:
        return Unanswered(f"The model's provider is busy or broken ({told}).", again=True, wait=wait_asked(got.headers))
    return Unanswered(f"The model's provider refused the question ({told}).", again=False, status=status)


def _told(got: httpx2.Response) -> str:
    """The status, and the name of the error where there is one. (Its message may repeat the key or the question.)"""
    try:
        error = msgspec.json.decode(got.content, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return str(got.status_code)
    named = next((name for name in (error.code, error.type) if isinstance(name, str) and NAME.fullmatch(name)), "")
    return f"{got.status_code}, {named}" if named else str(got.status_code)
