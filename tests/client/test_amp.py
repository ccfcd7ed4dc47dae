"""Each trap of Amp's threads, counted as it must be."""

import json
from pathlib import Path
from typing import Any

import pytest

from arena.client import sources
from arena.client.tools import amp
from arena.wire import record_key
from tests.client.conftest import Laptop

Json = dict[str, Any]
AT = "2026-03-05T09:20:{:02d}.000Z"
CREATED = 1_772_700_000_000


@pytest.fixture
def threads(laptop: Laptop) -> Path:
    made = laptop.home.parent / ".local" / "share" / "amp" / "threads"
    made.mkdir(parents=True)
    return made


def thread(threads: Path, *messages: Json, name: str = "T-1", events: Any = None, **more: Any) -> Path:
    said: Json = {"v": 3, "id": name, "created": CREATED, "title": "secret", "messages": list(messages), **more}
    if events is not None:
        said["usageLedger"] = {"events": events}
    path = threads / f"{name}.json"
    path.write_text(json.dumps(said))
    return path


def answer(number: int | None, output: int = 50, *blocks: Json, **more: Any) -> Json:
    usage = {"model": "claude-sonnet-4-5", "inputTokens": 10, "outputTokens": output, "timestamp": AT.format(2)}
    usage |= {"cacheCreationInputTokens": 30, "cacheReadInputTokens": 40, "totalInputTokens": 80, **more}
    said: Json = {"role": "assistant", "content": list(blocks), "usage": usage}
    return said if number is None else {**said, "messageId": number}


def billed(output: int = 60, **more: Any) -> Json:
    tokens = {"input": 11, "output": output}
    return {"id": "ev-1", "timestamp": AT.format(3), "model": "claude-sonnet-4-5", "tokens": tokens, **more}


def prompt(number: int, *blocks: Json, **more: Any) -> Json:
    said = list(blocks) or [{"type": "text", "text": "please"}]
    return {"role": "user", "messageId": number, "content": said, **more}


def figures(record: Json) -> list[int]:
    return [record.get(name, 0) for name in ("input", "output", "cache_write_5m", "cache_read")]


def test_an_older_thread_counts_what_its_messages_say(laptop: Laptop, threads: Path) -> None:
    thread(threads, prompt(0), answer(1), prompt(2), answer(3, 70))
    assert [figures(record) for record in laptop.records()] == [[10, 50, 30, 40], [10, 70, 30, 40]]
    assert laptop.records()[0]["key"] == record_key("amp:T-1:message:1", "")


def test_a_ledger_stands_before_the_messages_but_for_the_cache(laptop: Laptop, threads: Path) -> None:
    thread(threads, prompt(0), answer(1), events=[billed(toMessageId=1)])
    record = laptop.record()
    assert figures(record) == [11, 60, 30, 40]
    assert record["at"] == 1_772_702_403_000


@pytest.mark.parametrize("number", [1, "1"])
def test_a_thread_that_gets_a_ledger_later_counts_once(laptop: Laptop, threads: Path, number: int | str) -> None:
    thread(threads, answer(1))
    assert laptop.record()["output"] == 50
    thread(threads, answer(1), events=[billed(toMessageId=number)])
    record = laptop.record()
    assert (record["output"], record["at"]) == (60, 1_772_702_402_000)


def test_what_was_billed_beside_the_messages_counts_by_its_own_name(laptop: Laptop, threads: Path) -> None:
    title = billed(5, id="ev-2", model="claude-haiku-4-5")
    bare = {**billed(6), "id": None, "timestamp": AT.format(9)}
    thread(threads, answer(1), events=[billed(toMessageId=1), title, bare])
    assert sorted(record["output"] for record in laptop.records()) == [5, 6, 60]


@pytest.mark.parametrize("ledger", [[], "odd", [{"tokens": None}, {"tokens": {}}, 7], {"events": 1}, [{"model": "x"}]])
def test_a_ledger_without_figures_leaves_it_to_the_messages(laptop: Laptop, threads: Path, ledger: Any) -> None:
    thread(threads, answer(1), events=ledger)
    assert laptop.record()["output"] == 50
    thread(threads, answer(1), name="T-2", usageLedger=ledger)
    assert len(laptop.records()) == 2


def test_one_odd_message_or_entry_costs_no_other(laptop: Laptop, threads: Path) -> None:
    odd: list[Any] = [7, None, "text", {"role": "assistant", "usage": {"inputTokens": "many"}}, {"messageId": [1]}]
    thread(threads, *odd, answer(1), answer(2, -5), answer(3, 10**12))
    assert laptop.record()["output"] == 50
    thread(threads, name="T-2", events=[*odd, billed(7), {**billed(8), "timestamp": "never"}])
    assert sorted(record["output"] for record in laptop.records()) == [7, 50]


def test_a_total_alone_is_not_counted_as_output(laptop: Laptop, threads: Path) -> None:
    thread(threads, events=[{**billed(), "tokens": {"total": 345}}])
    assert figures(laptop.record()) == [345, 0, 0, 0]


def test_an_answer_without_a_time_happened_when_it_was_asked_for(laptop: Laptop, threads: Path) -> None:
    asked = prompt(0, meta={"sentAt": CREATED + 5000})
    thread(threads, asked, answer(1, timestamp=None), name="T-1")
    thread(threads, answer(1, timestamp=None), name="T-2")
    assert sorted(record["at"] for record in laptop.records()) == [CREATED, CREATED + 5000]


def test_prompts_and_calls_stand_with_the_answer(laptop: Laptop, threads: Path) -> None:
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"name": "no"}}
    foreign = {"type": "tool_use", "name": "mcp__payroll__query"}
    result = prompt(2, {"type": "tool_result", "run": {"result": "x"}})
    plain = {"role": "user", "content": "words"}
    thread(threads, prompt(0), plain, answer(1, 50, call, foreign), result, answer(3, 70))
    first, second = laptop.records()
    assert (first["turns"], first["tools"]) == (2, {"Bash": 1, "mcp": 1})
    assert "turns" not in second
    assert "tools" not in second


def test_credits_are_no_dollars(laptop: Laptop, threads: Path) -> None:
    thread(threads, events=[billed(credits=12.5)])
    assert "cost_recorded" not in laptop.record()


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("file:///home/dev/my%20api", "/home/dev/my api"),
        ("file:///c:/dev/api", "c:/dev/api"),
        ("https://example.org/x", ""),
        (None, ""),
    ],
)
def test_the_folder_is_that_of_the_tree(laptop: Laptop, threads: Path, uri: str | None, folder: str) -> None:
    path = thread(threads, answer(1), env={"initial": {"trees": [{"uri": uri}]}})
    reading = next(source for source in amp.sources() if source.path == str(path)).read()
    assert reading.stretches[0].cwd == folder
    assert reading.cwds == ([folder] if folder else [])


def test_any_tree_of_a_thread_can_exclude_it(laptop: Laptop, threads: Path) -> None:
    trees = [{"uri": "file:///home/dev/api"}, {"uri": "file:///home/dev/secret"}]
    thread(threads, answer(1), env={"initial": {"trees": trees}})
    laptop.run("exclude", "/home/dev/secret")
    assert laptop.records() == []


def test_a_giant_thread_is_named_and_the_rest_goes_on(
    laptop: Laptop, threads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "DOCUMENT_LIMIT", 1000)
    thread(threads, answer(1), title="x" * 2000, name="T-big")
    thread(threads, answer(1))
    code, _, err = laptop.run("sync", "--dry-run")
    assert (code, err.count("\n")) == (0, 1)
    assert "T-big" in err
    assert len(laptop.records()) == 1


def test_threads_may_lie_elsewhere(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for base in ("given", "xdg/amp"):
        (tmp_path / base / "threads").mkdir(parents=True)
        thread(tmp_path / base / "threads", answer(1), name=f"T-{base[0]}")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert amp.places()[1] == str(tmp_path / ".local" / "share" / "amp" / "threads")
    assert [source.path[-8:] for source in amp.sources()] == ["T-x.json"]
    monkeypatch.setenv("AMP_DATA_DIR", str(tmp_path / "given"))
    assert [source.path[-8:] for source in amp.sources()] == ["T-g.json"]


def test_what_else_lies_with_the_threads_is_not_read(laptop: Laptop, threads: Path) -> None:
    thread(threads, answer(1)).with_name("secrets.json").write_text("{}")
    (threads / "round").symlink_to(threads)
    assert len(laptop.records()) == 1
