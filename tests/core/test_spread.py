"""How values spread: every value is counted once, below the first bound that it does not pass."""

from hypothesis import given
from hypothesis import strategies as st

from arena.core.spread import Spread


@given(st.lists(st.floats(0, 100), max_size=50))
def test_a_value_is_counted_at_the_first_bound_that_it_does_not_pass(values: list[float]) -> None:
    spread = Spread((1, 5, 25))
    for value in values:
        spread.add(value)
    assert spread.counts == [
        sum(value <= 1 for value in values),
        sum(1 < value <= 5 for value in values),
        sum(5 < value <= 25 for value in values),
        sum(value > 25 for value in values),
    ]
    assert (spread.total, spread.sum) == (len(values), sum(values))


def test_what_others_counted_can_be_added() -> None:
    one, other = Spread((1, 2)), Spread((1, 2))
    one.add(0.5)
    other.add(1.5)
    other.add(9)
    one.add_all(other)
    assert (one.counts, one.sum) == ([1, 1, 1], 11)
    assert other.counts == [0, 1, 1]
