"""Open the model that is configured, and how long to wait before it is asked again."""

import pkgutil
import random
from functools import cache
from importlib import import_module
from typing import Protocol

from arena.core.config import LLM
from arena.llm import providers
from arena.llm.models import Question, Reply

PAUSE = 0.5
"""Seconds before the first retry; each later one waits twice as long, give or take a half."""
LONGEST_PAUSE = 60.0


class Provider(Protocol):
    """Somebody who runs a model."""

    async def ask(self, question: Question) -> Reply:
        """Put one question. Raises `Unanswered`."""


@cache
def names() -> tuple[str, ...]:
    """Every kind of provider that there is a file for."""
    return tuple(each.name for each in pkgutil.iter_modules(providers.__path__) if not each.name.startswith("_"))


def opened(settings: LLM) -> Provider:
    """The provider that is configured. (Imported now: it costs a fifth of a second.)"""
    made: Provider = import_module(f"{providers.__name__}.{settings.provider}").Provider(settings)
    return made


def pause(attempt: int, told: float) -> float:
    """Seconds to wait after an attempt (from 0) that failed; a provider that tells how long is believed, to an end."""
    own: float = PAUSE * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
    return min(max(own, told), LONGEST_PAUSE)
