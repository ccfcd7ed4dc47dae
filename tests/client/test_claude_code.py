"""Each trap of Claude Code's transcripts, counted as it must be."""

import json
import os
from pathlib import Path

import pytest

from arena.client import ledger, sources
from arena.wire import record_key, session_hash, short_hash
from tests.client.conftest import Laptop
from tests.client.lines import START, answer, append, patch, prompt, result, usage, write


def test_a_response_in_many_lines_counts_its_largest_output_once(laptop: Laptop) -> None:
    write(laptop.transcript, *(answer(at=at, usage=usage(out)) for at, out in ((1, 3), (2, 3), (3, 100))))
    record = laptop.record()
    assert (record["output"], record["input"]) == (100, 10)
    assert record["key"] == record_key("msg_1", "req_1")
    assert record["request"] == short_hash("req_1")
    assert record["at"] == 1769940001000


def test_without_a_request_id_the_first_line_s_time_tells_responses_apart(laptop: Laptop) -> None:
    lines = [answer("gw-1", None, at, usage=usage(out)) for at, out in ((1, 3), (1.4, 100))]
    write(laptop.transcript, *lines)
    record = laptop.record()
    assert record["output"] == 100
    assert record["key"] == record_key("gw-1", START.format(1))
    assert "request" not in record


def test_a_reused_gateway_id_after_another_message_is_another_response(laptop: Laptop) -> None:
    write(laptop.transcript, answer("gw-1", None, 1), answer("gw-2", None, 2), answer("gw-1", None, 3))
    assert len(laptop.records()) == 3


def test_a_sub_agent_s_line_does_not_interrupt_the_main_chain(laptop: Laptop) -> None:
    other = answer("gw-2", None, 2, isSidechain=True, agentId="a")
    write(laptop.transcript, answer("gw-1", None, 1, usage=usage(3)), other, answer("gw-1", None, 3))
    assert sorted(record["output"] for record in laptop.records()) == [100, 100]


def test_a_null_request_id_counts(laptop: Laptop) -> None:
    write(laptop.transcript, answer("gw-1", None, requestId=None))
    assert laptop.record()["key"] == record_key("gw-1", START.format(1))


def test_without_a_message_id_the_line_s_uuid_stands_for_it(laptop: Laptop) -> None:
    write(laptop.transcript, answer(None, "req_1"))
    assert laptop.record()["key"] == record_key("uuid-None-1", "uuid-None-1")


@pytest.mark.parametrize("request_id", ["req_1", None])
def test_a_resumed_copy_in_another_file_counts_once(laptop: Laptop, request_id: str | None) -> None:
    write(laptop.transcript, prompt(), answer("m", request_id))
    write(laptop.transcript.with_name("s-2.jsonl"), answer("m", request_id, sessionId="s-2"))
    assert laptop.json("sync", "--dry-run")["totals"]["output"] == 100
    assert len({record["key"] for record in laptop.records()}) == 1


def test_a_sidechain_replay_of_a_main_message_is_dropped_from_totals_but_sent(laptop: Laptop) -> None:
    side = answer("msg_1", "req_other", 5, isSidechain=True, agentId="a")
    write(laptop.transcript, answer())
    write(laptop.transcript.with_suffix("") / "subagents" / "agent-a.jsonl", side)
    dry = laptop.json("sync", "--dry-run")
    assert (dry["totals"]["output"], dry["records"]) == (100, 2)


def test_a_main_copy_beats_a_larger_sidechain_copy(laptop: Laptop) -> None:
    side = answer(at=5, usage=usage(900), isSidechain=True, agentId="a")
    write(laptop.transcript, answer(at=3), side)
    record = laptop.record()
    assert (record["output"], record.get("sidechain"), record["at"]) == (100, None, 1769940003000)


@pytest.mark.parametrize("request_id", ["req_1", None])
def test_a_progress_line_adds_nothing_to_the_sub_agent_s_file(laptop: Laptop, request_id: str | None) -> None:
    inner = answer("msg_1", request_id, 3, isSidechain=True)
    progress = {"type": "progress", "cwd": "/home/dev/api", "sessionId": "s-1", "timestamp": START.format(3)}
    progress["data"] = {"type": "agent_progress", "agentId": "a", "message": inner}  # type: ignore[assignment]
    write(laptop.transcript, progress)
    part = answer("msg_1", request_id, 1, isSidechain=True, agentId="a", usage=usage(3))
    last = answer("msg_1", request_id, 3, isSidechain=True, agentId="a")
    write(laptop.transcript.with_suffix("") / "subagents" / "agent-a.jsonl", part, last)
    assert laptop.json("sync", "--dry-run")["totals"]["output"] == 100


def test_usage_inside_a_tool_result_is_not_a_bill(laptop: Laptop) -> None:
    write(laptop.transcript, answer(calls={"t1": "Task"}), result("t1", {"usage": usage(9000), "totalTokens": 9}))
    assert laptop.record()["output"] == 100


def test_nested_cache_writes_win_over_the_flat_figure(laptop: Laptop) -> None:
    nested = {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 9}
    write(laptop.transcript, answer(usage=usage(cache_creation_input_tokens=0, cache_creation=nested)))
    record = laptop.record()
    assert (record["cache_write_5m"], record["cache_write_1h"]) == (7, 9)


def test_a_flat_cache_write_counts_as_five_minutes(laptop: Laptop) -> None:
    write(laptop.transcript, answer(usage=usage(cache_creation_input_tokens=8, cache_read_input_tokens=5)))
    record = laptop.record()
    assert (record["cache_write_5m"], record.get("cache_write_1h"), record["cache_read"]) == (8, None, 5)


def test_synthetic_error_and_empty_messages_do_not_count(laptop: Laptop) -> None:
    zero = {"input_tokens": 0, "output_tokens": 0}
    lines = [answer("a", model="<synthetic>"), answer("b", isApiErrorMessage=True), answer("c", usage=zero)]
    write(laptop.transcript, *lines)
    assert laptop.records() == []


def test_json_with_spaces_and_any_order_counts(laptop: Laptop) -> None:
    line = dict(reversed(answer().items()))
    write(laptop.transcript, json.dumps(line, indent=None, separators=(", ", ": ")).encode() + b"\n")
    assert laptop.record()["output"] == 100


def test_nothing_malformed_fails_a_file(laptop: Laptop) -> None:
    cut = b'{"type":"assistant","message":{"id":"x","usage":{"output_tokens":5,\n'
    nuls = b"\0" * 64 + b"\n"
    odd = [b"\n", b"words\n", nuls, cut, b"[" * 5000 + b"\n", b'{"type":"assistant"}\n', b"\xff\xfe\n", b'"user"\n']
    odd += [b'{"type":"user","message":"?"}\n', b'{"type":"new-kind","output_tokens":1}\n']
    wrong = [answer("y", usage={"input_tokens": "many", "output_tokens": 3}), answer("z", usage=usage(-5))]
    wrong += [answer("v", timestamp="yesterday"), answer("w", usage=usage(10**12))]
    write(laptop.transcript, *odd, *wrong, answer())
    assert laptop.record()["output"] == 100


def test_a_line_longer_than_the_buffer_counts(laptop: Laptop) -> None:
    long = answer("long", "r")
    long["message"]["content"][0]["text"] = "x" * 3_000_000
    write(laptop.transcript, answer("a"), long, answer("b"))
    assert len(laptop.records()) == 3


def test_content_that_is_no_list_counts(laptop: Laptop) -> None:
    line = answer()
    line["message"]["content"] = "plain"
    write(laptop.transcript, line)
    assert laptop.record()["output"] == 100


def test_tool_calls_count_once_and_tell_no_secret_names(laptop: Laptop) -> None:
    calls = {"t1": "Read", "t2": "Read", "t3": "mcp__payroll__query", "t4": "our-own-tool"}
    write(laptop.transcript, answer(calls=calls), answer(at=2, calls={"t2": "Read"}))
    assert laptop.record()["tools"] == {"Read": 2, "mcp": 1, "other": 1}


def test_lines_of_a_patch_count_once_for_the_call(laptop: Laptop) -> None:
    outcome = patch(" same", '+a "+quoted"', "+", "-b", '-"-', " +no")
    write(laptop.transcript, answer(calls={"t1": "Edit"}), result("t1", outcome), result("t1", outcome))
    record = laptop.record()
    assert (record["lines_added"], record["lines_deleted"], record["files_modified"]) == (2, 2, 1)


@pytest.mark.parametrize("before", ["", "+a\n", 'x,"structuredPatch":[{"lines":["+a"]}]'])
def test_the_file_as_it_was_before_an_edit_is_not_counted(laptop: Laptop, before: str) -> None:
    outcome = {**patch("+a", "-b", "-c"), "userModified": False, "replaceAll": False}
    first = {"filePath": "/secret.py", "oldString": before, "originalFile": before}
    write(laptop.transcript, answer(calls={"t1": "Edit"}), result("t1", {**first, **outcome}))
    record = laptop.record()
    assert (record["lines_added"], record["lines_deleted"], record["files_modified"]) == (1, 2, 1)


@pytest.mark.parametrize("inner", [patch("+a"), {"deeper": patch("+a")}])
def test_a_patch_that_is_not_the_edit_s_own_adds_no_lines(laptop: Laptop, inner: dict[str, object]) -> None:
    outcome = {"filePath": "/secret.py", "history": {"n": 1, **inner}}
    write(laptop.transcript, answer(calls={"t1": "Edit"}), result("t1", outcome))
    assert "lines_added" not in laptop.record()


@pytest.mark.parametrize(("text", "lines"), [("a\nb", 2), ("a\nb\n", 3), ("", 0), ("a\\nb", 1), ("a\\\n", 2)])
def test_lines_of_a_created_file_count(laptop: Laptop, text: str, lines: int) -> None:
    outcome = {"type": "create", "content": text, "structuredPatch": []}
    write(laptop.transcript, answer(calls={"t1": "Write"}), result("t1", outcome))
    record = laptop.record()
    assert (record.get("lines_added", 0), record["files_created"]) == (lines, 1)


def test_a_failed_edit_adds_no_lines(laptop: Laptop) -> None:
    write(laptop.transcript, answer(calls={"t1": "Edit"}), result("t1", "Error: + no"))
    assert "lines_added" not in laptop.record()


def test_a_result_that_names_its_call_late_counts(laptop: Laptop) -> None:
    late = result("t1", patch("+a"))
    late["message"]["content"] = [{"type": "tool_result", "content": "x" * 500, "tool_use_id": "t1"}]
    write(laptop.transcript, answer(calls={"t1": "Edit"}), late)
    assert laptop.record()["lines_added"] == 1


def test_only_real_prompts_are_turns(laptop: Laptop) -> None:
    echoes = ["<command-name>/clear</command-name>", "<local-command-stdout>x</local-command-stdout>"]
    not_prompts = [prompt("x", isMeta=True), prompt("x", isCompactSummary=True), prompt("x", isSidechain=True)]
    listed = prompt([{"type": "text", "text": "look"}, {"type": "image", "source": {}}])
    write(laptop.transcript, prompt(), *map(prompt, echoes), *not_prompts, result("t", {}), listed, answer())
    assert laptop.record()["turns"] == 2


def test_a_prompt_belongs_to_the_next_main_response(laptop: Laptop) -> None:
    side = answer("side", "r2", 1, isSidechain=True, agentId="a")
    write(laptop.transcript, answer("m0", "r0"), prompt(), side, answer("m1", "r1", 2), answer("m2", "r3", 3))
    turns = {record["key"]: record.get("turns", 0) for record in laptop.records()}
    assert turns[record_key("m1", "r1")] == sum(turns.values()) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x", "us.anthropic.claude-x"),
        ("projects/acme-secret/locations/us/publishers/anthropic/models/claude-x@1", "claude-x@1"),
        ("anthropic/claude-x", "anthropic/claude-x"),
        ("m" * 200, "m" * 100),
        (None, "unknown"),
    ],
)
def test_a_model_s_account_address_stays_home(laptop: Laptop, name: str | None, kept: str) -> None:
    write(laptop.transcript, answer(model=name))
    assert laptop.record()["model"] == kept


def test_what_moves_the_price_travels_as_closed_lists_only(laptop: Laptop) -> None:
    known = usage(speed="fast", service_tier="batch", inference_geo="eu", server_tool_use={"web_search_requests": 2})
    odd = usage(speed="secret", service_tier="secret", inference_geo="secret", server_tool_use=None)
    write(laptop.transcript, answer(usage=known, costUSD=0.5))
    record = laptop.record()
    told = ("speed", "service_tier", "region", "web_searches", "cost_recorded")
    assert [record[name] for name in told] == ["fast", "batch", "eu", 2, 0.5]
    write(laptop.transcript.with_name("s-2.jsonl"), answer("odd", usage=odd))
    assert not [record for record in laptop.records() if "secret" in str(record)]


def test_nothing_private_is_in_what_would_be_sent(laptop: Laptop) -> None:
    lines = [prompt("my secret"), answer(calls={"t1": "Write"}, gitBranch="secret-branch")]
    write(laptop.transcript, *lines, result("t1", {"type": "create", "content": "secret", "filePath": "/secret"}))
    code, out, _ = laptop.run("sync", "--dry-run", "--json")
    assert code == 0
    assert not [word for word in ("secret", "quoted", "/home", "s-1", "msg_1", "req_1", "uuid") if word in out]


def test_sessions_are_named_by_the_lines_and_span_them(laptop: Laptop) -> None:
    write(laptop.transcript, answer("a", at=1), answer("b", at=9), answer("c", at=4, sessionId="s-2", cwd="/other"))
    sessions = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    by_name = {session["session"]: session for session in sessions}
    one, two = by_name[session_hash("claude-code", "s-1")], by_name[session_hash("claude-code", "s-2")]
    assert one["ended_at"] - one["started_at"] == 8000
    assert one["project"] != two["project"]
    assert (one["collector"], len(one["project"])) == ("claude-code/1", 16)


def test_the_roots_follow_the_tool_s_own_rules(laptop: Laptop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / ".config" / "claude" / "projects" / "p" / "a.jsonl"
    write(config, answer("a"))
    write(laptop.transcript, answer("b"))
    assert len(laptop.records()) == 2
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "other"))
    write(tmp_path / "x" / "projects" / "p" / "a.jsonl", answer("c"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{tmp_path / 'x' / 'projects'}, {tmp_path / '.claude'}")
    assert len(laptop.records()) == 2


def test_what_is_no_file_and_links_that_run_in_circles_are_passed_over(laptop: Laptop, tmp_path: Path) -> None:
    write(laptop.transcript, answer())
    folder = laptop.transcript.parent
    write(folder / "a folder.jsonl" / "s-2.jsonl", answer("b", "r2"))
    write(tmp_path / "elsewhere" / "s-3.jsonl", answer("c", "r3"))
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "gone.jsonl").symlink_to("nowhere")
    (folder / "round").symlink_to("..")
    (folder / "inside").symlink_to(folder / "a folder.jsonl")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    (folder / "linked again").symlink_to(tmp_path / "elsewhere")
    assert laptop.run("sync", "--dry-run")[2] == ""
    assert len(laptop.records()) == 3
    conn = ledger.opened()
    assert len(ledger.positions(conn, "claude-code")) == 3
    conn.close()


def test_a_line_that_is_absurdly_long_is_passed_over(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LINE_LIMIT", 1 << 19)
    long = answer("long", "r")
    long["message"]["content"][0]["text"] = "x" * 3_000_000
    write(laptop.transcript, answer("a"), long, answer("b"), long)
    assert {record["key"] for record in laptop.records()} == {record_key("a", "req_1"), record_key("b", "req_1")}
    append(laptop.transcript, answer("c"))
    assert len(laptop.records()) == 3
    with laptop.transcript.open("ab") as file:
        file.write(b"x" * 3_000_000)
    assert len(laptop.records()) == 3
    append(laptop.transcript, b"\n", answer("d"))
    assert len(laptop.records()) == 4


def test_an_unreadable_file_is_named_and_the_rest_goes_on(laptop: Laptop) -> None:
    write(laptop.transcript, answer())
    (laptop.transcript.parent / "broken-disk.jsonl").symlink_to("/proc/self/mem")  # a read of it fails
    code, out, err = laptop.run("sync", "--dry-run")
    assert code == 0
    assert "broken-disk.jsonl" in err
    assert "100" in out
    assert laptop.transcript.name not in err
