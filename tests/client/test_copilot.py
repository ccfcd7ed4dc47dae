"""Each trap of Copilot CLI's events, counted as it must be."""

from pathlib import Path
from typing import Any

import pytest

from arena.wire import record_key, session_hash
from tests.client.box import Box
from tests.client.conftest import Laptop
from tests.client.lines import append, write

Json = dict[str, Any]


@pytest.fixture
def events(laptop: Laptop) -> Path:
    return laptop.home.parent / ".copilot" / "session-state" / "s-1" / "events.jsonl"


def event(kind: str, number: int = 0, **data: Any) -> Json:
    return {"type": kind, "data": data, "id": f"e-{number}", "timestamp": f"2026-03-04T12:00:{number:02d}.000Z"}


def start(**context: Any) -> Json:
    return event("session.start", sessionId="s-1", context={"cwd": "/home/dev/api", **context})


def shutdown(number: int, **models: tuple[int, int, int, int]) -> Json:
    names = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
    metrics = {
        model.replace("_", "-"): {"requests": {"count": 1, "cost": 1}, "usage": dict(zip(names, figures, strict=True))}
        for model, figures in models.items()
    }
    return event("session.shutdown", number, modelMetrics=metrics, codeChanges={"linesAdded": 0, "linesRemoved": 0})


def test_what_was_sent_holds_the_cache_s_share(laptop: Laptop, events: Path) -> None:
    write(events, start(), shutdown(1, gpt_5=(1000, 50, 700, 100)))
    record = laptop.record()
    names = ("input", "output", "cache_read", "cache_write_5m")
    assert [record[name] for name in names] == [200, 50, 700, 100]
    assert record["key"] == record_key("copilot:e-1:gpt-5", "")


def test_figures_that_do_not_fit_are_not_negative(laptop: Laptop, events: Path) -> None:
    write(events, start(), shutdown(1, gpt_5=(10, 50, 700, 0)))
    assert laptop.record().get("input", 0) == 0


def test_the_runs_of_a_resumed_session_add_up(laptop: Laptop, events: Path) -> None:
    again = event("session.resume", 2, context={"cwd": "/home/dev/api"})
    write(events, start(), shutdown(1, gpt_5=(100, 50, 0, 0)), again, shutdown(3, gpt_5=(100, 50, 0, 0)))
    assert laptop.json("sync", "--dry-run")["totals"]["output"] == 100
    (one, other) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"][0]["records"]
    assert one["at"] + 2000 == other["at"]


def test_each_model_of_a_run_is_a_record_and_the_deeds_stand_with_one(laptop: Laptop, events: Path) -> None:
    prompt, call = event("user.message", 1, content="x"), event("tool.execution_start", 2, toolName="bash")
    write(events, start(), prompt, call, shutdown(3, gpt_5=(10, 5, 0, 0), claude=(10, 50, 0, 0)))
    deeds = {record["model"]: (record.get("turns", 0), record.get("tools")) for record in laptop.records()}
    assert deeds == {"gpt-5": (0, None), "claude": (1, {"bash": 1})}


def test_a_session_without_an_end_is_not_guessed(laptop: Laptop, events: Path) -> None:
    write(events, start(), event("assistant.message", 1, content="x", outputTokens=70))
    assert laptop.records() == []


def test_an_end_without_figures_leaves_the_deeds_to_the_next(laptop: Laptop, events: Path) -> None:
    prompt = event("user.message", 1, content="x")
    write(events, start(), prompt, shutdown(2), prompt, shutdown(4, gpt_5=(10, 5, 0, 0)))
    assert laptop.record()["turns"] == 2


@pytest.mark.usefixtures("signed_in")
def test_a_session_that_grows_is_read_on_from_where_it_stood(laptop: Laptop, events: Path, box: Box) -> None:
    write(events, start(), event("user.message", 1), event("tool.execution_start", 2, toolName="view"))
    laptop.json("sync")
    append(events, event("user.message", 3), shutdown(4, gpt_5=(10, 5, 0, 0)))
    assert laptop.json("sync")["submitted"] == 1
    (record,) = box.records.values()
    assert (record["turns"], record["tools"]) == (2, {"view": 1})
    (session,) = box.sessions.values()
    assert session["session"] == session_hash("copilot", "s-1")
    assert session["project"]


def test_a_session_copied_into_another_file_counts_once(laptop: Laptop, events: Path) -> None:
    lines = [start(), shutdown(1, gpt_5=(10, 5, 0, 0))]
    write(events, *lines)
    write(events.parents[1] / "s-2" / "events.jsonl", *lines)
    assert laptop.json("sync", "--dry-run")["totals"]["output"] == 5


def test_prompts_that_the_tool_made_itself_are_no_turns(laptop: Laptop, events: Path) -> None:
    own = event("user.message", 2, content="x", source="skill-pdf")
    write(events, start(), event("user.message", 1), own, shutdown(3, gpt_5=(10, 5, 0, 0)))
    assert laptop.record()["turns"] == 1


def test_names_of_mcp_tools_tell_nothing(laptop: Laptop, events: Path) -> None:
    calls = [
        event("tool.execution_start", 1, toolName="payroll-query", mcpServerName="payroll"),
        event("tool.execution_start", 2, toolName="bash", mcpServerName=None),
        event("tool.execution_start", 3, toolName="ours"),
    ]
    write(events, start(), *calls, shutdown(4, gpt_5=(10, 5, 0, 0)))
    assert laptop.record()["tools"] == {"mcp": 1, "bash": 1, "other": 1}


def test_lines_and_files_are_counted_without_their_names(laptop: Laptop, events: Path) -> None:
    end = shutdown(1, gpt_5=(10, 5, 0, 0))
    end["data"]["codeChanges"] = {"linesAdded": 7, "linesRemoved": 2, "filesModified": ["/secret.py", "/b.py"]}
    write(events, start(), end)
    record = laptop.record()
    assert (record["lines_added"], record["lines_deleted"], record["files_modified"]) == (7, 2, 2)


def test_one_odd_field_costs_only_itself(laptop: Laptop, events: Path) -> None:
    end = shutdown(1, gpt_5=(10, 5, 0, 0), other=(10, 6, 0, 0))
    end["data"]["codeChanges"] = "none"
    end["data"]["modelMetrics"]["other"] = {"usage": {"inputTokens": "many"}}
    cut = b'{"type":"session.shutdown","data":{"modelMetrics":{"x":{"usa\n'
    write(events, start(), b"\n", b'"session.shutdown"\n', b"[" * 9000 + b'"session.start"\n', cut, end)
    assert laptop.record()["output"] == 5


def test_a_flat_file_and_a_lost_start_are_named_after_the_file(laptop: Laptop, events: Path) -> None:
    write(events.parents[1] / "old-1.jsonl", shutdown(1, gpt_5=(10, 5, 0, 0)))
    (session,) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert session["session"] == session_hash("copilot", "old-1")


def test_what_else_lies_in_a_session_s_folder_is_the_person_s(laptop: Laptop, events: Path) -> None:
    write(events, start(), shutdown(1, gpt_5=(10, 5, 0, 0)))
    write(events.parent / "files" / "events.jsonl", start(), shutdown(2, gpt_5=(10, 50, 0, 0)))
    write(events.parent / "rewind.jsonl", shutdown(3, gpt_5=(10, 50, 0, 0)))
    (events.parent / "round").symlink_to(events.parents[1])
    assert laptop.record()["output"] == 5


def test_the_sessions_may_lie_elsewhere(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert laptop.records() == []
    write(tmp_path / "state" / ".copilot" / "session-state" / "a" / "events.jsonl", shutdown(1, gpt_5=(1, 5, 0, 0)))
    write(tmp_path / "moved" / "history-session-state" / "b.jsonl", shutdown(2, gpt_5=(1, 7, 0, 0)))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert [record["output"] for record in laptop.records()] == [5]
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path / "moved"))
    assert sorted(record["output"] for record in laptop.records()) == [5, 7]
