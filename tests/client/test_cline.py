"""Each trap of Cline's tasks, counted as it must be."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from arena.client import places
from arena.client.tools import cline
from arena.wire import record_key, session_hash
from tests.client.conftest import Laptop
from tests.client.tasks import AT, asks, figures, prompt, request, says, task

EXTENSION = "saoudrizwan.claude-dev"


@pytest.fixture
def storage(laptop: Laptop) -> Path:
    return laptop.home.parent / ".config" / "Code" / "User" / "globalStorage" / EXTENSION


def used(model: str, at: int = 0, provider: str = "anthropic") -> dict[str, Any]:
    return {"ts": AT + at, "model_id": model, "model_provider_id": provider, "mode": "act"}


def test_figures_are_found_beside_a_prompt_that_speaks_of_figures(laptop: Laptop, storage: Path) -> None:
    task(storage, request(used=(12, 250, 3000, 9000), cost=0.0311))
    record = laptop.record()
    assert figures(record) == [12, 250, 3000, 9000]
    assert record["cost_recorded"] == 0.0311
    assert (record["at"], record["key"]) == (AT + 10, record_key(f"cline:t-1:{AT + 10}", ""))


def test_a_request_that_goes_on_has_no_figures_yet(laptop: Laptop, storage: Path) -> None:
    task(storage, says("text"), says("api_req_started", 10, json.dumps({"request": "secret"})))
    assert laptop.records() == []
    task(storage, says("text"), request())
    assert laptop.record()["turns"] == 1


def test_a_cancelled_request_was_billed(laptop: Laptop, storage: Path) -> None:
    task(storage, request(cancelReason="user_cancelled"))
    assert laptop.record()["output"] == 250


def test_a_task_that_was_rewound_takes_nothing_back(laptop: Laptop, storage: Path) -> None:
    task(storage, request(10), request(20))
    laptop.records()
    gone = says("api_req_deleted", 30, json.dumps({"tokensIn": 12, "tokensOut": 250}))
    task(storage, request(10), gone)
    assert len(laptop.records()) == 2


def test_the_model_is_the_message_s_own_else_the_last_that_was_chosen(laptop: Laptop, storage: Path) -> None:
    own = request(60, outer={"modelInfo": {"providerId": "openrouter", "modelId": "own", "mode": "act"}})
    uses = {"model_usage": [used("second", 30), used("first", 5)], "files_in_context": [{"path": "secret"}]}
    task(storage, request(1), request(10), request(30), request(50), own, task_metadata=uses)
    assert [record["model"] for record in laptop.records()] == ["first", "first", "second", "second", "own"]


def test_without_any_note_the_model_is_the_history_s_or_unknown(laptop: Laptop, storage: Path) -> None:
    task(storage, request(), name="a")
    task(storage, request(), name="b")
    (storage / "state").mkdir()
    history: list[Any] = [
        {"id": "a", "task": "secret", "modelId": "gpt-5", "cwdOnTaskInitialization": "/home/dev/api"},
        7,
    ]
    (storage / "state" / "taskHistory.json").write_text(json.dumps(history))
    assert [record["model"] for record in laptop.records()] == ["gpt-5", "unknown"]


@pytest.mark.parametrize(
    ("provider", "new"), [("anthropic", 10_000), ("openrouter", 10_000), ("litellm", 1000), ("openai", 1000)]
)
def test_some_providers_count_the_cache_into_what_was_sent(
    laptop: Laptop, storage: Path, provider: str, new: int
) -> None:
    task(storage, request(used=(10_000, 5, 0, 9000)), task_metadata={"model_usage": [used("m", 0, provider)]})
    assert laptop.record()["input"] == new


def test_what_is_less_than_the_cache_s_share_does_not_hold_it(laptop: Laptop, storage: Path) -> None:
    task(storage, request(used=(100, 5, 0, 9000)), task_metadata={"model_usage": [used("m", 0, "litellm")]})
    assert laptop.record()["input"] == 100


def test_prompts_stand_with_the_request_after_them(laptop: Laptop, storage: Path) -> None:
    messages = [says("text"), request(10), says("text", 20), says("user_feedback", 30), says("user_feedback", 31)]
    task(storage, *messages, request(40), request(50))
    assert [record.get("turns", 0) for record in laptop.records()] == [1, 2, 0]


def test_calls_stand_with_the_request_before_them(laptop: Laptop, storage: Path) -> None:
    def call(name: str) -> str:
        return json.dumps({"tool": name, "path": "secret", "content": '"tool":"secret"'}, separators=(",", ":"))

    messages = [
        says("tool", 5, call("readFile")),
        request(10),
        asks("tool", call("readFile")),
        says("tool", 20, call("editedExistingFile")),
        says("tool", 21, call("editedExistingFile"), partial=True),
        asks("tool", call("our_secret")),
        asks("tool", "broken"),
        asks("use_mcp_server", json.dumps({"serverName": "secret", "toolName": "secret"})),
        says("mcp_server_request_started"),
        asks("command", "make secret"),
        says("command_output"),
    ]
    task(storage, *messages)
    assert laptop.record()["tools"] == {"readFile": 1, "editedExistingFile": 1, "other": 2, "mcp": 1, "command": 1}


def test_a_cost_of_nothing_is_not_free(laptop: Laptop, storage: Path) -> None:
    task(storage, request(cost=0))
    assert "cost_recorded" not in laptop.record()


@pytest.mark.parametrize(
    "odd", [[], {}, 7, None, {"say": 7}, {"ts": "now", "say": "api_req_started"}, says("api_req_started", text="7")]
)
def test_one_odd_message_costs_no_other(laptop: Laptop, storage: Path, odd: Any) -> None:
    task(
        storage,
        odd,
        request(),
        odd,
        {**request(30), "ts": None},
        request(40, (0, 0, 0, 0)),
        request(50, (1, 10**12, 0, 0)),
    )
    assert laptop.record()["output"] == 250


@pytest.mark.parametrize("figure", ["1e999", "1.2.3", "-5", '"12"', "null"])
def test_an_odd_figure_counts_as_none(laptop: Laptop, storage: Path, figure: str) -> None:
    text = '{"tokensIn":' + figure + ',"tokensOut":7}'
    task(storage, says("api_req_started", 10, text))
    assert figures(laptop.record()) == [0, 7, 0, 0]


def test_the_folder_stands_in_the_history_or_else_in_the_prompts(laptop: Laptop, storage: Path) -> None:
    (storage / "state").mkdir(parents=True)
    history = [{"id": "a", "cwdOnTaskInitialization": "/home/dev/secret"}]
    (storage / "state" / "taskHistory.json").write_text(json.dumps(history))
    task(storage, request(), name="a")
    fake = "# Current Working Directory (/home/dev/fake) Files\n"
    said = prompt(5, folder="/home/dev/secret (old)/C:\\x", said=fake)
    task(storage, request(), name="b", api_conversation_history=[{"role": "user", "content": "x"}, said])
    task(storage, request(20), name="c")
    assert [source.read().stretches[0].cwd for source in cline.sources()] == [
        "/home/dev/secret",
        "/home/dev/secret (old)/C:\\x",
        "",
    ]
    laptop.run("exclude", "/home/dev/secret*")
    assert laptop.record()["at"] == AT + 20


def test_a_task_brought_over_from_another_editor_counts_once(laptop: Laptop, storage: Path) -> None:
    task(storage, request())
    task(Path(str(storage).replace("/Code/", "/Cursor/")), request())
    assert len(list(cline.sources())) == 2
    assert laptop.json("sync", "--dry-run")["totals"]["output"] == 250
    (one, other) = laptop.json("sync", "--dry-run")["requests"][0]["sessions"]
    assert one["session"] == other["session"] == session_hash("cline", "t-1")


def test_links_and_files_among_the_tasks_are_passed_over(laptop: Laptop, storage: Path) -> None:
    task(storage, request())
    (storage / "tasks" / "round").symlink_to(storage)
    (storage / "tasks" / "file").write_text("x")
    (storage / "tasks" / "empty").mkdir()
    Path(str(storage).replace("/Code/", "/Cursor/")).parent.mkdir(parents=True)
    Path(str(storage).replace("/Code/", "/Cursor/")).symlink_to(storage)
    assert len(list(cline.sources())) == 1


def test_tasks_are_found_in_every_editor_on_every_system(
    tmp_path: Path, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> set[str]:
        return {Path(source.path).relative_to(tmp_path).parts[0] for source in cline.sources()}

    assert found() == set()
    rest = Path("User") / "globalStorage" / EXTENSION
    for editor in places.EDITORS:
        task(tmp_path / ".config" / editor / rest, request(), name=editor)
    assert len(list(cline.sources())) == len(places.EDITORS)
    task(tmp_path / ".vscode-server" / "data" / rest, request())
    task(tmp_path / ".cline" / "data", request())
    task(tmp_path / "Library" / "Application Support" / "Code" / rest, request())
    task(tmp_path / "Roaming" / "Code" / rest, request())
    task(tmp_path / "conf" / "Code" / rest, request())
    task(tmp_path / "stick" / "user-data" / rest, request())
    task(tmp_path / "moved" / "data", request())
    assert found() == {".config", ".vscode-server", ".cline"}
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "conf"))
    monkeypatch.setenv("VSCODE_PORTABLE", str(tmp_path / "stick"))
    monkeypatch.setenv("CLINE_DIR", str(tmp_path / "moved"))
    assert found() == {"conf", ".vscode-server", "stick", "moved"}
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Library" in found()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
    assert "Roaming" in found()
