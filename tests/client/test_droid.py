"""Each trap of Droid's settings and conversations, counted as it must be."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from arena.wire import record_key
from tests.client.conftest import Laptop
from tests.client.lines import append, write

LOCKED = "2026-03-06T10:00:03.000Z"
USED = {"inputTokens": 10, "outputTokens": 20, "cacheCreationTokens": 3, "cacheReadTokens": 40, "thinkingTokens": 5}


@pytest.fixture
def folder(laptop: Laptop) -> Path:
    made = laptop.home.parent / ".factory" / "sessions" / "-home-dev-api"
    made.mkdir(parents=True)
    return made


def settings(folder: Path, name: str = "d-1", **more: Any) -> Path:
    said = {"model": "claude-opus-4-5", "providerLockTimestamp": LOCKED, "tokenUsage": USED, **more}
    path = folder / f"{name}.settings.json"
    path.write_text(json.dumps({key: value for key, value in said.items() if value is not None}))
    return path


def said(role: str, *blocks: Any, at: str = "2026-03-06T10:00:05.000Z", **more: Any) -> dict[str, Any]:
    return {"type": "message", "timestamp": at, "message": {"role": role, "content": list(blocks)}, **more}


TEXT = {"type": "text", "text": "please"}
START = {"type": "session_start", "id": "d-1", "title": "secret", "cwd": "/home/dev/api"}


def test_a_session_is_one_record_at_the_moment_of_its_provider(laptop: Laptop, folder: Path) -> None:
    settings(folder)
    record = laptop.record()
    assert record["at"] == 1_772_791_203_000
    assert record["key"] == record_key("droid:d-1", "")
    names = ("input", "output", "cache_write_5m", "cache_read")
    assert [record[name] for name in names] == [10, 20, 3, 40]


def test_thinking_is_part_of_the_output(laptop: Laptop, folder: Path) -> None:
    settings(folder, tokenUsage={"inputTokens": 1, "outputTokens": 40, "thinkingTokens": 30})
    assert laptop.record()["output"] == 40


def test_totals_that_grow_replace_themselves(laptop: Laptop, folder: Path) -> None:
    for output in (20, 50):
        settings(folder, tokenUsage={**USED, "outputTokens": output})
        assert laptop.record()["output"] == output
    settings(folder, tokenUsage={**USED, "outputTokens": 50, "inputTokens": 99})
    assert laptop.record()["input"] == 99


def test_a_session_without_use_is_no_record(laptop: Laptop, folder: Path) -> None:
    settings(folder, "none", tokenUsage=None)
    settings(folder, "zero", tokenUsage={"inputTokens": 0, "outputTokens": 0})
    settings(folder, "odd", tokenUsage={"inputTokens": -5, "outputTokens": 3})
    assert laptop.records() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("custom:Claude-Opus-4.5-Thinking-[Anthropic]-0", "claude-opus-4.5-thinking"),
        ("Claude Sonnet 4 [Acme Proxy]", "claude-sonnet-4"),
        ("gpt-5-2025-08-07", "gpt-5-2025-08-07"),
        ("custom:glm-5.1", "glm-5.1"),
        ("[Acme]", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_model_s_decoration_stays_home(laptop: Laptop, folder: Path, name: str | None, kept: str) -> None:
    settings(folder, model=name)
    assert laptop.record()["model"] == kept


def test_prompts_and_calls_come_from_the_conversation(laptop: Laptop, folder: Path) -> None:
    call = {"type": "tool_use", "id": "t", "name": "Read", "input": {"name": "no"}}
    foreign = {"type": "tool_use", "name": "linear___secret_issue"}
    result = {"type": "tool_result", "content": "x"}
    hint = said("user", TEXT, visibility="llm_only")
    lines = [START, hint, said("user", TEXT), said("assistant", call, foreign, call), said("user", result)]
    write(folder / "d-1.jsonl", *lines, said("user", "plain words"))
    settings(folder)
    record = laptop.record()
    assert record["turns"] == 2
    assert record["tools"] == {"Read": 2, "other": 1}


def test_a_prompt_that_is_plain_text_is_a_prompt(laptop: Laptop, folder: Path) -> None:
    write(folder / "d-1.jsonl", {"type": "message", "message": {"role": "user", "content": "words"}})
    settings(folder)
    assert laptop.record()["turns"] == 1


def test_the_session_spans_its_conversation_in_its_folder(laptop: Laptop, folder: Path) -> None:
    late = said("assistant", TEXT, at="2026-03-06T11:00:00.000Z")
    write(folder / "d-1.jsonl", START, said("user", TEXT, at="2026-03-06T10:00:00.000Z"), late)
    settings(folder)
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert session["ended_at"] - session["started_at"] == 3_600_000
    assert session["project"]


def test_without_a_time_the_conversation_s_first_or_the_file_s_stands(laptop: Laptop, folder: Path) -> None:
    write(folder / "d-1.jsonl", START, said("user", TEXT, at="2026-03-06T10:00:00.000Z"))
    settings(folder, providerLockTimestamp=None)
    assert laptop.record()["at"] == 1_772_791_200_000
    path = settings(folder, "d-2", providerLockTimestamp="yesterday")
    os.utime(path, (1_772_800_000, 1_772_800_000))
    assert {record["at"] for record in laptop.records()} == {1_772_791_200_000, 1_772_800_000_000}


def test_nothing_malformed_in_a_conversation_fails_its_session(laptop: Laptop, folder: Path) -> None:
    odd = [b"\n", b"words\n", b"[" * 5000 + b"\n", b'{"type":"message","message":7}\n', b"\xff\xfe\n", b'{"type":"mes']
    write(folder / "d-1.jsonl", START, *odd[:-1], said("user", TEXT), odd[-1])
    settings(folder)
    assert laptop.record()["turns"] == 1
    append(folder / "d-1.jsonl", b'sage"}\n', said("user", TEXT))
    settings(folder, tokenUsage={**USED, "outputTokens": 21})
    assert laptop.record()["turns"] == 2


def test_the_sessions_may_lie_elsewhere(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "elsewhere" / "p"
    other.mkdir(parents=True)
    settings(other)
    assert laptop.records() == []
    monkeypatch.setenv("DROID_SESSIONS_DIR", str(tmp_path / "elsewhere"))
    assert len(laptop.records()) == 1
