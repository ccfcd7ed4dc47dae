"""Trees of Claude Code and Codex with every known trap: the box holds their truth, by tool, day and model."""

import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.flows.serving import ROOT, Laptop, Person, wait_until

Sums = dict[tuple[str, str, str], tuple[int, ...]]

SUMS = """
SELECT t.id, r.day, r.model, SUM(r.input_tokens), SUM(r.output_tokens), SUM(r.cache_write_5m), SUM(r.cache_write_1h),
    SUM(r.cache_read_tokens)
FROM usage_records r JOIN tool_types t ON t.number = r.tool JOIN users u ON u.id = r.user_id
WHERE u.username = :name AND r.counted = 1 GROUP BY t.id, r.day, r.model
"""


class Trees:
    """What both tools left on one machine, and what it truly adds up to."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.truth: Sums = {}
        self.deeds: list[tuple[int, ...]] = []
        for tool, maker, size in (("claude-code", "make_transcripts", "2M"), ("codex", "make_rollouts", "3M")):
            made = [ROOT / "tests/bench" / f"{maker}.py", "--out", folder / tool, "--size", size, "--seed", str(seed)]
            subprocess.run([sys.executable, *made], check=True, capture_output=True)
            truth = json.loads((folder / tool / "truth.json").read_text())
            self.deeds.append((truth["lines_added"], truth["lines_deleted"], truth["prompts"]))
            for day, models in truth["models"].items():
                for model, figures in models.items():
                    names = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
                    self.truth[tool, day, model] = tuple(figures.get(name, 0) for name in names)

    def laptop(self, folder: Path) -> Laptop:
        made = Laptop(folder, self.folder / "claude-code")
        made.env["CODEX_HOME"] = str(self.folder / "codex")
        return made

    def share(self, folder: Path, chance: random.Random) -> "Trees":
        """Some of the files, as another machine has them; those that it gets alone are gone here."""
        other: Trees = object.__new__(Trees)
        other.folder, other.truth = folder, self.truth
        for path in sorted(self.folder.rglob("*.jsonl")):
            target = folder / path.relative_to(self.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            match chance.randrange(3):
                case 0:
                    shutil.copy2(path, target)
                case 1:
                    path.rename(target)
        return other


Grow = Callable[[int], Trees]


@pytest.fixture
def grow(tmp_path: Path) -> Grow:
    return lambda seed: Trees(tmp_path / f"tree-{seed}", seed)


def held(person: Person) -> Sums:
    rows = person.box.ask(SUMS, name=person.name)
    return {(tool, day, model): tuple(sums) for tool, day, model, *sums in rows}


def deeds(person: Person) -> list[tuple[int, ...]]:
    """Lines added and deleted, and prompts, of Claude Code and of Codex."""
    sql = (
        "SELECT SUM(r.lines_added), SUM(r.lines_deleted), SUM(r.turns) FROM usage_records r "
        "JOIN users u ON u.id = r.user_id WHERE u.username = :name AND r.counted = 1 GROUP BY r.tool ORDER BY r.tool"
    )
    return person.box.ask(sql, name=person.name)


def totals_fit(person: Person, truth: Sums) -> bool:
    """Boards and profiles show what the records add up to."""
    sums = [sum(figures[at] for figures in truth.values()) for at in (0, 1)]
    return list(person.totals()[:2]) == sums


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_tree_counts_to_the_token_and_only_once(alice: Person, grow: Grow, tmp_path: Path, seed: int) -> None:
    trees = grow(seed)
    laptop = trees.laptop(tmp_path / "home")
    laptop.login(alice, "--no-hooks")
    assert held(alice) == trees.truth
    assert deeds(alice) == trees.deeds
    assert totals_fit(alice, trees.truth)
    again = laptop.sync()
    assert (again["submitted"], again["grown"], again["failed"]) == (0, 0, 0)
    laptop.run("sync", "--full")
    assert held(alice) == trees.truth
    assert totals_fit(alice, trees.truth)


@pytest.mark.parametrize("seed", [6, 7])
def test_two_machines_that_share_some_of_a_tree_are_its_truth(
    alice: Person, grow: Grow, tmp_path: Path, seed: int
) -> None:
    trees = grow(seed)
    other = trees.share(tmp_path / "other", random.Random(seed))
    laptops = [trees.laptop(tmp_path / "home"), other.laptop(tmp_path / "other-home")]
    for laptop in (*laptops, *laptops):
        laptop.login(alice, "--no-hooks")
    assert held(alice) == trees.truth
    assert totals_fit(alice, trees.truth)


def test_a_tree_that_grows_line_by_line_between_kills_ends_as_its_truth(
    alice: Person, grow: Grow, tmp_path: Path
) -> None:
    trees = grow(8)
    chance = random.Random(8)
    laptop = trees.laptop(tmp_path / "home")
    laptop.login(alice, "--no-hooks", "--no-sync")
    files = {path: path.read_bytes() for path in trees.folder.rglob("*.jsonl")}
    for path in files:
        path.write_bytes(b"")
    for share in (0.2, 0.45, 0.7):
        for path, content in files.items():
            end = int(len(content) * min(1.0, share + chance.uniform(-0.15, 0.15)))
            path.write_bytes(content[:end])
        _kill(alice, laptop)
    for path, content in files.items():
        path.write_bytes(content)
    _kill(alice, laptop)
    laptop.sync()
    assert held(alice) == trees.truth
    assert totals_fit(alice, trees.truth)


def _kill(person: Person, laptop: Laptop) -> None:
    """Kill a sync as soon as something of it has arrived."""
    before = held(person)
    sync = laptop.start("sync", "--quiet")
    wait_until(lambda: sync.poll() is not None or held(person) != before, 20, pause=0.001)
    with contextlib.suppress(ProcessLookupError):
        sync.send_signal(signal.SIGKILL)
    sync.communicate()


def test_moved_archived_and_lost_files_change_nothing(alice: Person, grow: Grow, tmp_path: Path) -> None:
    trees = grow(9)
    laptop = trees.laptop(tmp_path / "home")
    laptop.login(alice, "--no-hooks")
    codex = trees.folder / "codex"
    for path in list((codex / "sessions").rglob("*.jsonl")):
        path.rename(codex / "archived_sessions" / path.name)
    summary: dict[str, Any] = laptop.sync()
    assert (summary["submitted"], summary["skipped"], summary["files"]["read"]) == (0, 0, 0)
    shutil.rmtree(trees.folder / "claude-code" / "projects")
    shutil.rmtree(laptop.home)
    laptop.login(alice, "--no-hooks")
    assert held(alice) == trees.truth
