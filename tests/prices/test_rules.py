"""What a response costs, what a name means, and what becomes of LiteLLM's file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.prices.models import Dated, LongPrompt, Price, Rates, Used
from arena.prices.rules import candidates, cost, find, table_of

STANDARD = Rates(input=3, output=15, cache_write=3.75, cache_write_1h=6, cache_read=0.3)
LONG = Rates(input=6, output=22.5, cache_write=7.5, cache_write_1h=12, cache_read=0.6)
PRIORITY = Rates(input=6, output=30, cache_write=7.5, cache_write_1h=12, cache_read=0.6)
PRICE = Price(
    tiers={"standard": STANDARD, "priority": PRIORITY},
    long=(LongPrompt(200_000, {"standard": LONG}),),
    fast=6.0,
    us=1.1,
    web_search=0.01,
)
ALWAYS = [Dated("", 1, PRICE)]


def used(**fields: object) -> Used:
    return Used(**{"input": 0, "output": 0, "cache_write_5m": 0, "cache_write_1h": 0, "cache_read": 0, **fields})  # type: ignore[arg-type]


def dollars(prices: list[Dated] | None = None, day: str = "2026-11-20", **fields: object) -> float:
    found = cost(used(**fields), ALWAYS if prices is None else prices, day)
    assert found is not None
    return found.nanodollars / 1e9


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"input": 1_000}, 0.003),
        ({"output": 1_000}, 0.015),
        ({"cache_write_5m": 1_000}, 0.00375),
        ({"cache_write_1h": 1_000}, 0.006),
        ({"cache_read": 1_000}, 0.0003),
        ({"input": 1, "cache_read": 1}, 0.0000033),
        ({"input": 1_000, "speed": "fast"}, 0.018),
        ({"input": 1_000, "speed": "standard"}, 0.003),
        ({"input": 1_000, "region": "us"}, 0.0033),
        ({"input": 1_000, "region": "global"}, 0.003),
        ({"input": 1_000, "service_tier": "priority"}, 0.006),
        ({"input": 1_000, "service_tier": "flex"}, 0.003),
        ({"web_searches": 3}, 0.03),
    ],
)
def test_each_kind_of_token_has_its_price(fields: dict[str, object], expected: float) -> None:
    assert dollars(**fields) == pytest.approx(expected, abs=1e-12)


def test_a_long_prompt_makes_every_token_dearer_its_output_too() -> None:
    at = {"input": 100_000, "cache_read": 100_000, "output": 1_000}
    assert dollars(**at) == pytest.approx(0.3 + 0.03 + 0.015)
    assert dollars(**{**at, "cache_read": 100_001}) == pytest.approx(0.6 + 0.0600006 + 0.0225)


def test_a_sum_of_many_requests_has_no_long_prompt() -> None:
    assert dollars(input=1_000_000, whole=False) == pytest.approx(3.0)


def test_a_price_holds_from_its_day_on() -> None:
    cheaper = Price({"standard": Rates(input=1, output=5, cache_write=1.25, cache_write_1h=2, cache_read=0.1)})
    prices = [Dated("", 1, PRICE), Dated("2026-06-01", 2, cheaper)]
    assert dollars(prices, "2026-05-31", input=1_000) == pytest.approx(0.003)
    assert dollars(prices, "2026-06-01", input=1_000) == pytest.approx(0.001)


def test_before_any_price_the_cost_is_unknown() -> None:
    assert cost(used(input=1), [Dated("2026-06-01", 1, PRICE)], "2026-05-31") is None
    assert cost(used(input=1), [], "2026-05-31") is None


@given(st.lists(st.integers(0, 10**9), min_size=5, max_size=5), st.booleans())
def test_more_tokens_never_cost_less(tokens: list[int], whole: bool) -> None:
    names = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    fields = dict(zip(names, tokens, strict=True))
    before = dollars(**fields, whole=whole)
    assert dollars(**{**fields, "output": fields["output"] + 1}, whole=whole) > before


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5"),
        ("Claude-Sonnet-4-5", "claude-sonnet-4-5"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("grok-4.5-latest", "grok-4.5"),
    ],
)
def test_paths_regions_dates_and_marks_are_not_the_model(model: str, expected: str) -> None:
    assert expected in candidates(model)


def test_a_name_that_only_looks_alike_finds_nothing() -> None:
    prices = {"gpt-5": ALWAYS, "claude-opus-4": ALWAYS}
    for model in ("gpt-5-codex-mini", "gpt-50", "claude-opus-4-9", "opus", "", "  "):
        assert find(prices, model) == ((), False)


def test_the_more_exact_name_wins_and_fast_may_stand_in_the_name() -> None:
    dated = [Dated("", 2, PRICE)]
    prices = {"claude-opus-4-6": ALWAYS, "claude-opus-4-6-20260205": dated}
    assert find(prices, "claude-opus-4-6-20260205") == (dated, False)
    assert find(prices, "claude-opus-4-6-fast") == (ALWAYS, True)


LITELLM = {
    "sample_spec": {"mode": "chat", "input_cost_per_token": 1, "output_cost_per_token": 1},
    "claude-x-1": {
        "mode": "chat",
        "input_cost_per_token": 5e-06,
        "output_cost_per_token": 2.5e-05,
        "cache_creation_input_token_cost": 6.25e-06,
        "input_cost_per_token_above_200k_tokens": 1e-05,
        "output_cost_per_token_above_200k_tokens": 3.75e-05,
        "provider_specific_entry": {"fast": 6.0, "us": 1.1},
        "search_context_cost_per_query": {"search_context_size_medium": 0.01},
    },
    "moonshot/kimi-y": {"mode": "chat", "input_cost_per_token": 6e-07, "output_cost_per_token": 2.5e-06},
    "openrouter/moonshotai/kimi-y": {"mode": "chat", "input_cost_per_token": 9e-07, "output_cost_per_token": 9e-06},
    "dashscope/qwen-z": {
        "mode": "chat",
        "tiered_pricing": [
            {"range": [0, 32000], "input_cost_per_token": 1e-06, "output_cost_per_token": 5e-06},
            {"range": [32000, 128000], "input_cost_per_token": 1.8e-06, "output_cost_per_token": 9e-06},
        ],
    },
    "anthropic.claude-old-20240101-v1:0": {
        "mode": "chat",
        "input_cost_per_token": 8e-07,
        "output_cost_per_token": 4e-06,
    },
    "an-image-model": {"mode": "image_generation", "output_cost_per_image": 0.04},
    "no-price": {"mode": "chat"},
    "negative": {"mode": "chat", "input_cost_per_token": -1, "output_cost_per_token": True},
}


def test_litellms_file_becomes_a_table_of_plain_names() -> None:
    prices = table_of(LITELLM, "a file", "2026-11-20").prices
    assert {"anthropic.claude-old-20240101-v1:0", "claude-old", "claude-x-1", "kimi-y", "qwen-z"} <= set(prices)
    assert not {"sample_spec", "an-image-model", "no-price", "negative"} & set(prices)
    x = prices["claude-x-1"]
    assert x.tiers["standard"] == Rates(input=5, output=25, cache_write=6.25, cache_write_1h=10, cache_read=0.5)
    assert x.long == (
        LongPrompt(
            200_000, {"standard": Rates(input=10, output=37.5, cache_write=12.5, cache_write_1h=20, cache_read=1)}
        ),
    )
    assert (x.fast, x.us, x.web_search) == (6.0, 1.1, 0.01)
    assert prices["kimi-y"].tiers["standard"].input == 0.6
    assert [(level.over, level.tiers["standard"].input) for level in prices["qwen-z"].long] == [(32_000, 1.8)]


def test_a_file_without_a_price_is_refused() -> None:
    with pytest.raises(ValueError, match="no price"):
        table_of({"no-price": {"mode": "chat"}}, "a file", "2026-11-20")
