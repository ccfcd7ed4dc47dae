"""Each trap of OpenCode's database and of its older files, counted as it must be."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.wire import record_key, session_hash
from tests.client.box import Box
from tests.client.conftest import Laptop
from tests.client.storage import AT, SECRET, Files, Json, Store, call, prompt, said, step, text, tokens


@pytest.fixture
def home(laptop: Laptop) -> Path:
    return laptop.claude.parent / ".local" / "share" / "opencode"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    made = Store(home / "opencode.db")
    yield made
    made.conn.close()


@pytest.fixture
def files(home: Path) -> Files:
    return Files(home)


def test_an_answer_counts_its_reasoning_and_keeps_its_cost(laptop: Laptop, store: Store) -> None:
    store.session()
    store.message("msg_0", prompt(), text())
    store.message(
        "msg_1", said(), text(), call("bash"), call("bash"), call("mcp__payroll__query"), call("tracker_find")
    )
    record = laptop.record()
    assert (record["input"], record["output"], record["cache_read"], record["cache_write_5m"]) == (40, 57, 60, 3)
    assert (record["cost_recorded"], record["turns"]) == (0.25, 1)
    assert record["tools"] == {"bash": 2, "mcp": 1, "other": 1}
    assert (record["model"], record["at"]) == ("claude-sonnet-4-5", AT + 1000)
    assert record["key"] == record_key("opencode:msg_1", "")
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert (session["tool"], session["session"]) == ("opencode", session_hash("opencode", "ses_1"))


@pytest.mark.parametrize(("total", "output"), [(None, 57), (160, 57), (153, 50), (159, 50), (900, 57)])
def test_the_total_tells_whether_reasoning_is_in_the_output(
    laptop: Laptop, store: Store, total: int | None, output: int
) -> None:
    store.message("msg_1", said(tokens=tokens(total=total)))
    assert laptop.record()["output"] == output


def test_no_cost_is_what_a_subscription_costs(laptop: Laptop, store: Store) -> None:
    store.message("msg_1", said(cost=0))
    assert "cost_recorded" not in laptop.record()


def test_figures_that_stand_in_the_steps_alone_count(laptop: Laptop, store: Store) -> None:
    store.message("msg_1", said(tokens=tokens(0, 0, 0, 0, 0), cost=0), step(), text(), step(tokens(1, 2, 3, 4, 5)))
    record = laptop.record()
    assert (record["input"], record["output"], record["cache_read"], record["cache_write_5m"]) == (41, 62, 64, 8)
    assert record["cost_recorded"] == 0.5


def test_an_answer_of_several_steps_is_all_of_them(laptop: Laptop, store: Store) -> None:
    store.message("msg_1", said(), step(), step(), step())
    assert laptop.record()["output"] == 3 * 57
    store.message("msg_2", said(2000), step())
    assert sorted(record["output"] for record in laptop.records()) == [57, 3 * 57]


def test_an_answer_grows_until_it_is_complete(laptop: Laptop, store: Store, box: Box, signed_in: Any) -> None:
    store.session()
    store.message("msg_1", said(tokens=tokens(0, 0, 0, 0, 0)))
    assert laptop.json("sync")["submitted"] == 0
    store.message("msg_1", said(tokens=tokens(output=1)))
    assert laptop.json("sync")["submitted"] == 1
    store.message("msg_1", said(), call("edit"))
    assert laptop.json("sync")["grown"] == 1
    told = laptop.json("sync")
    assert (told["submitted"], told["grown"], told["skipped"]) == (0, 0, 0)
    (record,) = box.records.values()
    assert (record["output"], record["tools"]) == (57, {"edit": 1})


def test_a_fork_s_copies_were_billed_to_where_they_were_said(laptop: Laptop, store: Store) -> None:
    store.session()
    store.message("msg_0", prompt())
    store.message("msg_1", said())
    store.message("msg_2", said(2000))
    for number in range(2, 5):
        session = f"ses_{number}"
        store.session(session, 60_000)
        for identity, data in (("0", prompt()), ("1", said()), ("2", said(2000))):
            store.message(f"msg_{number}{identity}", data, step(), session=session)
        store.message(f"msg_{number}9", said(70_000, tokens=tokens(output=number)), session=session)
    assert sorted(record["output"] for record in laptop.records()) == [9, 10, 11, 57, 57]


def test_a_sub_agent_s_session_is_its_own_chain(laptop: Laptop, store: Store) -> None:
    store.session()
    store.message("msg_0", prompt())
    store.message("msg_1", said())
    store.session("ses_2", 1000, parent="ses_1")
    store.message("msg_3", prompt(1500), session="ses_2")
    store.message("msg_4", said(1600), session="ses_2")
    main, side = sorted(laptop.records(), key=lambda record: record.get("sidechain", False))
    assert (main["turns"], side["sidechain"], side.get("turns")) == (1, True, None)


def test_lines_of_a_session_count_once(laptop: Laptop, store: Store, box: Box, signed_in: Any) -> None:
    store.session(added=5, deleted=1, files=2)
    store.message("msg_1", said())
    store.message("msg_2", said(2000))
    laptop.run("sync")
    store.session(added=9, deleted=4, files=3)
    laptop.run("sync")
    totals = [
        sum(record.get(name, 0) for record in box.records.values())
        for name in ("lines_added", "lines_deleted", "files_modified")
    ]
    assert totals == [9, 4, 3]


def test_only_the_session_that_changed_is_read(laptop: Laptop, store: Store, signed_in: Any) -> None:
    for number in range(3):
        store.session(f"ses_{number}")
        store.message(f"msg_{number}", said(), session=f"ses_{number}")
    assert laptop.json("sync")["files"]["read"] == 3
    store.message("msg_9", said(9000), session="ses_1")
    assert laptop.json("sync")["files"] == {"read": 1, "unchanged": 2, "unreadable": 0}
    assert laptop.json("sync")["files"] == {"read": 0, "unchanged": 1, "unreadable": 0}


def test_one_project_of_many_in_a_database_is_excluded(laptop: Laptop, store: Store) -> None:
    store.session()
    store.message("msg_1", said())
    store.session("ses_2", directory="/home/dev/open")
    store.message("msg_2", said(path={"cwd": "/home/dev/open"}), session="ses_2")
    laptop.run("exclude", f"/home/dev/{SECRET}")
    assert laptop.record()["key"] == record_key("opencode:msg_2", "")


RUNNING = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from tests.client.storage import Store, said
store = Store(Path(sys.argv[1]))
store.session()
store.message("msg_1", said())
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def running(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The tool at work, in a process of its own."""
    command = [sys.executable, "-c", RUNNING, str(home / "opencode.db"), str(Path(__file__).parents[2])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"done\n"
    yield process
    process.kill()
    process.communicate()


def test_reading_changes_no_byte_and_makes_no_file(
    laptop: Laptop, home: Path, running: subprocess.Popen[bytes]
) -> None:
    def all_bytes() -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.iterdir()}

    before = all_bytes()
    assert set(before) == {"opencode.db", "opencode.db-wal", "opencode.db-shm"}
    assert len(laptop.records()) == 1
    assert all_bytes() == before
    running.communicate()  # the tool ends, and its database is one file again
    before = all_bytes()
    assert set(before) == {"opencode.db"}
    assert laptop.run("sync", "--dry-run", "--full")[0] == 0
    assert all_bytes() == before


def test_a_tool_that_was_killed_is_read_all_the_same(
    laptop: Laptop, home: Path, running: subprocess.Popen[bytes]
) -> None:
    running.kill()
    running.wait()
    assert (home / "opencode.db-wal").stat().st_size > 0
    assert laptop.record()["output"] == 57


def test_databases_of_other_channels_are_read(laptop: Laptop, home: Path) -> None:
    for number, name in enumerate(("opencode.db", "opencode-dev.db", "opencode-local.db")):
        store = Store(home / name)
        store.message(f"msg_{number}", said())
        store.conn.close()
    assert len(laptop.records()) == 3


def test_rows_that_are_malformed_fail_no_other(laptop: Laptop, store: Store) -> None:
    store.session()
    for number, data in enumerate(("", "words", "[]", '{"role":3}', "[" * 5000, '{"role":"assistant"}', "\0")):
        store.message(f"msg_a{number}", data)
    wrong: list[Json] = [tokens(-1), tokens(10**12), tokens(input="x"), {}]  # type: ignore[arg-type]
    for number, figures in enumerate(wrong):
        store.message(f"msg_b{number}", said(tokens=figures))
    store.message("msg_c", '{"role":"assistant","tokens":{"input":1e400,"output":5}}')
    store.message("msg_d", said(time={"created": 5}), step(cost=-3))
    store.message("msg_e", said(cost=-4), {"type": "step-finish", "tokens": "?"}, {"type": "tool", "tool": 3})
    record = laptop.record()
    assert record["key"] == record_key("opencode:msg_e", "")
    assert not {"cost_recorded", "tools"} & set(record)


def test_a_database_without_what_later_versions_added_is_read(laptop: Laptop, home: Path) -> None:
    store = Store(home / "opencode.db")
    store.message("msg_1", said(), step(), call("bash"))
    store.conn.executescript(
        "drop table session; alter table message drop column time_updated; alter table part drop column session_id"
    )
    store.conn.close()
    assert laptop.record()["tools"] == {"bash": 1}


def test_a_database_of_something_else_is_passed_over(laptop: Laptop, home: Path) -> None:
    store = Store(home / "opencode.db")
    store.conn.executescript("drop table message")
    store.conn.close()
    code, _, err = laptop.run("sync", "--dry-run")
    assert (code, err) == (0, "")
    assert laptop.records() == []


def test_what_is_deleted_from_the_database_stays_counted(laptop: Laptop, store: Store) -> None:
    store.session()
    store.message("msg_1", said())
    store.message("msg_2", said(2000))
    assert len(laptop.records()) == 2
    store.conn.execute("delete from message where id = 'msg_2'")
    assert len(laptop.records()) == 2


def test_older_files_count(laptop: Laptop, files: Files) -> None:
    files.session(summary={"additions": 8, "deletions": 2, "files": 1})
    files.message("msg_0", prompt())
    files.message("msg_1", said(), text(), call("webfetch"))
    files.message("msg_2", said(2000, tokens=tokens(0, 0, 0, 0, 0), cost=0), step(), step())
    first, second = sorted(laptop.records(), key=lambda record: record["at"])
    assert (first["output"], first["turns"], first["tools"], first["lines_added"]) == (57, 1, {"webfetch": 1}, 8)
    assert (second["output"], second["cost_recorded"]) == (114, 0.5)


def test_a_message_that_stands_in_both_is_one(laptop: Laptop, store: Store, files: Files) -> None:
    for each in (store, files):
        each.session()
        each.message("msg_1", said())
    files.message("msg_0", said(500, tokens=tokens(output=1)))
    dry = laptop.json("sync", "--dry-run")
    assert (dry["totals"]["responses"], dry["totals"]["output"]) == (2, 57 + 8)


def test_a_fork_in_older_files_is_known_by_its_time(laptop: Laptop, files: Files) -> None:
    files.session()
    files.message("msg_1", said())
    files.session("ses_2", 60_000)
    files.message("msg_3", said(), session="ses_2")
    files.message("msg_4", said(70_000, tokens=tokens(output=1)), session="ses_2")
    assert sorted(record["output"] for record in laptop.records()) == [8, 57]


def test_a_file_that_is_rewritten_is_read_again(laptop: Laptop, files: Files, signed_in: Any) -> None:
    files.message("msg_1", said(tokens=tokens(output=1)))
    assert laptop.json("sync")["submitted"] == 1
    assert laptop.json("sync")["files"] == {"read": 0, "unchanged": 1, "unreadable": 0}
    files.message("msg_1", said())
    assert laptop.json("sync")["grown"] == 1


def test_a_half_written_file_fails_no_other(laptop: Laptop, files: Files) -> None:
    files.message("msg_1", said())
    (files.folder / "message" / "ses_1" / "msg_2.json").write_text('{"role": "assis')
    assert laptop.record()["output"] == 57
    files.message("msg_2", said(2000))
    assert len(laptop.records()) == 2


def test_an_excluded_project_in_older_files_is_not_sent(laptop: Laptop, files: Files) -> None:
    files.session()
    files.message("msg_1", said())
    laptop.run("exclude", f"/home/dev/{SECRET}")
    assert laptop.records() == []


@pytest.mark.parametrize(
    ("name", "folder"), [("OPENCODE_DATA_DIR", "else"), ("XDG_DATA_HOME", "else")], ids=["tool's own", "system's"]
)
def test_another_folder_is_looked_into_where_it_is_set(
    laptop: Laptop, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    store.message("msg_1", said())
    other = tmp_path / folder if name == "OPENCODE_DATA_DIR" else tmp_path / folder / "opencode"
    second = Store(other / "opencode.db")
    second.message("msg_2", said())
    second.conn.close()
    monkeypatch.setenv(name, str(tmp_path / folder))
    assert laptop.record()["key"] == record_key("opencode:msg_2", "")


def test_a_folder_with_odd_signs_is_read(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "a [b] c? %20#"
    store = Store(other / "opencode.db")
    store.message("msg_1", said())
    store.conn.close()
    files = Files(other)
    files.session("ses_2", 60_000)
    files.message("msg_2", said(), session="ses_2")
    monkeypatch.setenv("OPENCODE_DATA_DIR", str(other))
    assert laptop.record()["key"] == record_key("opencode:msg_1", "")


def test_nothing_of_what_was_written_leaves(laptop: Laptop, store: Store, files: Files) -> None:
    for number, each in enumerate((store, files)):
        each.session()
        each.message(f"msg_{number}", said(), text(), call(f"{SECRET}_tool"), step())
    code, out, _ = laptop.run("sync", "--dry-run", "--json")
    assert code == 0
    assert len(json.loads(out)["requests"][0]["sessions"]) == 2
    assert SECRET not in out
