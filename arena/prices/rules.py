"""What a response costs, which name in the table a model's name means, and how LiteLLM's price file becomes a table."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arena.prices.models import Cost, Dated, LongPrompt, Price, Rates, Table, Used

PICO = 1_000_000
"""Trillionths of a dollar that one token costs for each dollar that a million tokens cost: always whole numbers."""
TIERS = {"standard": "", "priority": "_priority", "flex": "_flex", "batch": "_batches"}
"""Service tiers, and how LiteLLM's fields for them end."""
THRESHOLD = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
MODES = ("chat", "responses", "completion")
HOMES = (
    *(
        "anthropic/",
        "openai/",
        "gemini/",
        "xai/",
        "deepseek/",
        "moonshot/",
        "zai/",
        "dashscope/",
        "mistral/",
        "minimax/",
    ),
    *("anthropic.", "vertex_ai/", "azure_ai/", "vercel_ai_gateway/", "openrouter/", "fireworks_ai/", "together_ai/"),
)
"""Whose price a plain name takes that LiteLLM's file lists under a provider's prefix alone: its maker's, else that of
the first here who resells it."""


# -- the cost of a response


def cost(used: Used, prices: Sequence[Dated], day: str) -> Cost | None:
    """Say what a response of a day cost, or None when no price held on that day.

    The whole request is billed at one rate: past a long-prompt threshold every token of it, and fast mode, region and
    service tier multiply or replace all rates. The last price that took effect by that day holds.
    """
    for held in reversed(prices):
        if held.effective_from <= day:
            break
    else:
        return None
    price = held.price
    rates = _rates(price, used)
    pico = (
        used.input * round(rates.input * PICO)
        + used.output * round(rates.output * PICO)
        + used.cache_write_5m * round(rates.cache_write * PICO)
        + used.cache_write_1h * round(rates.cache_write_1h * PICO)
        + used.cache_read * round(rates.cache_read * PICO)
    )
    thousandths = round(1000 * _factor(price, used))
    searches = used.web_searches * round(price.web_search * 1e9)
    return Cost((pico * thousandths + 500_000) // 1_000_000 + searches, held.version)


def dollars(nanodollars: int, unpriced: int) -> float | None:
    """A sum of costs as programs read it, in US dollars; None when nothing of it is known."""
    return None if unpriced and not nanodollars else round(nanodollars / 1e9, 6)


def _rates(price: Price, used: Used) -> Rates:
    prompt = used.input + used.cache_write_5m + used.cache_write_1h + used.cache_read
    tiers = price.tiers
    if used.whole:
        for level in price.long:
            if prompt > level.over:
                tiers = level.tiers
    return tiers.get(used.service_tier or "standard") or tiers["standard"]


def _factor(price: Price, used: Used) -> float:
    return (price.fast if used.speed == "fast" else 1.0) * (price.us if used.region == "us" else 1.0)


# -- names

DATE = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d)$")
NOT_THE_MODEL = re.compile(r"\[1m\]$|-latest$|:\w+$|-v\d+$|@default$")
REGIONAL = re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|openai|meta|mistral|qwen|deepseek|moonshotai|zai|minimax)\.")


def candidates(model: str) -> Iterator[str]:
    """The names under which a model's price may stand, the most exact first.

    A provider's path, a region, a date, a version mark or a context mark is not the model: ``us.anthropic.claude-x-
    20250101-v1:0`` is ``claude-x``, and ``claude-x-4.5`` is written ``claude-x-4-5`` by its maker. Nothing is guessed
    beyond that: a name that only looks alike has another price.
    """
    name = model.strip().lower()
    last = name.rpartition("/")[2]
    seen: set[str] = set()
    for each in (name, last, REGIONAL.sub("", last)):
        bare = each
        while bare and bare not in seen:
            seen.add(bare)
            yield bare
            if bare.startswith("claude") and "." in bare:
                yield bare.replace(".", "-")
            bare = _barer(bare)


def _barer(name: str) -> str:
    shorter = NOT_THE_MODEL.sub("", name)
    return shorter if shorter != name else DATE.sub("", name)


FAST = "-fast"


def find(prices: Mapping[str, Sequence[Dated]], model: str) -> tuple[Sequence[Dated], bool]:
    """A model's prices, and whether its name itself says fast mode; none for a model that nobody knows."""
    for name in candidates(model):
        if name in prices:
            return prices[name], False
        if name.endswith(FAST) and name.removesuffix(FAST) in prices:
            return prices[name.removesuffix(FAST)], True
    return (), False


# -- LiteLLM's file


def table_of(litellm: Mapping[str, Any], source: str, as_of: str) -> Table:
    """Make a table of LiteLLM's price file: language models alone, under their plain names.

    Raises ``ValueError`` when it holds no price at all.
    """
    prices: dict[str, Price] = {}
    for name, entry in _plainly(litellm):
        if name not in prices and (price := _price(name, entry)) is not None:
            prices[name] = price
    if not prices:
        raise ValueError("there is no price in it")
    return Table(source, as_of, dict(sorted(prices.items())))


def _plainly(litellm: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every entry under the plain names it may go by: those that have one, then their makers', then the resellers'."""
    models = {
        name.lower(): entry
        for name, entry in litellm.items()
        if isinstance(entry, dict) and entry.get("mode") in MODES and name != "sample_spec"
    }
    yield from ((name, entry) for name, entry in models.items() if "/" not in name)
    for home in HOMES:
        for name, entry in models.items():
            if name.startswith(home):
                yield from ((plain, entry) for plain in candidates(name) if "/" not in plain)


def _price(name: str, entry: Mapping[str, Any]) -> Price | None:
    levels = _levels(name, entry)
    if not levels or levels[0].over or "standard" not in levels[0].tiers:
        return None
    more = entry.get("provider_specific_entry") or {}
    search = (entry.get("search_context_cost_per_query") or {}).get("search_context_size_medium")
    extras = {"fast": _number(more.get("fast")), "us": _number(more.get("us")), "web_search": _number(search)}
    long = tuple(level for level in levels[1:] if "standard" in level.tiers)
    return Price(levels[0].tiers, long, **{name: each for name, each in extras.items() if each})


def _levels(name: str, entry: Mapping[str, Any]) -> list[LongPrompt]:
    """The rates by length of the prompt, from 0 tokens up: in fields of their own, or as a list of ranges."""
    if isinstance(ranges := entry.get("tiered_pricing"), list):
        return [LongPrompt(int(each["range"][0]), _tiers(name, each, "", {})) for each in ranges if "range" in each]
    plain = _tiers(name, entry, "", {})
    over = sorted(int(found[1]) for field in entry if (found := THRESHOLD.fullmatch(field)))
    return [
        LongPrompt(0, plain),
        *(LongPrompt(1000 * k, _tiers(name, entry, f"_above_{k}k_tokens", plain)) for k in over),
    ]


def _tiers(name: str, entry: Mapping[str, Any], above: str, plain: Mapping[str, Rates]) -> dict[str, Rates]:
    found: dict[str, Rates] = {}
    for tier, suffix in TIERS.items():
        like = found.get("standard") or plain.get("standard")
        if (rates := _listed(name, entry, above, suffix, like)) is not None:
            found[tier] = rates
    return found


def _listed(name: str, entry: Mapping[str, Any], above: str, suffix: str, like: Rates | None) -> Rates | None:
    """The rates of one tier and length. What it leaves out costs, against its input, what it costs ``like`` that."""

    def of(field: str) -> float | None:
        return _number(entry.get(f"{field}{above}{suffix}"))

    fresh, output = of("input_cost_per_token"), of("output_cost_per_token")
    if fresh is None or output is None:
        return None
    if like is not None and like.input:
        usual = (like.cache_write / like.input, like.cache_write_1h / like.input, like.cache_read / like.input)
    elif "claude" in name:
        usual = (1.25, 2.0, 0.1)  # the vendor's rule
    else:
        usual = (1.0, 1.0, 1.0)  # no price for caching: billed as input
    write, read = of("cache_creation_input_token_cost"), of("cache_read_input_token_cost")
    hour = _number(entry.get(f"cache_creation_input_token_cost_above_1hr{above}{suffix}"))
    if hour is None and write is not None and usual[0] == usual[1]:
        hour = write  # one price, however long it is kept
    listed = (write, hour, read)
    rest = (fresh * share if price is None else price for price, share in zip(listed, usual, strict=True))
    return Rates(*(round(1e6 * dollars, 6) for dollars in (fresh, output, *rest)))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None
