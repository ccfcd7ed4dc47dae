"""``arena admin recompute`` makes the totals anew, and moves days to a changed zone."""

import pytest

from arena import admin
from arena.core.db import Database
from arena.usage.actions.records import record
from arena.usage.models import Road
from tests.conftest import NOW, PEOPLE
from tests.usage.conftest import HOUR, a_record, a_report, sums


@pytest.fixture
def recorded(db: Database, days) -> Database:
    report = a_report(a_record("m1", at=NOW - 13 * HOUR), a_record("m2", at=NOW))
    db.write_sync(lambda conn: record(conn, PEOPLE["alice"], [report], Road.TRANSCRIPTS, days=days, now=NOW))
    return db


def test_totals_stay_as_they_are(recorded: Database, capsys: pytest.CaptureFixture[str]) -> None:
    before = sums(recorded)
    assert admin.main(["recompute", "--data", str(recorded.path.parent)]) == 0
    assert capsys.readouterr().out == "1 person recomputed.\n"
    assert sums(recorded) == before


def test_a_changed_zone_moves_the_days(recorded: Database, tmp_path) -> None:
    assert [row[1] for row in sums(recorded)["daily_user_stats"]] == ["2026-11-19", "2026-11-20"]
    file = tmp_path / "seoul.toml"
    file.write_text('[arena]\ntime_zone = "Asia/Seoul"\n')
    assert admin.main(["recompute", "--data", str(recorded.path.parent), "--config", str(file)]) == 0
    assert [row[1] for row in sums(recorded)["daily_user_stats"]] == ["2026-11-20"]
    assert (recorded.path.parent / "zone").read_text() == "Asia/Seoul"
