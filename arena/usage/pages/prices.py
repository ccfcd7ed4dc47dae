"""What the administrators' page of prices shows."""

from collections.abc import Sequence

from msgspec import Struct

from arena.prices.models import Version


class Unpriced(Struct, frozen=True):
    """A model whose price nobody knows, and what was used of it."""

    model: str
    responses: int
    tokens: int
    last_day: str


class PricesPage(Struct, frozen=True):
    """What `usage/prices.html` shows."""

    unknown: tuple[Unpriced, ...]
    versions: tuple[Version, ...]
    zone: str


def prices(unknown: Sequence[tuple[str, int, int, str]], versions: Sequence[Version], *, zone: str) -> PricesPage:
    """Show the models without a price, most tokens first, and the tables, newest first."""
    return PricesPage(tuple(Unpriced(*each) for each in unknown), tuple(versions), zone)
