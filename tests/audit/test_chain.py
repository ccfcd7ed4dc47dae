"""Whatever is done to the log behind the program's back is seen; the program itself can only append and prune."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlite_utils import Database as Tables

import arena.accounts.schema
import arena.audit.schema
from arena.accounts import store as accounts
from arena.accounts.actions import keys, people
from arena.audit import rules
from arena.audit.actions import note, old, prune, stands, verify
from arena.core import migrate, sqlite
from arena.core.clock import DAY
from arena.core.db import Database
from tests.audit.conftest import HERE, SECOND, Fill, entries, tell, without_triggers
from tests.conftest import NOW, PEOPLE

ROOT = Path(__file__).parents[2]


def test_an_untouched_log_is_whole(db: Database, fill: Fill) -> None:
    empty = verify(db)
    assert (empty.rows, empty.problem, empty.head_hash) == (0, None, "00" * 32)
    fill(12)
    found = verify(db)
    assert (found.rows, found.first, found.head, found.problem) == (12, 1, 12, None)
    assert found.head_hash == entries(db)[-1].hash.hex()


def test_the_hash_is_what_is_written_down(db: Database) -> None:
    tell(db, "user_signed_in", link="01234567")
    content = f'[1,{NOW},"user_signed_in","{PEOPLE["alice"]}","192.0.2.7","a browser","{{\\"link\\":\\"01234567\\"}}"]'
    assert entries(db)[0].hash == sha256(bytes(32) + content.encode()).digest()


@pytest.mark.parametrize("pages", [1, 3, 5_000])
def test_the_chain_is_walked_in_pages(db: Database, fill: Fill, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    monkeypatch.setattr("arena.audit.actions.PAGE", pages)
    fill(9)
    assert (verify(db).rows, verify(db).problem) == (9, None)
    with without_triggers(db.path) as conn:
        conn.execute("UPDATE security_audit_log SET ip_address = NULL WHERE seq = 7")
    assert (verify(db).rows, verify(db).broken) == (6, 7)


# -- what somebody with the file in their hands may do: each returns the first row that does not fit any more


def rewrite(conn: sqlite3.Connection, seq: int, place: int, **changed: object) -> None:
    """Put a row, changed or not, at a place, with a hash that fits what stands before it."""
    row = dict(conn.execute("SELECT * FROM security_audit_log WHERE seq = ?", (seq,)).fetchone()) | changed
    before = conn.execute("SELECT hash FROM security_audit_log WHERE seq = ?", (place - 1,)).fetchone()
    del row["seq"], row["hash"]
    hash = rules.chained(before[0] if before else bytes(32), place, **row)
    conn.execute("INSERT OR REPLACE INTO security_audit_log VALUES (?,?,?,?,?,?,?,?)", (place, *row.values(), hash))


def edit(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    seq = chance.randint(1, rows)
    column, value = chance.choice(
        [
            ("created_at", NOW + chance.randint(1, 10**6)),
            ("event_type", "user_created"),
            ("user_id", PEOPLE["carol"]),
            ("user_id", None),
            ("ip_address", "192.0.2.8"),
            ("ip_address", ""),
            ("user_agent", None),
            ("details", "{}"),
            ("hash", chance.randbytes(32)),
        ]
    )
    conn.execute(f"UPDATE security_audit_log SET {column} = ? WHERE seq = ?", (value, seq))
    return seq


def edit_and_hash(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    seq = chance.randint(1, rows)
    rewrite(conn, seq, seq, details='{"number":-1}')
    return seq + 1 if seq < rows else seq


def remove(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    seq = chance.randint(1, rows)
    conn.execute("DELETE FROM security_audit_log WHERE seq = ?", (seq,))
    return seq


def remove_and_close_up(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    seq = chance.randint(1, rows)
    conn.execute("DELETE FROM security_audit_log WHERE seq = ?", (seq,))
    for number in range(seq + 1, rows + 1):
        conn.execute("UPDATE security_audit_log SET seq = ? WHERE seq = ?", (number - 1, number))
    return seq


def cut_off(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    seq = chance.randint(1, rows)
    conn.execute("DELETE FROM security_audit_log WHERE seq >= ?", (seq,))
    return seq


def put_in(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    seq = chance.randint(1, rows)
    for number in range(rows, seq - 1, -1):
        conn.execute("UPDATE security_audit_log SET seq = ? WHERE seq = ?", (number + 1, number))
    rewrite(conn, seq + 1, seq, event_type="api_key_generated")
    return seq + 1


def put_at_the_end(conn: sqlite3.Connection, rows: int, _: random.Random) -> int:
    rewrite(conn, rows, rows + 1)
    return rows + 1


def exchange(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    one, other = sorted(chance.sample(range(1, rows + 1), 2))
    for before, new in ((one, -1), (other, one), (-1, other)):
        conn.execute("UPDATE security_audit_log SET seq = ? WHERE seq = ?", (new, before))
    return one


def move_the_head(conn: sqlite3.Connection, rows: int, chance: random.Random) -> int:
    seq = chance.randint(1, rows - 1)
    conn.execute("UPDATE security_audit_chain SET head_seq = ?", (seq,))
    return seq + 1


HANDS = (edit, edit_and_hash, remove, remove_and_close_up, cut_off, put_in, put_at_the_end, exchange, move_the_head)
Hand = Callable[[sqlite3.Connection, int, random.Random], int]
ROWS = 40


@pytest.mark.parametrize("hand", HANDS, ids=lambda hand: hand.__name__)
def test_any_of_120_random_interferences_is_seen_where_it_was(db: Database, fill: Fill, hand: Hand) -> None:
    fill(ROWS)
    assert verify(db).problem is None
    conn = sqlite.connect(db.path)
    with closing(conn):
        for name in [row[0] for row in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]:
            conn.execute(f"DROP TRIGGER {name}")
        backup = [tuple(row) for row in conn.execute("SELECT * FROM security_audit_log ORDER BY seq")]
        head = tuple(conn.execute("SELECT * FROM security_audit_chain").fetchone())
        for number in range(120):
            conn.execute("BEGIN IMMEDIATE")
            place = hand(conn, ROWS, random.Random(number))
            conn.execute("COMMIT")
            found = verify(db)
            assert (found.broken, found.problem is not None) == (place, True), number
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("DELETE FROM security_audit_log")
            for row in backup:
                conn.execute("INSERT INTO security_audit_log VALUES (?,?,?,?,?,?,?,?)", row)
            conn.execute("DELETE FROM security_audit_chain")
            conn.execute("INSERT INTO security_audit_chain VALUES (?,?,?,?,?)", head)
            conn.execute("COMMIT")
    assert verify(db).problem is None


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE security_audit_log SET details = '{\"a\":1}' WHERE seq = 3", "Row 3 does not fit: it or the row"),
        ("DELETE FROM security_audit_log WHERE seq = 3", "Row 3 is missing."),
        ("DELETE FROM security_audit_log WHERE seq > 3", "The rows from 4 to 9, the newest, are missing."),
        ("DELETE FROM security_audit_log", "The rows from 1 to 9, the newest, are missing."),
        ("UPDATE security_audit_chain SET head_seq = 8", "Row 9 stands after the head of the chain"),
        (f"UPDATE security_audit_chain SET head_hash = x'{'ab' * 32}'", "The head of the chain is not the hash of row"),
        (f"UPDATE security_audit_chain SET anchor_hash = x'{'ab' * 32}'", "Row 1 does not fit"),
        ("UPDATE security_audit_chain SET anchor_seq = 2", "Row 3 does not fit"),
    ],
)
def test_the_first_broken_place_is_named_in_one_sentence(
    db: Database, fill: Fill, statement: str, sentence: str
) -> None:
    fill(9)
    with without_triggers(db.path) as conn:
        conn.execute(statement)
    problem = verify(db).problem
    assert problem is not None
    assert problem.startswith(sentence)


def test_a_row_before_the_beginning_is_seen(db: Database, fill: Fill) -> None:
    fill(9)
    prune(db, days=1, now=NOW - 4 * SECOND + DAY)
    with without_triggers(db.path) as conn:
        rewrite(conn, 9, 2)
    assert (verify(db).broken, verify(db).problem) == (
        2,
        "Row 2 stands before the beginning of the chain: it was put in later.",
    )


# -- a head noted elsewhere


def test_a_head_that_was_noted_shows_a_log_that_was_written_anew(db: Database, fill: Fill) -> None:
    fill(9)
    noted = verify(db)
    fill(3)
    held = partial(stands, seq=noted.head, hash=noted.head_hash)
    assert db.read_sync(held) is None
    with without_triggers(db.path) as conn:
        for seq in range(5, 13):
            rewrite(conn, seq, seq, user_agent="nobody")
        conn.execute(
            "UPDATE security_audit_chain SET head_hash = (SELECT hash FROM security_audit_log WHERE seq = head_seq)"
        )
    assert verify(db).problem is None
    assert db.read_sync(held) == "Row 9 has another hash: the log was written anew."


def test_a_head_that_was_noted_shows_an_older_copy_and_outlives_no_retention(db: Database, fill: Fill) -> None:
    fill(9)
    assert db.read_sync(partial(stands, seq=10, hash="ab" * 32)) == (
        "There is no row 10 any more: the log was cut off, or an older copy stands in its place."
    )
    fifth = entries(db)[4].hash.hex()
    prune(db, days=1, now=NOW - 3 * SECOND + DAY)
    assert db.read_sync(partial(stands, seq=5, hash=fifth)) is None
    assert db.read_sync(partial(stands, seq=4, hash=fifth)) == (
        "Row 4 was taken away by retention; the chain begins at row 6."
    )


# -- what the program itself cannot do


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE security_audit_log SET details = '{}' WHERE seq = 1", "is never changed"),
        ("UPDATE security_audit_log SET seq = 99 WHERE seq = 9", "is never changed"),
        ("DELETE FROM security_audit_log WHERE seq = 9", "loses rows only at its beginning"),
        ("DELETE FROM security_audit_log", "loses rows only at its beginning"),
        (
            "INSERT INTO security_audit_log SELECT 0, 1, 'e', NULL, NULL, NULL, '{}', hash FROM security_audit_log",
            "end",
        ),
        (
            "INSERT OR REPLACE INTO security_audit_log"
            " SELECT 3, 1, 'e', NULL, NULL, NULL, '{}', hash FROM security_audit_log",
            "is only added to, at its end",
        ),
        ("UPDATE security_audit_chain SET head_seq = 8", "only moves forward"),
        ("UPDATE security_audit_chain SET head_seq = 10", "only moves forward"),
        ("UPDATE security_audit_chain SET anchor_seq = 5", "only moves forward"),
        (f"UPDATE security_audit_chain SET head_hash = x'{'ab' * 32}'", "only moves forward"),
        ("UPDATE security_audit_chain SET anchor_seq = 10, head_seq = 9", "only moves forward"),
        ("DELETE FROM security_audit_chain", "keeps its chain"),
        ("INSERT OR REPLACE INTO security_audit_chain SELECT * FROM security_audit_chain", "has one chain"),
    ],
)
def test_the_database_refuses_to_change_the_log(db: Database, fill: Fill, statement: str, sentence: str) -> None:
    fill(9)
    before = entries(db)
    with pytest.raises(sqlite3.IntegrityError, match=sentence):
        db.write_sync(lambda conn: conn.execute(statement))
    assert entries(db) == before
    assert verify(db).problem is None


# -- retention


def test_retention_takes_away_the_beginning_and_the_chain_stays_whole(
    db: Database, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arena.audit.actions.PAGE", 4)
    fill(20)
    assert prune(db, days=0, now=NOW + 400 * DAY) == db.read_sync(partial(old, days=0, now=NOW + 400 * DAY)) == 0
    assert db.read_sync(partial(old, days=1, now=NOW - 7 * SECOND + DAY)) == 12
    assert prune(db, days=1, now=NOW - 7 * SECOND + DAY) == 12
    assert [row.seq for row in entries(db)] == list(range(13, 21))
    found = verify(db)
    assert (found.rows, found.first, found.head, found.problem) == (8, 13, 20, None)
    assert prune(db, days=1, now=NOW - 7 * SECOND + DAY) == 0
    tell(db)
    assert (verify(db).rows, verify(db).problem) == (9, None)
    assert prune(db, days=1, now=NOW + 1 + DAY) == 9
    assert (verify(db).rows, verify(db).problem) == (0, None)
    tell(db)
    assert [row.seq for row in entries(db)] == [22]
    assert (verify(db).rows, verify(db).first, verify(db).problem) == (1, 22, None)


def test_retention_takes_no_row_out_of_the_middle(db: Database) -> None:
    for at in (NOW - 9 * DAY, NOW, NOW - 8 * DAY):
        tell(db, now=at)
    assert prune(db, days=5, now=NOW) == 1
    assert [row.seq for row in entries(db)] == [2, 3]
    assert verify(db).problem is None


def test_a_walk_that_retention_overtakes_begins_anew(db: Database, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.audit.actions.PAGE", 4)
    fill(20)
    read, reads = db.read_sync, []

    def overtaken(fn: Callable[[sqlite3.Connection], Any]) -> Any:
        reads.append(fn)
        if len(reads) == 3:
            prune(db, days=1, now=NOW - 5 * SECOND + DAY)
        return read(fn)

    monkeypatch.setattr(db, "read_sync", overtaken)
    found = verify(db)
    assert (found.first, found.rows, found.problem) == (15, 6, None)


# -- people


def test_deleting_a_person_leaves_the_chain_whole_and_nameless(db: Database) -> None:
    def live(conn: sqlite3.Connection) -> str:
        person = people.add_user(conn, name="zebulon", display="Zebulon Q.", caller=HERE, now=NOW)
        keys.make_key(conn, user_id=person.id, label="zebulons-laptop", caller=HERE, now=NOW)
        people.promote_user(conn, name="zebulon", caller=HERE, now=NOW)
        people.disable_user(conn, name="bob", caller=HERE, now=NOW, by=person.id)
        people.add_user(conn, name="dora", role="admin", caller=HERE, now=NOW)
        people.delete_user(conn, name="zebulon", caller=HERE, now=NOW)
        return person.id

    id = db.write_sync(live)
    assert db.read_sync(partial(accounts.user, id=id)) is None
    assert verify(db).problem is None
    rows = entries(db)
    assert [row.event_type for row in rows if row.user_id == id][-1] == "user_deleted"
    assert not any("zebulon" in repr(row).lower() or "dora" in repr(row) for row in rows)


# -- several at once, and none at the end


WRITER = """
import sys
from arena.core import sqlite
from pathlib import Path
from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.core.db import Database

db = Database(Path(sys.argv[1]))
print("begun", flush=True)
for number in range(int(sys.argv[2])):
    db.write_sync(lambda conn: note(conn, "session_created", sys.argv[3], OPERATOR, number, number=number))
    print(number, flush=True)
db.close_sync()
"""


def writer(path: Path, rows: int, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(rows), name],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_two_processes_that_append_at_once_make_one_chain(db: Database) -> None:
    writers = [writer(db.path, 150, name) for name in ("one", "two")]
    for number in range(50):
        tell(db, now=number)
    for each in writers:
        each.communicate(timeout=60)
        assert each.returncode == 0
    rows = entries(db)
    assert [row.seq for row in rows] == list(range(1, 351))
    assert {name: sum(row.user_id == name for row in rows) for name in ("one", "two")} == {"one": 150, "two": 150}
    assert verify(db).problem is None


def test_a_writer_that_is_killed_leaves_a_whole_chain_with_all_it_told_of(db: Database) -> None:
    for round in range(5):
        killed = writer(db.path, 100_000, f"round {round}")
        assert killed.stdout is not None
        said = [killed.stdout.readline() for _ in range(20 + 7 * round)]
        os.kill(killed.pid, signal.SIGKILL)
        said += killed.communicate(timeout=60)[0].splitlines()
        told = [int(line) for line in said if line.strip().isdecimal()]
        stored = [row for row in entries(db) if row.user_id == f"round {round}"]
        assert len(stored) >= len(told) > 10
        assert verify(db).problem is None
    tell(db)
    assert verify(db).problem is None


# -- what was noted before there was a chain


def test_rows_from_before_are_chained_in_order_without_their_names(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    with closing(sqlite.connect(path)) as conn:
        tables = Tables(conn)
        arena.audit.schema.migrations.apply(tables, stop_before="0002_chain")
        for number in (3, 1, 2):
            details = {"name": "zebulon", "label": "his laptop", "role": "member", "number": number}
            conn.execute(
                "INSERT INTO security_audit_log VALUES (?, 'someone', 'user_created', NULL, 'arena admin', ?, ?)",
                (f"id {number}", msgspec.json.encode(details).decode(), number),
            )
    migrate.migrate(path, [arena.audit.schema.migrations, arena.accounts.schema.migrations])
    db = Database(path)
    assert verify(db).problem is None
    assert [row.details for row in entries(db)] == [f'{{"role":"member","number":{n}}}' for n in (1, 2, 3)]
    db.write_sync(lambda conn: note(conn, "user_signed_in", None, HERE, NOW))
    assert (verify(db).rows, verify(db).problem) == (4, None)
    db.close_sync()
