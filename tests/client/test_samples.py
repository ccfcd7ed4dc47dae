"""Every tool has a sample of what it leaves behind, and each is counted to the token."""

from collections import Counter
from pathlib import Path

import pytest

from arena.client.counting import module, tool_names
from arena.client.models import Keeps
from tests.client import samples
from tests.client.conftest import Laptop


def test_every_tool_has_a_sample() -> None:
    assert samples.names() == tool_names()


@pytest.mark.parametrize("tool", tool_names())
def test_a_sample_counts_as_it_must(laptop: Laptop, tool: str) -> None:
    wanted = samples.expected(tool)
    samples.lay(tool, laptop.home.parent)
    dry = laptop.json("sync", "--dry-run", "--tool", tool)
    sessions = [session for body in dry["requests"] for session in body["sessions"]]
    records = [record for session in sessions for record in session["records"]]
    tools: Counter[str] = Counter()
    for record in records:
        tools.update(record.get("tools", {}))
    assert {session["tool"] for session in sessions} == {tool}
    counted = {
        "records": len(records),
        "sessions": len({session["session"] for session in sessions}),
        "totals": {name: figure for name, figure in dry["totals"].items() if name in wanted["totals"]},
        "tools": dict(tools),
        "turns": sum(record.get("turns", 0) for record in records),
        "lines": [sum(record.get(name, 0) for record in records) for name in ("lines_added", "lines_deleted")],
        "cost": round(sum(record.get("cost_recorded", 0) for record in records), 6),
        "unmeasured": sum(record.get("tokens_known", True) is False for record in records),
    }
    wanted = {"cost": 0, "unmeasured": 0, **wanted}
    assert {name: counted[name] for name in wanted} == wanted
    assert all(session["project"] for session in sessions)


@pytest.mark.parametrize("tool", tool_names())
def test_a_sample_shows_what_the_tool_is_said_to_keep(laptop: Laptop, tool: str) -> None:
    keeps: Keeps = module(tool).KEEPS  # type: ignore[attr-defined]
    samples.lay(tool, laptop.home.parent)
    records = laptop.records()

    def there(*names: str) -> bool:
        return any(record.get(name) for record in records for name in names)

    assert there("input", "output") is bool(keeps.tokens)
    assert there("cache_read", "cache_write_5m", "cache_write_1h") is bool(keeps.cache)
    assert there("cost_recorded") is (keeps.cost == "exact")
    assert there("tools") is bool(keeps.calls)
    assert there("lines_added", "lines_deleted") is bool(keeps.lines)
    assert any(record.get("tokens_known", True) is False for record in records) is not bool(keeps.tokens)


@pytest.mark.parametrize("tool", tool_names())
def test_a_sample_that_did_not_change_is_not_read_again(laptop: Laptop, tool: str) -> None:
    samples.lay(tool, laptop.home.parent)
    laptop.json("sync", "--dry-run", "--tool", tool)
    dry = laptop.run("sync", "--dry-run", "--tool", tool)
    assert dry[0] == 0
    assert dry[2] == ""
    assert "0 records" not in dry[1]


@pytest.mark.parametrize("tool", tool_names())
def test_reading_a_sample_changes_no_byte_and_leaves_no_file(laptop: Laptop, tool: str) -> None:
    home = laptop.home.parent
    samples.lay(tool, home)
    before = everything(home)
    laptop.json("sync", "--dry-run", "--tool", tool)
    laptop.json("sync", "--dry-run", "--tool", tool, "--full")
    assert everything(home) == before


@pytest.mark.parametrize("tool", tool_names())
def test_an_excluded_project_of_a_sample_is_not_sent(laptop: Laptop, tool: str) -> None:
    samples.lay(tool, laptop.home.parent)
    assert laptop.records()
    laptop.run("exclude", "*/*")
    left = laptop.json("sync", "--dry-run")["requests"]
    assert [session["tool"] for body in left for session in body["sessions"] if session["project"]] == []


@pytest.mark.parametrize("tool", tool_names())
def test_half_written_broken_and_empty_files_cost_no_other(laptop: Laptop, tool: str) -> None:
    other = "amp" if tool != "amp" else "droid"
    for path in samples.lay(tool, laptop.home.parent):
        content = path.read_bytes()
        half = content[: len(content) // 2]
        for broken in (b"", half, b"\0" * 9000, b"[" * 20_000, b'{"a":1}', b"[1]", b"[null]", b"null", b"\xff\xfe"):
            path.write_bytes(broken)
            code, _, err = laptop.run("sync", "--dry-run", "--full")
            assert code == 0, err
        path.write_bytes(content)
    assert laptop.run("sync", "--dry-run", "--full")[2] == ""
    samples.lay(other, laptop.home.parent)
    assert len(laptop.records()) == sum(samples.expected(name)["records"] for name in (tool, other))


def everything(home: Path) -> dict[str, bytes]:
    """Read all files of a home but our own."""
    files = (path for path in home.rglob("*") if path.is_file() and home / "arena" not in path.parents)
    return {str(path): path.read_bytes() for path in files}
