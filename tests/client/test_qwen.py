"""Each trap of Qwen Code's chats, counted as it must be."""

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
def projects(laptop: Laptop) -> Path:
    return laptop.claude.parent / ".qwen" / "projects" / f"-home-dev-{SECRET}"


@pytest.fixture
def chat(projects: Path) -> Path:
    return projects / "chats" / "s-1.jsonl"


def line(kind: str, at: float, **more: Any) -> Json:
    base = {"uuid": f"{kind}-{at}", "parentUuid": None, "sessionId": "s-1", "timestamp": START.format(at)}
    return {**base, "type": kind, "cwd": f"/home/dev/{SECRET}", "version": "0.25.0", "gitBranch": SECRET, **more}


def prompt(at: float = 0, **more: Any) -> Json:
    return line("user", at, message={"role": "user", "parts": [{"text": SECRET}]}, **more)


def usage(prompt: int = 100, said: int = 50, thought: int = 7, cached: int = 60, total: int = 150) -> Json:
    counts = {"promptTokenCount": prompt, "candidatesTokenCount": said, "thoughtsTokenCount": thought}
    return {**counts, "cachedContentTokenCount": cached, "totalTokenCount": total}


def said(at: float = 1, calls: tuple[str, ...] = (), **more: Any) -> Json:
    parts: list[Json] = [{"text": SECRET, "thought": True}, {"text": SECRET}]
    parts += [{"functionCall": {"id": "c", "name": name, "args": {"path": SECRET}}} for name in calls]
    body = {"message": {"role": "model", "parts": parts}, "usageMetadata": usage(), "model": "qwen3-coder-plus"}
    return line("assistant", at, **{**body, **more})


def test_a_response_counts_without_what_the_cache_served(laptop: Laptop, chat: Path) -> None:
    write(chat, prompt(), said())
    record = laptop.record()
    assert (record["input"], record["cache_read"], record["output"], record["turns"]) == (40, 60, 50, 1)
    assert (record["model"], record["at"]) == ("qwen3-coder-plus", 1769940001000)
    assert record["key"] == record_key("qwen:assistant-1", "")
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert (session["tool"], session["session"]) == ("qwen", session_hash("qwen", "s-1"))


@pytest.mark.parametrize(
    ("counts", "output"),
    [
        (usage(total=150), 50),  # an OpenAI-like provider: thoughts are in the output
        (usage(total=157), 57),  # Google's own: beside it
        (usage(total=160), 57),
        ({"promptTokenCount": 100, "candidatesTokenCount": 50, "thoughtsTokenCount": 7}, 50),
    ],
)
def test_the_total_tells_whether_thoughts_are_in_the_output(
    laptop: Laptop, chat: Path, counts: Json, output: int
) -> None:
    write(chat, said(usageMetadata=counts))
    assert laptop.record()["output"] == output


def test_a_cache_larger_than_the_prompt_is_beside_it(laptop: Laptop, chat: Path) -> None:
    write(chat, said(usageMetadata=usage(cached=900)))
    record = laptop.record()
    assert (record["input"], record["cache_read"]) == (100, 900)


def test_a_branch_copies_lines_that_count_once(laptop: Laptop, chat: Path) -> None:
    lines = [prompt(), said()]
    write(chat, *lines)
    copied = [{**each, "sessionId": "s-2", "forkedFrom": {"sessionId": "s-1"}} for each in lines]
    write(chat.with_name("s-2.jsonl"), *copied, said(5, sessionId="s-2"))
    dry = laptop.json("sync", "--dry-run")
    assert (dry["totals"]["responses"], dry["totals"]["output"]) == (2, 100)


def test_telemetry_in_the_chat_is_no_response(laptop: Laptop, chat: Path) -> None:
    event = {"event.name": "qwen-code.api_response", "usageMetadata": usage(), "output_token_count": 50}
    write(chat, said(), line("system", 2, subtype="ui_telemetry", systemPayload={"uiEvent": event}))
    assert len(laptop.records()) == 1


def test_a_sub_agent_s_lines_are_of_its_own_chain(laptop: Laptop, projects: Path, chat: Path) -> None:
    write(chat, prompt(), said())
    agent = {"isSidechain": True, "agentId": "explore-1"}
    write(projects / "subagents" / "s-1" / "agent-1.jsonl", prompt(2, **agent), said(3, **agent))
    main, side = sorted(laptop.records(), key=lambda record: record.get("sidechain", False))
    assert (main["turns"], side["sidechain"], side.get("turns")) == (1, True, None)


def test_only_what_a_person_said_is_a_turn(laptop: Laptop, chat: Path) -> None:
    control = prompt(1, provenance="goal_control")
    notes = prompt(2, subtype="notification", provenance="system")
    answers = line("tool_result", 3, message={"role": "user", "parts": [{"functionResponse": {"name": SECRET}}]})
    write(chat, prompt(provenance="real_user"), control, notes, answers, said(4))
    assert laptop.record()["turns"] == 1


def test_a_prompt_before_a_sync_counts_on_the_response_after_it(laptop: Laptop, chat: Path) -> None:
    write(chat, prompt())
    assert laptop.records() == []
    append(chat, said())
    assert laptop.record()["turns"] == 1


def test_calls_of_tools_tell_no_secret_names(laptop: Laptop, chat: Path) -> None:
    write(chat, said(calls=("edit", "edit", "mcp__payroll__query", "our-own")))
    assert laptop.record()["tools"] == {"edit": 2, "mcp": 1, "other": 1}


def test_nothing_malformed_fails_a_chat(laptop: Laptop, chat: Path) -> None:
    odd = [b"\n", b"words\n", b"\0" * 64 + b"\n", b"[" * 5000 + b"\n", b'{"usageMetadata":3}\n', b'{"user":"user"}\n']
    wrong = [said(2, usageMetadata={"promptTokenCount": "x"}), said(3, usageMetadata=usage(-5))]
    wrong += [said(4, usageMetadata=usage(10**12)), said(5, usageMetadata=usage(0, 0, 0, 0, 900))]
    wrong += [said(6, uuid=None), said(7, timestamp="?"), said(8, usageMetadata=None)]
    write(chat, *odd, *wrong, said())
    assert laptop.record()["output"] == 50


def test_a_cut_line_is_read_when_it_is_whole(laptop: Laptop, chat: Path) -> None:
    raw = json.dumps(said(2)).encode() + b"\n"
    write(chat, said(), raw[:100])
    assert len(laptop.records()) == 1
    append(chat, raw[100:])
    assert len(laptop.records()) == 2


def test_an_excluded_project_is_not_sent(laptop: Laptop, chat: Path) -> None:
    write(chat, said())
    write(chat.with_name("s-2.jsonl"), said(2, sessionId="s-2", cwd="/home/dev/open"))
    laptop.run("exclude", f"/home/dev/{SECRET}")
    assert laptop.record()["key"] == record_key("qwen:assistant-2", "")


@pytest.mark.parametrize("name", ["QWEN_DATA_DIR", "QWEN_RUNTIME_DIR", "QWEN_HOME"])
def test_another_home_is_looked_into_where_it_is_set(
    laptop: Laptop, chat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(chat, said())
    write(tmp_path / "other" / "projects" / "p" / "chats" / "s-2.jsonl", said(2))
    monkeypatch.setenv(name, str(tmp_path / "other"))
    assert laptop.record()["key"] == record_key("qwen:assistant-2", "")


def test_a_hook_names_a_chat_and_its_sub_agents_come_along(
    laptop: Laptop, chat: Path, box: Box, signed_in: Any
) -> None:
    write(chat, said())
    write(chat.parents[1] / "subagents" / "s-1" / "agent-1.jsonl", said(3, isSidechain=True))
    write(chat.with_name("s-2.jsonl"), said(2))
    leave({"tool": "qwen", "session_id": "s-1", "transcript_path": str(chat)})
    assert laptop.run("sync", "--spooled")[0] == 0
    assert set(box.records) == {record_key(f"qwen:assistant-{number}", "") for number in (1, 3)}


def test_nothing_of_what_was_written_leaves(laptop: Laptop, chat: Path) -> None:
    write(chat, prompt(), said(calls=("edit",)))
    code, out, _ = laptop.run("sync", "--dry-run", "--json")
    assert code == 0
    assert SECRET not in out
