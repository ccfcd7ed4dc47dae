"""``arena admin import``: everything is taken over once, however often, and what is refused is named by its line."""

import csv
import io
import json
import signal
import subprocess
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arena.core.db import Database
from tests.admin.conftest import Run
from tests.flows.conftest import Serve, pytest_runtest_makereport, serve
from tests.flows.serving import ARENA, ROOT, Person, Visitor, arena, environment

__all__ = ["pytest_runtest_makereport", "serve"]
Table = list[dict[str, Any]]


def a_user(number: int, name: str | None = None, **columns: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-00000000000{number}",
        "username": name or f"user-{number}",
        "display_name": None,
        "github_username": None,
        "api_key_hash": "ab" * 64,
        "privacy_mode": False,
        "created_at": "2025-11-01 08:00:00.123+00",
        **columns,
    }


def a_session(number: int, user: int = 1, **columns: Any) -> dict[str, Any]:
    ended = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number % 4_000, seconds=number // 4_000)
    return {
        "id": f"s{number}",
        "user_id": f"00000000-0000-4000-8000-00000000000{user}",
        "tool_type_id": "claude-code",
        "session_hash": "cd" * 32,
        "anonymous_project_id": "0123456789abcdef",
        "started_at": (ended - timedelta(minutes=10)).isoformat(sep=" "),
        "ended_at": ended.isoformat(sep=" "),
        "duration_seconds": 600,
        "model_name": "claude-sonnet-4-5",
        "turn_count": 3,
        "tool_usage": {"Read": 2, "mcp__secret__tool": 1},
        "code_metrics": {"linesAdded": 10, "linesDeleted": 1, "filesModified": 1, "filesCreated": 0},
        "created_at": ended.isoformat(sep=" "),
        **columns,
    }


def some_tokens(number: int, **columns: Any) -> dict[str, Any]:
    known = {"id": f"t{number}", "session_id": f"s{number}", "input_tokens": 100, "output_tokens": 50}
    return {**known, "cache_creation_tokens": 7, "cache_read_tokens": 900, **columns}


def an_export(**tables: Table) -> dict[str, Table]:
    return {
        "users": [a_user(1, "alice"), a_user(2, "bob", privacy_mode=True, display_name="Bob B.")],
        "sessions": [a_session(1), a_session(2), a_session(3, user=2)],
        "token_usage": [some_tokens(1), some_tokens(2), some_tokens(3)],
        **tables,
    }


def as_csv(rows: Table) -> str:
    """As PostgreSQL writes it: JSON as text, t and f, nothing for NULL."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: json.dumps(value)
                if isinstance(value, dict)
                else {True: "t", False: "f"}.get(value, value)
                if isinstance(value, bool)
                else value
                for name, value in row.items()
            }
        )
    return text.getvalue()


def write(folder: Path, export: dict[str, Table], kind: str) -> Path:
    """Write an export as a JSON object, in the words of SQL or of JavaScript, or as CSV files in a folder or a zip."""
    if kind == "json":
        file = folder / "export.json"
        file.write_text(json.dumps(export))
        return file
    if kind == "camel":
        file = folder / "camel.json"
        tables = {
            _camel(name): [{_camel(column): value for column, value in row.items()} for row in rows]
            for name, rows in export.items()
        }
        file.write_text(json.dumps(tables))
        return file
    if kind == "folder":
        file = folder / "export"
        file.mkdir()
        for name, rows in export.items():
            (file / f"{name}.csv").write_text(as_csv(rows))
        return file
    file = folder / "export.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in export.items():
            archive.writestr(f"dump/{name}.csv", "\ufeff" + as_csv(rows))
    return file


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def totals(db: Database) -> dict[str, tuple[int, ...]]:
    """What counts, by person: input, output, cache and sessions."""
    rows = db.read_sync(
        lambda conn: conn.execute(
            "SELECT u.username, s.total_input_tokens, s.total_output_tokens, s.total_cache_tokens, s.total_sessions "
            "FROM user_stats AS s JOIN users AS u ON u.id = s.user_id"
        ).fetchall()
    )
    return {row[0]: tuple(row)[1:] for row in rows}


def ask(db: Database, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.read_sync(lambda conn: conn.execute(sql).fetchall())]


# -- Modu-Arena


@pytest.mark.parametrize("kind", ["json", "camel", "folder", "zip"])
def test_people_and_sessions_are_taken_over(db: Database, run: Run, tmp_path: Path, kind: str) -> None:
    done = run("import", "modu-arena", str(write(tmp_path, an_export(), kind)))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:3] == [
        "people: 2 added, 0 were here already",
        "rows: 3 taken over; records: 3 new, 0 grown, 0 known",
        "refused: 0",
    ]
    assert totals(db) == {"alice": (200, 100, 1814, 2), "bob": (100, 50, 907, 1)}
    assert ask(db, "SELECT username, display_name, privacy_mode, role, password_hash, created_at FROM users") == [
        ("alice", "alice", 0, "member", None, 1_761_984_000_123),
        ("bob", "Bob B.", 1, "member", None, 1_761_984_000_123),
    ]
    [(project, turns, tools, metrics)] = ask(
        db, "SELECT DISTINCT anonymous_project_id, turn_count, tool_usage, code_metrics FROM sessions"
    )
    assert (project, turns) == ("0123456789abcdef", 3)
    assert json.loads(tools) == {"Read": 2, "mcp": 1}
    assert json.loads(metrics)["linesAdded"] == 10
    assert ask(db, "SELECT stat_date FROM daily_user_stats ORDER BY stat_date") == [("2026-01-01",), ("2026-01-01",)]


def test_doing_it_again_changes_nothing(db: Database, run: Run, tmp_path: Path) -> None:
    file = str(write(tmp_path, an_export(), "json"))
    run("import", "modu-arena", file)
    before = totals(db)
    done = run("import", "modu-arena", file)
    assert done.out.splitlines()[:2] == [
        "people: 0 added, 2 were here already",
        "rows: 3 taken over; records: 0 new, 0 grown, 3 known",
    ]
    assert totals(db) == before
    events = ask(db, "SELECT event_type, COUNT(*) FROM security_audit_log GROUP BY event_type ORDER BY event_type")
    assert events == [("privacy_mode_changed", 1), ("usage_imported", 2), ("user_created", 2)]


def test_a_later_export_adds_only_what_is_new_in_it(db: Database, run: Run, tmp_path: Path) -> None:
    run("import", "modu-arena", str(write(tmp_path, an_export(), "json")))
    later = an_export(
        sessions=[a_session(1), a_session(2), a_session(3, user=2), a_session(4)],
        token_usage=[some_tokens(1), some_tokens(2, output_tokens=80), some_tokens(3), some_tokens(4)],
    )
    done = run("import", "modu-arena", str(write(tmp_path, later, "zip")))
    assert "records: 1 new, 1 grown, 2 known" in done.out
    assert totals(db)["alice"] == (300, 180, 2721, 3)


def test_a_session_that_was_stored_after_every_turn_counts_once(db: Database, run: Run, tmp_path: Path) -> None:
    began = a_session(1)["started_at"]
    export = an_export(
        sessions=[a_session(1), a_session(2, started_at=began), a_session(3, started_at=began)],
        token_usage=[some_tokens(1), some_tokens(2, output_tokens=60), some_tokens(3, output_tokens=70)],
    )
    run("import", "modu-arena", str(write(tmp_path, export, "json")))
    assert totals(db) == {"alice": (100, 70, 907, 1)}


def test_who_is_here_already_stays_as_they_are(db: Database, run: Run, tmp_path: Path) -> None:
    run("users", "add", "bob", "--admin")
    run("import", "modu-arena", str(write(tmp_path, an_export(), "json")))
    assert ask(db, "SELECT role, privacy_mode, display_name FROM users WHERE username = 'bob'") == [("admin", 0, "bob")]
    assert totals(db)["bob"] == (100, 50, 907, 1)


def test_a_session_of_a_client_that_told_the_time_of_sending_is_on_its_own_day(
    db: Database, run: Run, tmp_path: Path
) -> None:
    sent = {"ended_at": "2026-02-20 12:00:00.5+00", "created_at": "2026-02-20 12:00:01+00"}
    late = a_session(1, started_at="2026-02-10 09:00:00+00", duration_seconds=600, **sent)
    run("import", "modu-arena", str(write(tmp_path, an_export(sessions=[late]), "json")))
    assert ask(db, "SELECT stat_date FROM daily_user_stats") == [("2026-02-10",)]


def test_every_row_that_is_refused_is_named_with_its_line(db: Database, run: Run, tmp_path: Path) -> None:
    export = an_export(
        users=[a_user(1, "alice"), a_user(2, "Jane Doe"), a_user(3, "ALICE"), a_user(4, None, username=None)],
        sessions=[
            a_session(1),
            a_session(2, user=2),
            a_session(3, tool_type_id="zed"),
            a_session(4),
            a_session(5, ended_at="soon"),
            a_session(6, tool_usage={"Read": -1}),
            a_session(7, ended_at="2090-01-01", created_at=None),
            a_session(8, turn_count=10**9),
        ],
        token_usage=[
            *(some_tokens(number) for number in (1, 2, 3, 5, 6, 7, 8, 9)),
            some_tokens(10, session_id=None),
            some_tokens(4, input_tokens="many"),
        ],
    )
    done = run("import", "modu-arena", str(write(tmp_path, export, "folder")))
    assert done.code == 0
    refused = done.out.split("refused: ")[1].split("\nNobody")[0].splitlines()
    assert int(refused[0]) == len(refused) - 1
    why = dict(line.strip().split(": ", 1) for line in refused[1:])
    assert why["users.csv line 3"].startswith("username: 'Jane Doe' cannot be one here; A user name has 3 to 50")
    assert why["users.csv line 4"] == "username: alice is the name of somebody else here"
    assert why["users.csv line 5"].startswith("username: there is none")
    assert why["sessions.csv line 3"] == "user_id: is nobody who was taken over"
    assert why["sessions.csv line 4"].startswith("tool_type_id: 'zed' is not a tool this box knows")
    assert why["sessions.csv line 5"] == "has no row in token_usage, so nothing to count"
    assert why["sessions.csv line 6"] == "ended_at: is no date and time"
    assert why["sessions.csv line 7"].startswith("tool_usage: ")
    assert why["sessions.csv line 8"].startswith("ended_at: lies in the future")
    assert why["sessions.csv line 9"].startswith("turn_count: ")
    assert why["token_usage.csv line 10"] == "session_id: is missing"
    assert why["token_usage.csv line 11"] == "token_usage: holds something else than whole numbers"
    assert why["token_usage"] == "s9: its session is not there"
    assert totals(db) == {"alice": (100, 50, 907, 1)}


def test_a_line_is_counted_right_after_a_value_of_several_lines(run: Run, data: Path, tmp_path: Path) -> None:
    export = an_export(users=[a_user(1, "alice", display_name="Al\nice"), a_user(2, "no good")])
    done = run("import", "modu-arena", str(write(tmp_path, export, "folder")))
    assert "users.csv line 4: username: 'no good'" in done.out


def test_what_stays_behind_is_said_and_how_people_get_in(db: Database, run: Run, tmp_path: Path) -> None:
    more = {"api_keys": [{"id": 1}, {"id": 2}], "daily_user_stats": [{"id": 1}], "rankings": [], "other": [{"id": 1}]}
    done = run("import", "modu-arena", str(write(tmp_path, an_export(**more), "json")))
    assert "left where it is: 2 of api_keys: only scrypt hashes of keys are in it" in done.out
    assert "left where it is: 1 of daily_user_stats: made anew from the sessions" in done.out
    assert "rankings" not in done.out
    assert done.out.endswith(
        "Nobody who was added can sign in yet, for they have no password and no key: "
        "`arena admin users invite NAME` prints a one-time link for each.\n"
    )
    link = run("users", "invite", "bob").out
    assert link.startswith("http://arena.test:8000/join/")
    assert ask(db, "SELECT COUNT(*) FROM api_keys") == [(0,)]


def test_a_dry_run_says_what_would_be_and_changes_nothing(db: Database, run: Run, tmp_path: Path) -> None:
    run("users", "add", "bob")
    before = ask(db, "SELECT COUNT(*) FROM security_audit_log")
    file = str(write(tmp_path, an_export(), "zip"))
    done = run("import", "modu-arena", file, "--dry-run")
    assert done.out.splitlines()[:2] == [
        "people: 1 would be added, 1 were here already",
        "rows: 3 would be taken over, of 3 nothing is here yet",
    ]
    assert totals(db) == {}
    assert ask(db, "SELECT username FROM users") == [("bob",)]
    assert ask(db, "SELECT COUNT(*) FROM security_audit_log") == before
    run("import", "modu-arena", file)
    assert "of 0 nothing is here yet" in run("import", "modu-arena", file, "--dry-run").out


def test_programs_are_told_everything(run: Run, data: Path, tmp_path: Path) -> None:
    export = an_export(sessions=[a_session(number, tool_type_id="zed") for number in range(60)])
    export["token_usage"] = [some_tokens(number) for number in range(60)]
    file = str(write(tmp_path, export, "json"))
    told = json.loads(run("import", "modu-arena", file, "--json").out)
    assert (told["people_added"], told["rows"], len(told["refused"])) == (["alice", "bob"], 0, 60)
    assert told["refused"][0].startswith("sessions row 1: tool_type_id")
    assert "  and 10 more; --json names them all" in run("import", "modu-arena", file).out


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("nothing.json", None, "No such file"),
        ("broken.json", b"{", "is no JSON object of tables, no zip and no folder"),
        ("list.json", b"[]", "is no JSON object of tables"),
        ("deep.json", b'{"users":' + b"[" * 100_000, "is no JSON object of tables"),
        ("half.json", b'{"users":[],"sessions":[]}', "has no table token_usage"),
    ],
)
def test_what_is_no_export_is_refused_in_one_sentence(
    run: Run, data: Path, tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    done = run("import", "modu-arena", str(file))
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert why in done.err


def test_a_zip_that_is_damaged_is_refused_in_one_sentence(run: Run, data: Path, tmp_path: Path) -> None:
    file = write(tmp_path, an_export(), "zip")
    content = bytearray(file.read_bytes())
    content[60:70] = bytes(10)
    file.write_bytes(content)
    done = run("import", "modu-arena", str(file))
    assert done.code == 1
    assert done.err.count("\n") == 1


# -- plain columns

PLAIN = """\
person,tool,model,input,output,cache_read,ended_at,started_at,session,date,machine,cost
alice,claude-code,claude-sonnet-4-5,100,50,900,2026-01-05T10:00:00Z,2026-01-05T09:50:00Z,one,,,
alice,claude-code,claude-sonnet-4-5,10,5,,2026-01-06 10:00:00,,two,,,
Bob,codex,gpt-5-codex,70,30,,,,,2026-01-05,desk,0.25
bob,codex,gpt-5-codex,70,30,,,,,2026-01-05,lap,
"""


def test_sessions_and_days_of_plain_columns_are_taken_over(db: Database, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    file.write_text(PLAIN)
    done = run("import", "csv", str(file))
    assert done.out.splitlines()[:3] == [
        "people: 2 added, 0 were here already",
        "rows: 4 taken over; records: 4 new, 0 grown, 0 known",
        "refused: 0",
    ]
    assert totals(db) == {"alice": (110, 55, 900, 2), "bob": (140, 60, 0, 0)}
    again = run("import", "csv", str(file))
    assert "records: 0 new, 0 grown, 4 known" in again.out
    assert totals(db) == {"alice": (110, 55, 900, 2), "bob": (140, 60, 0, 0)}
    costs = "SELECT cost_recorded FROM usage_records WHERE cost_recorded IS NOT NULL"
    assert ask(db, costs) == [(0.25,)]


def test_a_plain_session_that_grew_replaces_itself(db: Database, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    for output in (50, 80, 20):
        file.write_text(PLAIN.replace(",100,50,", f",100,{output},"))
        run("import", "csv", str(file))
    assert totals(db)["alice"] == (110, 85, 900, 2)


def test_plain_rows_that_are_refused_are_named_with_their_line(db: Database, run: Run, tmp_path: Path) -> None:
    rows = [
        "person,tool,input,output,ended_at,started_at,date",
        "alice,claude-code,1,1,,,",
        ",claude-code,1,1,,,2026-01-01",
        "alice,claude-code,one,1,,,2026-01-01",
        "alice,claude-code,-1,1,,,2026-01-01",
        "alice,claude-code,1,1,,,2026-13-01",
        "alice,zed,1,1,2026-01-01T00:00Z,,",
        "alice,claude-code,1,,2026-01-01T00:00Z,,",
        "alice,claude-code,1,1,2026-01-01T00:00Z,yesterday,",
        "alice,claude-code,1,1",
        "alice,claude-code,1,1,2026-01-01T00:00Z,,,too,many",
    ]
    file = tmp_path / "usage.csv"
    file.write_text("\n".join(rows))
    told = json.loads(run("import", "csv", str(file), "--json").out)
    assert told["rows"] == 1
    fields = [sentence.split(": ")[:2] for sentence in told["refused"]]
    assert fields == [
        ["usage.csv line 2", "ended_at"],
        ["usage.csv line 3", "person"],
        ["usage.csv line 4", "input"],
        ["usage.csv line 5", "input"],
        ["usage.csv line 6", "date"],
        ["usage.csv line 7", "tool"],
        ["usage.csv line 8", "output"],
        ["usage.csv line 9", "started_at"],
        ["usage.csv line 10", "ended_at"],
    ]
    assert totals(db) == {"alice": (1, 1, 0, 1)}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "needs person, input and output"),
        (b"person,input\n", "needs person, input and output"),
        (b"person,input,output,mood\n", "does not know the column 'mood'"),
        (b"person,input,output\n\xff\xfe,1,1\n", "is no CSV file in UTF-8"),
        (b"\xff\xfe", "is no CSV file in UTF-8"),
    ],
)
def test_a_file_of_other_columns_is_refused(run: Run, data: Path, tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "usage.csv"
    file.write_bytes(content)
    done = run("import", "csv", str(file))
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert why in done.err


def test_the_help_tells_every_column(run: Run) -> None:
    told = run("import", "csv", "--help").out
    assert "  cache_read   tokens served from the cache" in told
    assert "example: arena admin import csv usage.csv --dry-run" in told


# -- a real box


def test_an_import_that_is_killed_is_finished_by_the_next_while_the_box_serves(serve: Serve, tmp_path: Path) -> None:
    box = serve()
    count = 4_000
    export = an_export(
        sessions=[a_session(number, user=1 + number % 2) for number in range(count)],
        token_usage=[some_tokens(number) for number in range(count)],
    )
    words = ["admin", "import", "modu-arena", str(write(tmp_path, export, "zip")), "--data", str(box.data)]
    for share in (0, 1):
        begun = subprocess.Popen([*ARENA, *words], cwd=ROOT, env=environment(), stdout=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while box.ask("SELECT COUNT(*) FROM sessions")[0][0] <= share * 1_000:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        begun.send_signal(signal.SIGKILL)
        begun.communicate()
        [(stored,)] = box.ask("SELECT COUNT(*) FROM sessions")
        assert share * 1_000 < stored < count
    done = arena(*words, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "people: 0 added, 2 were here already" in done.stdout
    sums = box.ask("SELECT SUM(total_input_tokens), SUM(total_sessions) FROM user_stats")
    assert sums == [(100 * count, count)]
    assert box.ask("SELECT SUM(input_tokens) FROM daily_user_stats") == [(100 * count,)]
    link = arena("admin", "users", "invite", "alice", "--data", str(box.data)).stdout.strip()
    with Visitor(box) as visitor:
        visitor.join(link.removeprefix(box.url), "alice")
        assert Person(box, "alice", visitor.make_key()).totals() == (50 * count, 25 * count, count // 2)
