"""``arena admin rankings``."""

import json
from datetime import date

import pytest

from arena.core import clock
from arena.core.clock import DAY, Days
from arena.core.db import Database
from arena.usage.actions.records import record
from arena.usage.models import Road
from tests.admin.conftest import Run
from tests.usage.conftest import a_record, a_report


@pytest.fixture
def lately(db: Database, run: Run) -> str:
    """Alice worked forty days ago; the day."""
    assert run("users", "add", "alice").code == 0
    user_id = json.loads(run("users", "list", "--json").out)[0]["id"]
    days, at = Days("UTC"), clock.now() - 40 * DAY
    report = a_report(a_record(at=at))
    db.write_sync(lambda conn: record(conn, user_id, [report], Road.TRANSCRIPTS, days=days, now=clock.now()))
    return days.of(at)


def test_rankings_are_frozen_by_hand_and_a_second_time_changes_nothing(run: Run, lately: str) -> None:
    first = run("rankings", "freeze", "--period", "monthly")
    headings, *rows = [line.split() for line in first.out.splitlines()]
    assert headings == ["PERIOD", "FROM", "PEOPLE", "CHANGED", "STATE"]
    assert rows[0] == ["monthly", lately[:8] + "01", "1", "1", "open"]
    again = run("rankings", "freeze", "--period", "monthly")
    assert again.out == "Every ranking that is over is frozen already, and nothing of it has changed.\n"
    assert again.code == 0


def test_programs_are_told_what_was_frozen(run: Run, lately: str) -> None:
    frozen = json.loads(run("rankings", "freeze", "--json").out)
    assert {each["period"] for each in frozen} == {"daily", "weekly", "monthly"}
    assert {each["people"] for each in frozen} == {0, 1}
    assert json.loads(run("rankings", "freeze", "--json").out) == []


@pytest.mark.usefixtures("lately")
def test_days_and_periods_that_are_none_are_wrong_usage(run: Run) -> None:
    assert run("rankings", "freeze", "--period", "all_time").code == 2
    assert run("rankings", "freeze", "--since", "yesterday").code == 2
    assert run("rankings", "freeze", "--since", date.today().isoformat()).code == 0  # noqa: DTZ011
