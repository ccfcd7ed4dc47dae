"""`arena sync`: only what is new is read and sent, nothing is lost, nothing is counted twice."""

import json
import signal
import sqlite3
import time

import pytest

from arena.client import lock
from arena.client.ledger import Counts, every
from tests.client.box import Box
from tests.client.conftest import Laptop
from tests.client.lines import answer, append, patch, prompt, result, usage, write

pytestmark = pytest.mark.usefixtures("signed_in")

NOTHING = {"submitted": 0, "grown": 0, "skipped": 0, "excluded_sessions": 0, "failed": 0, "problems": []}


def test_a_second_sync_sends_nothing(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer("a"), answer("b"))
    first = laptop.json("sync")
    assert first == {**NOTHING, "submitted": 2, "files": {"read": 1, "unchanged": 0, "unreadable": 0}}
    assert laptop.json("sync") == {**NOTHING, "files": {"read": 0, "unchanged": 1, "unreadable": 0}}
    assert len(box.usage_requests()) == 1


def test_every_request_says_who_and_what_sends_it(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, *(answer(str(number)) for number in range(50)))
    laptop.run("sync")
    _, headers, _ = box.requests[0]
    assert headers["x-api-key"].startswith("modu_arena_")
    assert headers["user-agent"].startswith("arena/")
    assert headers["x-arena-client"]
    assert headers["content-encoding"] == "gzip"


def test_appended_lines_alone_are_sent(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer("a"))
    laptop.run("sync")
    append(laptop.transcript, answer("b", "r2"))
    assert laptop.json("sync")["submitted"] == 1
    assert len(box.records) == 2


def test_an_append_goes_on_with_an_open_response(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer("gw", None, 1, usage=usage(3), calls={"t1": "Edit"}))
    laptop.run("sync")
    append(laptop.transcript, answer("gw", None, 2, calls={"t1": "Edit", "t2": "Edit"}), result("t2", patch("+a")))
    assert laptop.json("sync")["grown"] == 1
    (record,) = box.records.values()
    assert (record["output"], record["tools"], record["lines_added"]) == (100, {"Edit": 2}, 1)


def test_a_result_that_comes_after_a_sync_finds_its_call(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer("a", calls={"t1": "Edit"}), answer("b", "r2", calls={"t2": "Edit"}))
    laptop.run("sync")
    append(laptop.transcript, result("t1", patch("+a", "+b")))
    laptop.run("sync")
    append(laptop.transcript, result("t2", patch("+c")), result("t1", patch("+a", "+b")))
    laptop.run("sync")
    assert sorted(record["lines_added"] for record in box.records.values()) == [1, 2]


def test_results_of_one_response_add_up_over_syncs(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer("a", calls={"t1": "Edit", "t2": "Edit", "t3": "Write"}), answer("b", "r2"))
    for number, call in enumerate(("t1", "t2")):
        laptop.run("sync")
        append(laptop.transcript, result(call, patch("+a", "-b")), answer(f"c{number}", f"c{number}"))
    append(laptop.transcript, result("t3", {"type": "create", "content": "x", "structuredPatch": []}))
    laptop.run("sync")
    (record,) = (record for record in box.records.values() if record.get("tools"))
    assert (record["lines_added"], record["lines_deleted"]) == (3, 2)
    assert (record["files_created"], record["files_modified"]) == (1, 2)


def test_a_prompt_before_a_sync_counts_on_the_response_after_it(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, prompt())
    laptop.run("sync")
    append(laptop.transcript, answer())
    laptop.run("sync")
    assert next(iter(box.records.values()))["turns"] == 1


def test_half_a_last_line_waits_for_its_other_half(laptop: Laptop) -> None:
    whole = json.dumps(answer("b", "r2")).encode() + b"\n"
    write(laptop.transcript, answer("a"), whole[:200])
    assert laptop.json("sync")["submitted"] == 1
    append(laptop.transcript, whole[200:])
    assert laptop.json("sync")["submitted"] == 1


def test_a_rewritten_transcript_loses_no_history(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, prompt(), answer("a"), answer("b", "r2", usage=usage(50)))
    laptop.run("sync")
    write(laptop.transcript, answer("b", "r2", usage=usage(60)), answer("c", "r3", sessionId="s-9"), answer("d", "r4"))
    assert (laptop.json("sync")["submitted"], len(box.records)) == (2, 4)
    laptop.json("sync", "--full")
    assert sorted(record["output"] for record in box.records.values()) == [60, 100, 100, 100]


def test_a_truncated_transcript_loses_no_history(laptop: Laptop) -> None:
    write(laptop.transcript, answer("a"), answer("b", "r2"))
    laptop.run("sync")
    write(laptop.transcript, answer("a"))
    laptop.run("sync")
    append(laptop.transcript, answer("c", "r3"))
    assert laptop.json("sync")["submitted"] == 1
    assert laptop.json("sync", "--full")["skipped"] == 3


def test_a_deleted_transcript_is_still_sent(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer())
    laptop.run("sync", "--dry-run")
    laptop.transcript.unlink()
    assert laptop.json("sync")["submitted"] == 1
    assert laptop.json("sync", "--full") == {
        **NOTHING,
        "files": {"read": 0, "unchanged": 0, "unreadable": 0},
    }
    assert len(box.records) == 1


def test_another_account_gets_everything(laptop: Laptop, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    write(laptop.transcript, answer())
    laptop.run("sync")
    monkeypatch.setenv("ARENA_API_KEY", "moai_rank_ffffffff_" + "f" * 32)
    assert laptop.json("sync")["skipped"] == 1


def test_since_sends_only_later_days_and_keeps_the_rest(laptop: Laptop) -> None:
    old = answer("old", "r0", timestamp="2025-12-31T23:59:59.999Z")
    write(laptop.transcript, old, answer())
    assert laptop.json("sync", "--since", "2026-01-01")["submitted"] == 1
    assert laptop.json("sync")["submitted"] == 1


def test_a_refused_record_is_told_and_tried_again_only_in_full(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, answer())
    box.refuse = "The time lies in the future."
    told = laptop.json("sync")
    assert (told["failed"], told["problems"]) == (1, [box.refuse])
    assert laptop.json("sync")["failed"] == 0
    box.refuse = ""
    assert laptop.json("sync", "--full")["submitted"] == 1


def test_batches_keep_within_what_a_request_may_hold(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, *(answer(f"m{number}", f"r{number}") for number in range(5200)))
    for number in range(1005):
        write(laptop.transcript.with_name(f"t{number}.jsonl"), answer(f"t{number}", sessionId=f"t{number}"))
    assert laptop.json("sync")["submitted"] == 6205
    for body in box.usage_requests():
        assert len(body["sessions"]) <= 1000
        assert sum(len(session["records"]) for session in body["sessions"]) <= 5000
    assert len({session["session"] for session in box.usage_requests()[1]["sessions"]}) > 1


def test_a_dry_run_shows_the_very_requests_and_sends_none(laptop: Laptop, box: Box) -> None:
    write(laptop.transcript, prompt(), answer())
    shown = laptop.json("sync", "--dry-run")["requests"]
    assert box.requests == []
    laptop.run("sync")
    assert box.usage_requests() == shown


def test_a_second_sync_at_once_says_so_or_is_quiet(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.client.sync.PATIENCE", 0.0)
    with lock.held(0):
        code, _, err = laptop.run("sync")
        assert (code, err.count("\n")) == (1, 1)
        assert "another sync" in err
        assert laptop.run("sync", "--quiet") == (0, "", "")


def test_a_full_disk_is_one_sentence(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    write(laptop.transcript, answer())

    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("arena.client.ledger.put_counts", full)
        code, _, err = laptop.run("sync")
    assert (code, err.count("\n")) == (1, 1)
    assert "disk is full" in err
    assert laptop.json("sync")["submitted"] == 1


def test_state_is_for_the_owner_alone(laptop: Laptop) -> None:
    write(laptop.transcript, answer())
    laptop.run("sync")
    assert laptop.home.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in laptop.home.iterdir() if path.is_file() and path.stat().st_mode & 0o077} == set()


def test_a_kill_anywhere_only_leads_to_sending_again(laptop: Laptop, box: Box) -> None:
    def more(name: str) -> None:
        lines = (answer(f"{name}-{number}", f"{name}-{number}") for number in range(6000))
        write(laptop.transcript.with_name(f"{name}.jsonl"), *lines)

    def kill(wait: float, requests: int) -> None:
        process = laptop.start("sync", "--quiet")
        until = time.monotonic() + 10
        while len(box.usage_requests()) < requests and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    for number, wait in enumerate((0.08, 0.15, 0.0, 0.02)):
        more(f"k{number}")
        # The first two die while counting, the others while sending.
        kill(wait, 0 if number < 2 else len(box.usage_requests()) + 1)
    laptop.json("sync")
    assert len(box.records) == 24_000
    assert laptop.json("sync")["submitted"] == 0
    assert {row.unsent for row in _rows(laptop)} == {None}


def _rows(laptop: Laptop) -> list[Counts]:
    conn = sqlite3.connect(laptop.home / "ledger.sqlite3")
    rows = list(every(conn))
    conn.close()
    return rows
