"""Find and open the providers that people may sign in with."""

import asyncio
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from arena.accounts import oauth
from arena.accounts.models import Asked, Identity, Offer
from arena.core.config import OAuth
from arena.core.errors import NotFound

ANSWERED = 10_000
"""Errands that are remembered as done, far more than are begun in the ten minutes for which one is good."""


class IdentityProvider(Protocol):
    """Somebody outside who says who our visitors are. Its failures are `Forbidden` and `Unavailable`."""

    async def begin(self, asked: Asked, now: int) -> str:
        """The address where the provider asks the visitor."""

    async def finish(self, asked: Asked, answer: Mapping[str, str], now: int) -> Identity:
        """Say who came back with this answer. What was asked for in the visitor's name is then forgotten."""


@cache
def names() -> tuple[str, ...]:
    """Every provider that there is a file for."""
    return tuple(each.name for each in pkgutil.iter_modules(oauth.__path__) if not each.name.startswith("_"))


def offers(config: OAuth) -> tuple[Offer, ...]:
    """The providers that this box is configured for."""
    found = ((name, getattr(config, name)) for name in names())
    return tuple(Offer(name, settings.name, settings.issuer) for name, settings in found if settings.client_id)


async def opened(memory: dict[str, Any], config: OAuth, name: str) -> IdentityProvider:
    """The provider of this name, which lives as long as the box. Raises `NotFound`."""
    if name not in {offer.provider for offer in offers(config)}:
        raise NotFound("Nobody signs in here by a provider of this name.")
    kept: dict[str, IdentityProvider] = memory.setdefault("providers", {})
    if name not in kept:
        # In a thread: the first import takes a quarter of a second.
        module = await asyncio.to_thread(import_module, f"{oauth.__name__}.{name}")
        kept.setdefault(name, module.Provider(getattr(config, name)))  # or the one of whoever came at the same time
    return kept[name]


def is_first(memory: dict[str, Any], state: str) -> bool:
    """Say whether an errand comes back for the first time, and remember that it did."""
    answered: dict[str, None] = memory.setdefault("errands", {})
    if state in answered:
        return False
    answered[state] = None
    if len(answered) > ANSWERED:
        del answered[next(iter(answered))]
    return True
