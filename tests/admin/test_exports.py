"""``arena admin export``."""

import csv
import json

import pytest

from arena.accounts.store import user_by_name
from arena.core.clock import Days
from arena.core.db import Database
from arena.usage.actions.records import record
from arena.usage.models import Road
from tests.admin.conftest import Run
from tests.conftest import NOW
from tests.usage.conftest import a_record, a_report


@pytest.fixture
def used(run: Run, db: Database) -> None:
    assert run("users", "add", "alice").code == 0
    assert run("teams", "create", "Data").code == 0
    assert run("teams", "assign", "alice", "data").code == 0
    alice = db.read_sync(lambda conn: user_by_name(conn, "alice"))
    assert alice
    sent = [a_report(a_record("m1", model="claude-sonnet-4-5"), a_record("m2", model="nobody-knows"), project="a" * 16)]
    db.write_sync(lambda conn: record(conn, alice.id, sent, Road.TRANSCRIPTS, days=Days("UTC"), now=NOW))


@pytest.mark.usefixtures("used")
def test_the_table_is_printed_with_all_that_tells_rows_apart(run: Run) -> None:
    done = run("export", "usage")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\r\n")
    found = list(csv.DictReader(done.out.splitlines()))
    assert [(row["day"], row["person"], row["team"], row["project"], row["model"]) for row in found] == [
        ("2026-11-20", "alice", "Data", "a" * 16, "claude-sonnet-4-5"),
        ("2026-11-20", "alice", "Data", "a" * 16, "nobody-knows"),
    ]


@pytest.mark.usefixtures("used")
def test_programs_get_one_array(run: Run) -> None:
    found = json.loads(run("export", "usage", "--by", "team, person", "--format", "json", "--team", "DATA").out)
    assert [(row["person"], row["team"], row["records"], row["records_without_price"]) for row in found] == [
        ("alice", "Data", 2, 2)
    ]
    assert run("export", "usage", "--json", "--from", "2027-01-01").out == "[]\n"


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--by", "person,nonsense"), 2, "must be some of day,person,team,project,tool,model"),
        (("--from", "soon"), 1, "A day looks like 2026-11-20."),
        (("--person", "zoe"), 1, "nobody is called zoe"),
        (("--team", "zoe"), 1, "There is no team called zoe."),
    ],
)
def test_what_cannot_be_asked_is_said(run: Run, options: tuple[str, ...], code: int, sentence: str) -> None:
    done = run("export", "usage", *options)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err


@pytest.mark.usefixtures("used")
def test_it_is_noted_in_the_security_log(run: Run) -> None:
    assert run("export", "usage", "--by", "day").code == 0
    (told,) = json.loads(run("audit", "list", "--event", "usage_exported", "--json").out)
    assert told["details"] == {"from": "0001-01-01", "to": "9999-12-31", "told_apart_by": "day"}
