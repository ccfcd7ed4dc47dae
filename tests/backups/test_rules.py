"""Which backups may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.backups.models import Backup, Keep
from arena.backups.rules import made_at, name_of, to_prune

HOUR = 3_600_000
NOW = 1_795_183_200_000  # 20 Nov 2026, 14:00 UTC


def at(hours_ago: int) -> Backup:
    made = NOW - hours_ago * HOUR
    return Backup(name_of(made), made, 1)


def test_a_name_tells_when_to_the_second() -> None:
    assert name_of(NOW + 999) == "arena-20261120T140000Z.backup"
    assert made_at(name_of(NOW, "before-upgrade")) == NOW


@pytest.mark.parametrize("name", ["arena.db", "arena-20261120T140000Z", "arena-20261320T140000Z.backup", ".arena-x"])
def test_other_files_are_no_backups(name: str) -> None:
    assert made_at(name) is None


def test_the_newest_of_each_hour_day_and_week_stays() -> None:
    backups = [at(hours) for hours in range(24 * 30)]
    gone = to_prune(backups, Keep(hours=3, days=2, weeks=2))
    stayed = sorted((NOW - each.made_at) // HOUR for each in backups if each not in gone)
    assert stayed == [0, 1, 2, 15, 111]  # 19 Nov 23:00, and Sunday 15 Nov 23:00


@given(
    st.lists(st.integers(0, 24 * 90), unique=True, min_size=1), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)
)
def test_the_newest_stays_whatever_is_kept_and_pruning_twice_is_pruning_once(
    ages: list[int], hours: int, days: int, weeks: int
) -> None:
    backups, keep = [at(each) for each in ages], Keep(hours, days, weeks)
    gone = to_prune(backups, keep)
    left = [each for each in backups if each not in gone]
    assert at(min(ages)) in left
    assert len(left) <= max(1, hours + days + weeks)
    assert to_prune(left, keep) == []
