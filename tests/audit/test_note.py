"""What is noted: exactly what was done, by names that are known, without anything personal but an id."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from arena.audit.actions import note
from arena.audit.models import EVENTS, Caller
from arena.core.db import Database
from tests.audit.conftest import HERE, entries, tell
from tests.conftest import NOW, PEOPLE

NOTING = {"note", "note_known", "note_stranger", "seldom"}
PERSONAL = {"name", "username", "display", "label", "email", "key", "token", "password", "secret", "code", "project"}
ARENA = Path(__file__).parents[2] / "arena"


def test_a_row_says_what_happened_to_whom_when_and_from_where(db: Database) -> None:
    tell(db, "api_key_revoked", prefix="modu_arena_01234567", by=None)
    (row,) = entries(db)
    assert (row.seq, row.created_at, row.event_type) == (1, NOW, "api_key_revoked")
    assert (row.user_id, row.ip_address, row.user_agent) == (PEOPLE["alice"], "192.0.2.7", "a browser")
    assert row.details == '{"prefix":"modu_arena_01234567"}'


def test_an_event_that_nobody_knows_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="'user_teleported' is not an event"):
        tell(db, "user_teleported")
    assert entries(db) == []


def test_what_fails_leaves_no_row_and_the_chain_as_it_was(db: Database) -> None:
    tell(db)

    def deed(conn: sqlite3.Connection) -> None:
        note(conn, "user_created", PEOPLE["bob"], HERE, NOW)
        raise LookupError

    with pytest.raises(LookupError):
        db.write_sync(deed)
    tell(db)
    assert [row.event_type for row in entries(db)] == ["user_signed_in", "user_signed_in"]


def test_a_long_address_or_agent_is_cut(db: Database) -> None:
    db.write_sync(lambda conn: note(conn, "sign_in_failed", None, Caller("x" * 99, "y" * 999), NOW))
    (row,) = entries(db)
    assert (len(row.ip_address or ""), len(row.user_agent or "")) == (45, 300)


def test_events_are_named_alike_and_explained_in_one_sentence() -> None:
    for name, meaning in EVENTS.items():
        assert re.fullmatch(r"[a-z]+(?:_[a-z]+)+", name), name
        assert re.fullmatch(r"[A-Z][^.!]+\.", meaning), meaning


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every place in the code where something is noted."""
    for file in ARENA.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in NOTING:
                yield file, call


def test_every_event_that_the_code_notes_is_known() -> None:
    seen = 0
    for file, call in calls():
        if len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
            seen += 1
            assert call.args[1].value in EVENTS, f"{file}: {call.args[1].value}"
    assert seen > 20


def test_every_event_that_is_known_is_noted_somewhere() -> None:
    words: set[str] = set()
    for file in ARENA.rglob("*.py"):
        if file.parent.name != "audit":
            nodes = ast.walk(ast.parse(file.read_text()))
            words |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert set(EVENTS) <= words


def test_nobody_notes_what_a_person_typed_or_a_secret() -> None:
    for file, call in calls():
        told = {keyword.arg for keyword in call.keywords}
        assert not told & PERSONAL, f"{file}: {told & PERSONAL}"
