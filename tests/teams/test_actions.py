"""Teams over a real database: names, members, what deleting leaves, and what the security log says."""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest

from arena.accounts import store as accounts
from arena.audit.models import Caller
from arena.core.db import Database
from arena.core.errors import Conflict, Invalid, NotFound
from arena.teams import actions, store
from tests.conftest import NOW, PEOPLE

HERE = Caller("192.0.2.7", "a browser")

Do = Callable[..., Any]


@pytest.fixture
def do(db: Database) -> Do:
    return lambda deed, **given: db.write_sync(partial(deed, caller=HERE, now=NOW, by=PEOPLE["carol"], **given))


def team_of(db: Database, name: str) -> str | None:
    found = db.read_sync(partial(store.team_of, user_id=PEOPLE[name]))
    return found.name if found else None


def events(db: Database) -> list[tuple[str, str | None, dict[str, Any]]]:
    def read(conn: sqlite3.Connection) -> list[tuple[str, str | None, dict[str, Any]]]:
        rows = conn.execute("SELECT event_type, user_id, details FROM security_audit_log ORDER BY seq")
        return [(row[0], row[1], msgspec.json.decode(row[2])) for row in rows]

    return db.read_sync(read)


def test_a_name_is_taken_whatever_its_case_and_signs(db: Database, do: Do) -> None:
    assert do(actions.create_team, name="  Data   Platform ").name == "Data Platform"
    for name in ("data platform", "DATA-PLATFORM", "Data, Platform!"):
        with pytest.raises(Conflict, match="There is a team called Data Platform already"):
            do(actions.create_team, name=name)
    assert [team.name for team in db.read_sync(store.teams)] == ["Data Platform"]


@pytest.mark.parametrize("name", ["", " ", "!?", "x" * 51, "\u202e"])
def test_a_bad_name_is_refused_by_its_field(db: Database, do: Do, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        do(actions.create_team, name=name)
    assert set((refused.value.details or {})["errors"]) == {"name"}
    assert events(db) == []


def test_a_team_gets_another_name_and_keeps_its_people(db: Database, do: Do) -> None:
    do(actions.create_team, name="Search")
    do(actions.assign, name="alice", slug="search")
    assert do(actions.rename_team, slug="search", name="search").name == "search"
    assert do(actions.rename_team, slug="search", name="Find").slug == "find"
    assert team_of(db, "alice") == "Find"
    do(actions.create_team, name="Search")
    with pytest.raises(Conflict):
        do(actions.rename_team, slug="search", name="FIND")
    with pytest.raises(NotFound, match="There is no team called lost"):
        do(actions.rename_team, slug="lost", name="New")


def test_a_person_is_in_one_team_or_in_none(db: Database, do: Do) -> None:
    do(actions.create_team, name="Search")
    do(actions.create_team, name="Data")
    do(actions.assign, name="Alice", slug="SEARCH")
    assert team_of(db, "alice") == "Search"
    do(actions.assign, name="alice", slug="data")
    assert team_of(db, "alice") == "Data"
    assert [(each.team.name, each.people) for each in db.read_sync(store.sizes)] == [("Data", 1), ("Search", 0)]
    do(actions.assign, name="alice", slug=None)
    assert team_of(db, "alice") is None
    for name, slug in (("nobody", "data"), ("alice", "nowhere")):
        with pytest.raises(NotFound):
            do(actions.assign, name=name, slug=slug)


def test_deleting_a_team_leaves_its_people_in_none(db: Database, do: Do) -> None:
    do(actions.create_team, name="Search")
    for name in ("alice", "bob"):
        do(actions.assign, name=name, slug="search")
    team, people = do(actions.delete_team, slug="search")
    assert (team.name, people) == ("Search", 2)
    assert team_of(db, "alice") is None
    assert len(db.read_sync(accounts.users)) == 3
    with pytest.raises(NotFound):
        do(actions.delete_team, slug="search")


def test_deleting_a_person_takes_them_out_of_their_team(db: Database, do: Do) -> None:
    do(actions.create_team, name="Search")
    do(actions.assign, name="alice", slug="search")
    db.write_sync(partial(accounts.delete_user, id=PEOPLE["alice"]))
    assert [each.people for each in db.read_sync(store.sizes)] == [0]


def test_every_deed_is_in_the_log_once_with_who_did_it_and_no_name(db: Database, do: Do) -> None:
    team = do(actions.create_team, name="Search")
    for _ in range(2):
        do(actions.assign, name="alice", slug="search")
        do(actions.rename_team, slug="search", name="SEARCH")
    for _ in range(2):
        do(actions.assign, name="alice", slug=None)
    do(actions.delete_team, slug="search")
    by = {"by": PEOPLE["carol"]}
    assert events(db) == [
        ("team_created", None, {"team": team.id, **by}),
        ("team_assigned", PEOPLE["alice"], {"team": team.id, **by}),
        ("team_renamed", None, {"team": team.id, **by}),
        ("team_assigned", PEOPLE["alice"], by),
        ("team_deleted", None, {"team": team.id, "people": 0, **by}),
    ]
