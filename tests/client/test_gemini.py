"""Each trap of Gemini CLI's chats, counted as it must be."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from arena.client.spool import leave
from arena.wire import record_key, session_hash
from tests.client.box import Box
from tests.client.conftest import Laptop
from tests.client.lines import Json, append, write

SECRET = "CANARY"
START = "2026-02-01T10:00:{:06.3f}Z"


@pytest.fixture
def tmp(laptop: Laptop) -> Path:
    """The folder of chats of one project."""
    return laptop.claude.parent / ".gemini" / "tmp" / f"api-{SECRET}" / "chats"


@pytest.fixture
def chat(tmp: Path) -> Path:
    return tmp / "session-2026-02-01T10-00-0123abcd.jsonl"


def meta(session: str = "s-1", **more: Any) -> Json:
    begun = {"sessionId": session, "projectHash": "0" * 64, "startTime": START.format(0), "kind": "main"}
    return {**begun, "lastUpdated": START.format(0), **more}


def tokens(input: int = 100, output: int = 50, cached: int = 60, thoughts: int = 7, tool: int = 0) -> Json:
    total = input + output + thoughts + tool
    counts = {"input": input, "output": output, "cached": cached, "thoughts": thoughts, "tool": tool}
    return {**counts, "total": total}


def said(identity: str = "m-1", at: float = 1, **more: Any) -> Json:
    line = {"id": identity, "timestamp": START.format(at), "type": "gemini", "content": f'{SECRET} "type":"user"'}
    thoughts = [{"subject": SECRET, "description": SECRET, "timestamp": START.format(at)}]
    return {**line, "thoughts": thoughts, "tokens": tokens(), "model": "gemini-3-pro-preview", **more}


def prompt(identity: str = "u-1", at: float = 0) -> Json:
    return {"id": identity, "timestamp": START.format(at), "type": "user", "content": [{"text": SECRET}]}


def called(name: str, status: str = "success", display: Any = SECRET) -> Json:
    call = {"id": f"call-{name}-{status}", "name": name, "args": {"path": SECRET}, "status": status}
    return {**call, "timestamp": START.format(1), "resultDisplay": display, "result": [{"text": SECRET}]}


def edited(added: int, removed: int, **more: Any) -> Json:
    stat = {"model_added_lines": added, "model_removed_lines": removed, "user_added_lines": 90, "user_removed_lines": 9}
    return {"fileDiff": f"+{SECRET}", "fileName": SECRET, "originalContent": SECRET, "diffStat": stat, **more}


def test_thoughts_are_billed_as_output_and_the_cache_is_not_input(laptop: Laptop, chat: Path) -> None:
    write(chat, meta(), prompt(), said())
    record = laptop.record()
    assert (record["input"], record["cache_read"], record["output"], record["turns"]) == (40, 60, 57, 1)
    assert (record["model"], record["at"]) == ("gemini-3-pro-preview", 1769940001000)
    assert record["key"] == record_key("gemini:m-1", "")
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert (session["tool"], session["session"]) == ("gemini", session_hash("gemini", "s-1"))


def test_what_tools_asked_with_is_input(laptop: Laptop, chat: Path) -> None:
    write(chat, meta(), said(tokens=tokens(tool=30)))
    assert laptop.record()["input"] == 70


def test_the_last_line_of_a_message_counts(laptop: Laptop, chat: Path) -> None:
    calls = [called("read_file"), called("mcp_payroll_query"), called("our-own")]
    first, second = said(tokens=None), said(tokens=tokens(output=3))
    write(chat, meta(), prompt(), first, second, said(), said(toolCalls=calls))
    record = laptop.record()
    assert (record["output"], record["turns"]) == (57, 1)
    assert record["tools"] == {"read_file": 1, "mcp": 1, "other": 1}


def test_a_message_that_grows_over_syncs_is_one(laptop: Laptop, chat: Path, box: Box, signed_in: Any) -> None:
    write(chat, meta(), prompt(), said(tokens=None))
    laptop.run("sync")
    for line in (said(), said(toolCalls=[called("glob")]), said(toolCalls=[called("glob"), called("replace")])):
        append(chat, line)
        laptop.run("sync")
    (record,) = box.records.values()
    assert (record["output"], record["turns"], record["tools"]) == (57, 1, {"glob": 1, "replace": 1})


def test_what_a_rewind_took_back_was_billed(laptop: Laptop, chat: Path) -> None:
    write(chat, meta(), said(), {"$rewindTo": "m-1"}, said("m-2", 2))
    assert len(laptop.records()) == 2


def test_messages_in_a_change_of_the_chat_are_the_same_ones(laptop: Laptop, chat: Path) -> None:
    change = {"messages": [prompt(), said(), said("m-2", 2)], "lastUpdated": START.format(3)}
    write(chat, meta(), prompt(), said(), {"$set": change}, {"$set": {"lastUpdated": START.format(4)}})
    assert [record.get("turns", 0) for record in laptop.records()] == [1, 0]


def test_an_older_document_and_the_log_it_became_are_one(laptop: Laptop, tmp: Path, chat: Path) -> None:
    old = {**meta(), "messages": [prompt(), said(), prompt("u-2", 2), said("m-2", 3)]}
    tmp.mkdir(parents=True)
    (tmp / "session-2026-02-01T10-00-0123abcd.json").write_text(json.dumps(old, indent=2))
    assert [record["turns"] for record in laptop.records()] == [1, 1]
    write(chat, meta(), prompt(), said(), prompt("u-2", 2), said("m-2", 3), said("m-3", 4))
    dry = laptop.json("sync", "--dry-run")
    assert (dry["totals"]["responses"], dry["totals"]["output"]) == (3, 171)


def test_a_sub_agent_s_chat_counts_beside_its_parent_s(laptop: Laptop, tmp: Path, chat: Path) -> None:
    write(chat, meta(), prompt(), said())
    write(tmp / "s-1" / "a-1.jsonl", meta("a-1", kind="subagent"), prompt("u-9"), said("m-9"))
    main, side = sorted(laptop.records(), key=lambda record: record.get("sidechain", False))
    assert (main.get("sidechain"), main["turns"]) == (None, 1)
    assert (side["sidechain"], side.get("turns")) == (True, None)


def test_lines_that_the_model_changed_count_where_it_worked_out(laptop: Laptop, chat: Path) -> None:
    calls = [
        called("replace", display=edited(5, 2)),
        called("write_file", display=edited(9, 0, isNewFile=True)),
        called("replace", "error", edited(70, 70)),
        called("replace", "cancelled", edited(70, 70)),
    ]
    write(chat, meta(), said(toolCalls=calls))
    record = laptop.record()
    assert (record["lines_added"], record["lines_deleted"]) == (14, 2)
    assert (record["files_created"], record["files_modified"]) == (1, 1)


def test_a_message_without_figures_is_none(laptop: Laptop, chat: Path) -> None:
    zero = tokens(0, 0, 0, 0)
    write(chat, meta(), said(tokens=None), said("m-2", tokens=zero), said("m-3", tokens={}))
    assert laptop.records() == []


def test_nothing_malformed_fails_a_chat(laptop: Laptop, chat: Path) -> None:
    odd = [b"\n", b"words\n", b"\0" * 64 + b"\n", b"[" * 5000 + b"\n", b'{"type":"gemini"}\n', b'{"$set":3}\n']
    odd += [b'{"$set":{"messages":[{"tokens":3}]}}\n', b'{"sessionId":4}\n']
    wrong = [said("a", tokens={"input": "x"}), said("b", tokens=tokens(-1)), said("c", tokens=tokens(10**12))]
    wrong += [said("d", timestamp="yesterday"), said(id=None), said("e", toolCalls="?")]
    write(chat, meta(), *odd, *wrong, said())
    assert laptop.record()["key"] == record_key("gemini:m-1", "")


def test_a_cut_line_is_read_when_it_is_whole(laptop: Laptop, chat: Path) -> None:
    raw = json.dumps(said("m-2", 2)).encode() + b"\n"
    write(chat, meta(), said(), raw[:100])
    assert len(laptop.records()) == 1
    append(chat, raw[100:])
    assert len(laptop.records()) == 2


def registry(tmp: Path, projects: Json) -> None:
    (tmp.parents[2] / "projects.json").write_text(json.dumps({"projects": projects}))


def test_an_excluded_project_is_known_by_the_registry(laptop: Laptop, tmp: Path, chat: Path) -> None:
    write(chat, meta(), said())
    hashed = hashlib.sha256(b"/home/dev/older").hexdigest()
    write(tmp.parents[1] / hashed / "chats" / chat.name, meta("s-2"), said("m-2"))
    registry(tmp, {"/home/dev/api": f"api-{SECRET}", "/home/dev/older": "older-1"})
    laptop.run("exclude", "/home/dev/api")
    assert [record["key"] for record in laptop.records()] == [record_key("gemini:m-2", "")]
    laptop.run("exclude", "/home/dev/older")
    assert laptop.records() == []


def test_an_excluded_project_is_known_by_its_mark(laptop: Laptop, tmp: Path, chat: Path) -> None:
    write(chat, meta(), said())
    (tmp.parent / ".project_root").write_text("/home/dev/marked\n")
    laptop.run("exclude", "/home/dev/marked")
    assert laptop.records() == []


def test_an_added_folder_that_is_excluded_excludes_the_chat(laptop: Laptop, chat: Path) -> None:
    write(chat, meta(), said(), {"$set": {"directories": ["/home/dev/secret"]}})
    laptop.run("exclude", "/home/dev/secret")
    assert laptop.records() == []


@pytest.mark.parametrize("content", ["", "[]", '{"projects": 3}', '{"projects": {"a": 1}}'])
def test_a_project_that_nobody_knows_is_excluded_by_the_place_of_its_chats(
    laptop: Laptop, tmp: Path, chat: Path, content: str
) -> None:
    write(chat, meta(), said())
    (tmp.parents[2] / "projects.json").write_text(content)
    assert len(laptop.records()) == 1
    laptop.run("exclude", str(tmp.parent))
    assert laptop.records() == []


def test_another_home_is_looked_into_where_it_is_set(
    laptop: Laptop, tmp: Path, chat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(chat, meta(), said())
    write(tmp_path / "other" / ".gemini" / "tmp" / "p" / "chats" / chat.name, meta("s-2"), said("m-2"))
    monkeypatch.setenv("GEMINI_CLI_HOME", str(tmp_path / "other"))
    assert [record["key"] for record in laptop.records()] == [record_key("gemini:m-2", "")]


def test_other_files_of_the_tool_are_no_chats(laptop: Laptop, tmp: Path) -> None:
    write(tmp.parent / "logs.json", said())
    write(tmp.parent / "tool-outputs" / "x.jsonl", meta(), said())
    assert laptop.records() == []


def test_a_hook_names_a_chat_and_its_sub_agents_come_along(
    laptop: Laptop, tmp: Path, chat: Path, box: Box, signed_in: Any
) -> None:
    write(chat, meta(), said())
    write(tmp / "s-1" / "a-1.jsonl", meta("a-1", kind="subagent"), said("m-9"))
    write(chat.with_name("session-other.jsonl"), meta("s-2"), said("m-2"))
    leave({"tool": "gemini", "session_id": "s-1", "transcript_path": str(chat)})
    assert laptop.run("sync", "--spooled")[0] == 0
    assert set(box.records) == {record_key("gemini:m-1", ""), record_key("gemini:m-9", "")}


def test_nothing_of_what_was_written_leaves(laptop: Laptop, chat: Path) -> None:
    write(chat, meta(summary=SECRET), prompt(), said(toolCalls=[called("replace", display=edited(1, 1))]))
    code, out, _ = laptop.run("sync", "--dry-run", "--json")
    assert code == 0
    assert SECRET not in out
