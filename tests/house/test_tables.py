"""What import-linter cannot see: who writes which table, where foreign keys point, and SQL that can move."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database as Tables

from arena.core import sqlite
from arena.rooms import ROOMS

ARENA = Path(__file__).parents[2] / "arena"
STORES = sorted(ARENA.glob("*/store.py"))
ROOM_NAMES = [room.name for room in ROOMS]

WRITES = re.compile(r"\b(?:INSERT\s+INTO|REPLACE\s+INTO|UPDATE|DELETE\s+FROM)\s+(?!SET\b)(\w+)", re.I)
SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|PRAGMA|CREATE|DROP|ALTER)\b")
CALLS = ("execute", "executemany", "executescript", "execute_fetchall")

HOUSEKEEPING = {"admin/command.py"}
"""Beside stores: asks whether a file is new. No rows."""

NOT_PORTABLE = {
    "rowid": r"\browid\b",
    "group_concat": r"\b(?:group_concat|string_agg)\b",
    "date functions": r"\b(?:date|time|datetime|julianday|strftime|unixepoch|timediff|date_trunc|now)\s*\(",
    "current time": r"\bCURRENT_(?:DATE|TIME|TIMESTAMP)\b",
    "ifnull": r"\b(?:ifnull|iif)\b",
    "greatest": r"\b(?:greatest|least)\b",
    "INSERT OR": r"\b(?:INSERT|UPDATE)\s+OR\b|\bREPLACE\s+INTO\b",
    "two-argument max": r"\b(?:max|min)\s*\([^()]*,",
    "cast by colons": r"::",
    "GLOB": r"\bGLOB\b",
    "an unnamed conflict": r"\bON\s+CONFLICT\s+DO\b",
    "LIMIT in a write": r"\A\s*(?:UPDATE|DELETE)\b(?:(?!\bSELECT\b).)*\bLIMIT\b",
}


def statements(file: Path) -> list[str]:
    """Every string of a module that is SQL."""
    tree = ast.parse(file.read_text())
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]


def bare(sql: str) -> str:
    """A statement without what stands in quotes."""
    return re.sub(r"'(?:[^']|'')*'", "''", sql)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sqlite3.Connection, dict[str, str]]]:
    """A database built room by room, and the room that made each table."""
    conn = sqlite.connect(tmp_path_factory.mktemp("rooms") / "arena.db")
    rooms: dict[str, str] = {}
    for room in ROOMS:
        if room.migrations is not None:
            room.migrations.apply(Tables(conn))
        for row in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            if not row[0].startswith(("_", "sqlite_")):
                rooms.setdefault(row[0], room.name)
    yield conn, rooms
    conn.close()


def room_of(table: str, tables: tuple[sqlite3.Connection, dict[str, str]]) -> str:
    return tables[1][table]


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.parent.name)
def test_a_store_writes_only_tables_of_its_own_room(
    store: Path, tables: tuple[sqlite3.Connection, dict[str, str]]
) -> None:
    for sql in statements(store):
        for table in WRITES.findall(re.sub(r"ON CONFLICT.*?DO UPDATE", "", bare(sql), flags=re.S)):
            assert room_of(table, tables) == store.parent.name, sql


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.parent.name)
def test_a_store_reads_only_tables_of_its_own_and_lower_rooms(
    store: Path, tables: tuple[sqlite3.Connection, dict[str, str]]
) -> None:
    lower = ROOM_NAMES[: ROOM_NAMES.index(store.parent.name) + 1]
    for sql in statements(store):
        for table in re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", bare(sql)):
            if table in tables[1]:
                assert room_of(table, tables) in lower, sql


def test_writes_are_found_in_stores_and_elsewhere_told_apart() -> None:
    found = {table for store in STORES for sql in statements(store) for table in WRITES.findall(bare(sql))}
    assert {"users", "sessions", "usage_records", "security_audit_log"} <= found
    assert WRITES.findall("INSERT INTO t (a) VALUES (:a) ON CONFLICT (a) DO UPDATE SET a = excluded.a") == ["t"]
    assert WRITES.findall("DELETE FROM a WHERE b IN (SELECT c FROM d)") == ["a"]


def test_foreign_keys_point_to_the_own_room_or_below(tables: tuple[sqlite3.Connection, dict[str, str]]) -> None:
    conn, rooms = tables
    seen = 0
    for table, room in rooms.items():
        for key in conn.execute(f"PRAGMA foreign_key_list({table})"):
            seen += 1
            assert ROOM_NAMES.index(rooms[key["table"]]) <= ROOM_NAMES.index(room), f"{table} -> {key['table']}"
    assert seen > 5


def test_every_table_is_strict(tables: tuple[sqlite3.Connection, dict[str, str]]) -> None:
    conn, rooms = tables
    strict = {row["name"] for row in conn.execute("PRAGMA table_list") if row["strict"]}
    assert set(rooms) <= strict


def test_a_table_of_times_keeps_them_as_whole_numbers(tables: tuple[sqlite3.Connection, dict[str, str]]) -> None:
    conn, rooms = tables
    for table in rooms:
        for column in conn.execute(f"PRAGMA table_xinfo({table})"):
            if column["name"].endswith("_at"):
                assert column["type"] == "INTEGER", f"{table}.{column['name']}"


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.parent.name)
@pytest.mark.parametrize("what", NOT_PORTABLE)
def test_sql_can_move_to_another_database(store: Path, what: str) -> None:
    for sql in statements(store):
        assert not re.search(NOT_PORTABLE[what], bare(sql), re.I | re.S), sql


@pytest.mark.parametrize(
    ("what", "sql"),
    [
        ("rowid", "SELECT rowid FROM t"),
        ("group_concat", "SELECT group_concat(a) FROM t"),
        ("date functions", "SELECT date(a) FROM t"),
        ("date functions", "SELECT strftime('%Y', a) FROM t"),
        ("current time", "SELECT CURRENT_TIMESTAMP"),
        ("ifnull", "SELECT ifnull(a, 0) FROM t"),
        ("greatest", "SELECT greatest(a, 0) FROM t"),
        ("INSERT OR", "INSERT OR IGNORE INTO t VALUES (:a)"),
        ("two-argument max", "UPDATE t SET a = max(a, :a)"),
        ("cast by colons", "SELECT a::int FROM t"),
        ("GLOB", "SELECT a FROM t WHERE a GLOB :a"),
        ("an unnamed conflict", "INSERT INTO t (a) VALUES (:a) ON CONFLICT DO NOTHING"),
        ("LIMIT in a write", "DELETE FROM t WHERE a = :a LIMIT 5"),
    ],
)
def test_sql_that_cannot_move_is_seen(what: str, sql: str) -> None:
    assert re.search(NOT_PORTABLE[what], bare(sql), re.I | re.S)


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.parent.name)
def test_placeholders_are_named_and_statements_are_literal(store: Path) -> None:
    for sql in statements(store):
        assert not re.search(r"\?|%s|\$\d|@\w", bare(sql)), sql
    tree = ast.parse(store.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            assert not any(isinstance(part, ast.Constant) and SQL.match(str(part.value)) for part in node.values)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            assert isinstance(node.args[0], ast.Constant | ast.Name), ast.unparse(node)


def test_nobody_but_a_store_speaks_sql() -> None:
    speakers = set()
    for file in ARENA.rglob("*.py"):
        name = file.relative_to(ARENA).as_posix()
        if name.startswith(("core/", "client/")) or file.name in ("store.py", "schema.py"):
            continue
        calls = (node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
        if any(isinstance(call, ast.Attribute) and call.attr in CALLS for call in calls):
            speakers.add(name)
    assert speakers == HOUSEKEEPING


DOORS = ("routes.py", "routes/", "guards.py", "web/", "admin/", "app.py", "serve.py", "worker.py", "client/")


def test_only_doors_ask_the_time() -> None:
    for file in ARENA.rglob("*.py"):
        name = file.relative_to(ARENA).as_posix()
        if name == "core/clock.py" or any(f"/{door}" in f"/{name}" for door in DOORS):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                asked = ast.unparse(node.func)
                assert asked not in ("clock.now", "time.time", "datetime.now", "date.today", "datetime.utcnow"), name
