"""``arena admin audit``: the log is listed, and proven or disproven."""

import json
import re
from contextlib import closing

import pytest

from arena.core import sqlite
from arena.core.db import Database

from .conftest import Run


@pytest.fixture
def people(run: Run) -> None:
    for name in ("alice", "bob"):
        assert run("users", "add", name).code == 0
    assert run("keys", "create", "bob").code == 0
    assert run("users", "delete", "alice", "--yes").code == 0


def tamper(data, statement: str) -> None:
    with closing(sqlite.connect(data / "arena.db")) as conn:
        conn.execute("DROP TRIGGER security_audit_log_is_never_changed")
        conn.execute(statement)


def test_a_whole_chain_is_proven_and_its_head_printed(run: Run, people: None) -> None:
    said = run("audit", "verify")
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(
        r"The chain is whole: 6 rows, from 1 to 6\.\nhead 6:[0-9a-f]{64}\nNote the head .+\.\n", said.out
    )


def test_a_head_that_was_noted_is_compared(run: Run, people: None) -> None:
    head = re.findall(r"head (\S+)", run("audit", "verify").out)[0]
    assert run("users", "add", "carol").code == 0
    assert run("audit", "verify", "--head", head).code == 0
    said = run("audit", "verify", "--head", head[:-1] + ("0" if head[-1] != "0" else "1"))
    assert said.code == 1
    assert said.err == (
        "arena admin: the chain of the security log is broken. Row 6 has another hash: the log was written anew.\n"
    )


@pytest.mark.parametrize("head", ["6", "6:abc", ":" + "0" * 64, "x:" + "0" * 64])
def test_a_head_that_is_none_is_wrong_usage(run: Run, head: str) -> None:
    assert run("audit", "verify", "--head", head).code == 2


def test_a_changed_row_is_named(run: Run, data, people: None) -> None:
    tamper(data, "UPDATE security_audit_log SET user_agent = 'nobody' WHERE seq = 4")
    said = run("audit", "verify")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "arena admin: the chain of the security log is broken. "
        "Row 4 does not fit: it or the row before it was changed, exchanged or put in later.\n"
    )


def test_programs_are_told_in_json(run: Run, data, people: None) -> None:
    whole = json.loads(run("audit", "verify", "--json").out)
    assert (whole["ok"], whole["rows"], whole["first"], whole["head"]) == (True, 6, 1, 6)
    assert (whole["broken"], whole["problem"]) == (None, None)
    tamper(data, "UPDATE security_audit_log SET user_agent = 'nobody' WHERE seq = 4")
    said = run("audit", "verify", "--json")
    found = json.loads(said.out)
    assert said.code == 1
    assert (found["ok"], found["broken"], found["rows"]) == (False, 4, 3)


def test_the_log_is_listed_newest_first_with_names_as_they_are_now(run: Run, people: None) -> None:
    lines = run("audit", "list").out.splitlines()
    assert lines[0].split() == ["ROW", "TIME", "(UTC)", "EVENT", "PERSON", "ADDRESS", "DETAILS"]
    assert [line.split()[0] for line in lines[1:]] == ["6", "5", "4", "3", "2", "1"]
    assert [line.split()[4] for line in lines[1:]] == ["(deleted)", "bob", "bob", "bob", "(deleted)", "(deleted)"]


def test_a_list_is_narrowed(run: Run, people: None, db: Database) -> None:
    def rows(*argv: str) -> list[int]:
        return [row["seq"] for row in json.loads(run("audit", "list", "--json", *argv).out)]

    assert rows("bob") == [5, 4, 3]
    assert rows("BOB", "--event", "api_key_generated") == [5]
    assert rows("--event", "user_created") == [3, 1]
    assert rows("--limit", "2") == [6, 5]
    assert rows("--address", "192.0.2.1") == []
    assert rows("--to", "2020-01-01") == []
    assert rows("--from", "2020-01-01", "--words", "member zzz") == []
    assert rows("--words", "MEMBER arena", "--event", "user_created") == [3, 1]
    gone = json.loads(run("audit", "list", "--json", "--limit", "1").out)[0]["user_id"]
    assert rows(gone) == [6, 2, 1]


def test_a_list_goes_on_where_a_search_stopped(run: Run, people: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.audit.actions.LOOKED_AT", 1)
    assert [row["seq"] for row in json.loads(run("audit", "list", "--json", "--words", "member").out)] == [4, 3, 2, 1]


def test_a_list_of_nobody_is_refused(run: Run, people: None) -> None:
    said = run("audit", "list", "zoe")
    assert (said.code, said.err) == (
        1,
        "arena admin: nobody is called zoe; `arena admin users list` shows everybody.\n",
    )
    assert run("audit", "list", "--event", "nothing").code == 2
    assert run("audit", "list", "--limit", "0").code == 2
    said = run("audit", "list", "--from", "yesterday")
    assert (said.code, said.err) == (1, "arena admin: A day looks like 2026-11-20.\n")
