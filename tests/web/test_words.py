"""Figures, days and places as pages write them."""

import pytest

from arena.web import words

NOW = 1_795_183_200_000  # 20 Nov 2026, 14:00 UTC


@pytest.mark.parametrize(
    ("nanodollars", "unpriced", "written"),
    [
        (0, 0, "$0.00"),
        (0, 1, "unknown"),
        (1, 0, "<$0.01"),
        (4_999_999, 0, "<$0.01"),
        (5_000_000, 0, "$0.01"),
        (41_304_999_999, 0, "$41.30"),
        (1_004_220_000_000, 0, "$1,004.22"),
        (30_190_000_000, 3, "$30.19+"),
        (1, 3, "<$0.01+"),
    ],
)
def test_a_cost_is_money_or_unknown_and_never_nothing(nanodollars: int, unpriced: int, written: str) -> None:
    assert words.cost(nanodollars, unpriced) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (6_071, "6,071"),
        (9_999, "9,999"),
        (10_000, "10.0K"),
        (99_960, "100K"),
        (762_400, "762K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (2_190_000, "2.19M"),
        (9_999_999, "10.0M"),
        (60_300_000, "60.3M"),
        (4_200_000_000, "4.20B"),
        (3_000_000_000_000_000, "3000T"),
        (-42_100, "−42.1K"),
    ],
)
def test_large_counts_are_three_figures_and_small_ones_exact(number: int, written: str) -> None:
    assert words.short(number) == written


def test_exact_counts_scores_and_changes() -> None:
    assert words.exact(2_190_000) == "2,190,000"
    assert words.score(668.5) == "668.50"
    assert [words.signed(n) for n in (3, -2, 0)] == ["+3", "−2", "0"]
    assert [words.plural(n, "day", "days") for n in (1, 2, 1037)] == ["1 day", "2 days", "1,037 days"]


def test_places_have_their_endings() -> None:
    assert [words.ordinal(n) for n in (1, 2, 3, 4, 7, 11, 12, 13, 21, 22, 103, 111, 1001)] == [
        *("1st", "2nd", "3rd", "4th", "7th", "11th", "12th", "13th", "21st", "22nd", "103rd", "111th", "1,001st")
    ]


def test_a_range_says_what_is_shared_once() -> None:
    assert words.day_range("2026-11-16", "2026-11-22") == "16–22 Nov 2026"
    assert words.day_range("2026-11-20", "2026-11-20") == "20 Nov 2026"
    assert words.day_range("2026-11-30", "2026-12-06") == "30 Nov – 6 Dec 2026"
    assert words.day_range("2026-12-28", "2027-01-03") == "28 Dec 2026 – 3 Jan 2027"
    assert (words.day("2026-11-02"), words.weekday("2026-11-19")) == ("2 Nov 2026", "Thursday")


def test_instants_are_on_the_clock_of_their_zone() -> None:
    assert words.instant(NOW, "UTC") == "20 Nov 2026, 14:00 UTC"
    assert words.instant(NOW, "Asia/Kolkata") == "20 Nov 2026, 19:30 Asia/Kolkata"
    assert words.moment(NOW + 27_999, "Asia/Kolkata") == "20 Nov 2026, 19:30:27"


def test_only_under_a_day_is_it_so_long_ago() -> None:
    passed = (0, 12_000, 59_999, 240_000, 3 * 3_600_000, 86_399_999)
    assert [words.ago(NOW - p, NOW) for p in passed] == [
        *("0 s ago", "12 s ago", "59 s ago", "4 min ago", "3 h ago", "23 h ago")
    ]
    assert words.ago(NOW - 86_400_000, NOW) == "19 Nov 2026"
    assert words.ago(NOW - 86_400_000, NOW, "Asia/Tokyo") == "19 Nov 2026"
    assert words.ago(NOW + 5_000, NOW) == "0 s ago"


def test_tiers_begin_at_their_points_and_the_gauge_fills_to_the_score() -> None:
    assert [words.tier(p) for p in (0, 199.99, 200, 400, 600, 800, 1000)] == [
        *("Bronze", "Bronze", "Silver", "Gold", "Platinum", "Diamond", "Diamond")
    ]
    assert [words.gauge(p) for p in (0, 100, 200, 677.64, 1000)] == [0, 6, 14, 46.7, 68]


@pytest.mark.parametrize(
    ("number", "says"),
    [
        *[(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1.00 kB"), (81_920, "81.9 kB")],
        *[(999_950, "1.00 MB"), (10**9, "1.00 GB"), (1_240_000_000, "1.24 GB"), (5 * 10**15, "5000 TB")],
    ],
)
def test_sizes_have_three_figures_and_a_unit(number: int, says: str) -> None:
    assert words.size(number) == says
