"""Which of many refusals are worth a row."""

import pytest

from arena.audit.rules import HOUR, STRANGERS, Tally
from tests.conftest import NOW


def test_the_first_the_tenth_and_the_hundredth_are_worth_a_row() -> None:
    tally = Tally()
    told = [times for _ in range(12_345) if (times := tally.known("api_key_invalid", "key 1", NOW))]
    assert told == [1, 10, 100, 1_000, 10_000]
    told = [times for _ in range(123) if (times := tally.known("sign_in_failed", "bob", NOW, first=5))]
    assert told == [1, 2, 3, 4, 5, 10, 100]


def test_each_event_person_and_hour_is_counted_by_itself() -> None:
    tally = Tally()
    assert tally.known("api_key_invalid", "key 1", NOW) == 1
    assert tally.known("api_key_invalid", "key 1", NOW) is None
    assert tally.known("api_key_invalid", "key 2", NOW) == 1
    assert tally.known("hmac_signature_invalid", "key 1", NOW) == 1
    assert tally.known("api_key_invalid", "key 1", NOW + HOUR) == 1


def test_a_crowd_of_strangers_shares_a_count_and_hides_nobody_known() -> None:
    tally = Tally()
    told = [tally.stranger("api_key_invalid", f"10.0.{n // 256}.{n % 256}", NOW) for n in range(20_000)]
    assert told[:STRANGERS] == [(1, True)] * STRANGERS
    assert [each for each in told[STRANGERS:] if each] == [(10**power, False) for power in range(5)]
    assert tally.stranger("sign_in_failed", "10.0.0.1", NOW) == (1, True)
    assert tally.stranger("api_key_invalid", "10.9.9.9", NOW, of="bob") == (1, True)
    assert tally.known("api_key_invalid", "key 1", NOW) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("testclient", "testclient", True),
        (None, None, True),
    ],
)
def test_a_network_of_ipv6_is_one_stranger(one: str | None, other: str | None, same: bool) -> None:
    tally = Tally()
    assert tally.stranger("api_key_invalid", one, NOW) == (1, True)
    assert (tally.stranger("api_key_invalid", other, NOW) is None) is same
