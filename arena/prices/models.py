"""Prices as they stand in a table, and what a response used, as far as its cost depends on it."""

from msgspec import Struct


class Rates(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """US dollars for a million tokens of each kind."""

    input: float
    output: float
    cache_write: float
    """Kept for five minutes."""
    cache_write_1h: float
    cache_read: float


class LongPrompt(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What every token of a request costs whose prompt is longer than so many tokens, by service tier."""

    over: int
    tiers: dict[str, Rates]


class Price(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a model costs. ``tiers`` holds "standard", and "priority", "flex", "batch" where they are sold."""

    tiers: dict[str, Rates]
    long: tuple[LongPrompt, ...] = ()
    """From the shortest to the longest."""
    fast: float = 1.0
    """By how much fast mode multiplies everything."""
    us: float = 1.0
    """By how much inference in the United States alone multiplies everything."""
    web_search: float = 0.0
    """US dollars for each search that the model made."""


class Table(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A price table as it ships and as it can be loaded: a price for each model's plain name."""

    source: str
    """Where the figures come from."""
    as_of: str
    """The day from which a price holds that differs from the one known before."""
    prices: dict[str, Price]


class Change(Struct, frozen=True):
    """What loading a table changed. ``version`` is None when it was known already."""

    version: int | None
    new: tuple[str, ...] = ()
    """Models that had no price: theirs holds from the beginning."""
    moved: tuple[str, ...] = ()
    """Models whose price changed, from ``as_of`` on."""
    as_of: str = ""


class Version(Struct, frozen=True):
    """A table that was loaded. ``loaded_at`` is epoch milliseconds."""

    number: int
    source: str
    as_of: str
    loaded_at: int


class Dated(Struct, frozen=True):
    """A model's price from a day on; "" is from the beginning."""

    effective_from: str
    version: int
    price: Price


class Used(Struct, frozen=True):
    """What one response used. With ``whole`` it is one request; else a sum of many, to which no long-prompt price
    applies because nobody knows how long each of them was."""

    input: int
    output: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read: int
    web_searches: int = 0
    speed: str | None = None
    service_tier: str | None = None
    region: str | None = None
    whole: bool = True


class Cost(Struct, frozen=True):
    """What a response cost, in billionths of a US dollar, and by which version of the table."""

    nanodollars: int
    version: int
