"""The real ccusage, a laptop and a real box: what it sums up counts once, and not beside what is known better."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flows.serving import ARENA, ROOT, Laptop, Person, Serving, environment
from tests.peers.ccusage import VERSIONS, install

BEGAN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MODELS = ("claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101", "glm-4.6")


def write_claude(folder: Path) -> dict[str, tuple[int, int]]:
    """Two projects with a response every 40 minutes for three days; input and output by day (UTC)."""
    truth: dict[str, tuple[int, int]] = {}
    for number in range(108):
        at = BEGAN + timedelta(minutes=40 * number)
        project, session = f"-home-dev-{'api' if number % 3 else 'web'}", f"s{number % 3}"
        path = folder / "projects" / project / f"{session}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        usage = {"input_tokens": 10 + number, "output_tokens": 20 + number, "cache_creation_input_tokens": 3}
        usage["cache_read_input_tokens"] = 7 * number
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": MODELS[number % 3]}
        line = {
            "type": "assistant",
            "isSidechain": False,
            "cwd": f"/home/dev/{project[-3:]}",
            "sessionId": session,
            "version": "2.1.0",
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "message": {**message, "content": [], "usage": usage},
            "requestId": f"req_{number}",
            "uuid": f"u{number}",
        }
        with path.open("a") as file:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
        day = at.date().isoformat()
        old = truth.get(day, (0, 0))
        truth[day] = (old[0] + 10 + number, old[1] + 20 + number)
    return truth


def write_codex(folder: Path) -> None:
    """One rollout with two requests."""
    path = folder / "sessions/2026/03/02/rollout-2026-03-02T11-00-00-33333333-3333-7333-a333-333333333333.jsonl"
    path.parent.mkdir(parents=True)
    lines: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": "33333333-3333-7333-a333-333333333333", "cwd": "/home/dev/api", "source": "cli"}),
        ("turn_context", {"cwd": "/home/dev/api", "model": "gpt-5-codex"}),
    ]
    totals = {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "reasoning_output_tokens": 0}
    for taken, cached, written in ((1000, 600, 80), (1500, 1100, 120)):
        last = {**totals, "input_tokens": taken, "cached_input_tokens": cached, "output_tokens": written}
        totals = {name: totals[name] + last[name] for name in totals}
        info = {
            name: {**each, "total_tokens": each["input_tokens"] + each["output_tokens"]}
            for name, each in (("total_token_usage", totals), ("last_token_usage", last))
        }
        lines.append(("event_msg", {"type": "token_count", "info": info}))
    with path.open("w") as file:
        for number, (kind, payload) in enumerate(lines):
            line = {"timestamp": f"2026-03-02T11:0{number}:00.000Z", "type": kind, "payload": payload}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, tuple[int, int]]:
    return write_claude(tmp_path / "claude")


@pytest.fixture
def laptop(tmp_path: Path, truth: Any) -> Laptop:
    """A machine with transcripts of Claude Code alone, far from Greenwich."""
    made = Laptop(tmp_path / "home", tmp_path / "claude")
    made.env |= {"CODEX_HOME": str(tmp_path / "codex"), "TZ": "America/Los_Angeles"}
    return made


@pytest.fixture(scope="module")
def seoul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A box that counts days of another zone."""
    made = Serving(tmp_path_factory.mktemp("seoul") / "data", ARENA_ARENA__TIME_ZONE="Asia/Seoul").start()
    yield made
    assert made.stop() == 0


def has(laptop: Laptop, version: str) -> None:
    laptop.env["PATH"] = install(version, laptop.home.parent / "bin")


def run_it(laptop: Laptop) -> Any:
    return json.loads(laptop.run("sync", "--ccusage", "--json"))


def days(person: Person) -> dict[str, tuple[int, int]]:
    rows = person.box.ask(
        "SELECT d.stat_date, d.input_tokens, d.output_tokens FROM daily_user_stats AS d "
        "JOIN users AS u ON u.id = d.user_id WHERE u.username = :name",
        name=person.name,
    )
    return {day: (taken, written) for day, taken, written in rows}


@pytest.mark.parametrize("version", list(VERSIONS))
def test_every_version_is_run_and_its_days_count_once(
    alice: Person, laptop: Laptop, truth: dict[str, tuple[int, int]], version: str
) -> None:
    has(laptop, version)
    laptop.login(alice, "--no-hooks", "--no-sync")
    first = run_it(laptop)
    assert (first["submitted"], first["rows"], first["failed"]) == (3 * len(truth), len(truth), 0)
    assert days(alice) == truth
    again = run_it(laptop)
    assert (again["submitted"], again["grown"], again["skipped"]) == (0, 0, 3 * len(truth))
    assert days(alice) == truth
    assert alice.totals()[2] == 0
    collectors = {row[0] for row in alice.box.ask("SELECT name FROM collectors")}
    assert f"ccusage/{version}" in collectors


def test_an_update_of_ccusage_changes_nothing(alice: Person, laptop: Laptop, truth: dict[str, tuple[int, int]]) -> None:
    laptop.login(alice, "--no-hooks", "--no-sync")
    for version in (*VERSIONS, "15.9.7"):
        has(laptop, version)
        run_it(laptop)
        assert days(alice) == truth


def test_transcripts_count_in_its_place_and_days_of_the_box_s_zone_are_the_same(
    seoul: Serving, laptop: Laptop, tmp_path: Path
) -> None:
    carol = seoul.add("carol")
    write_codex(tmp_path / "codex")
    has(laptop, "20.0.24")
    laptop.login(carol, "--no-hooks", "--no-sync")
    run_it(laptop)
    by_ccusage = days(carol)
    assert carol.totals()[2] == 0
    laptop.sync()
    assert days(carol) == by_ccusage
    assert carol.totals() == (*map(sum, zip(*by_ccusage.values(), strict=True)), 4)
    run_it(laptop)
    assert days(carol) == by_ccusage


def pipe(laptop: Laptop, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """What a person types: ``ccusage WORDS --json | arena sync --stdin``."""
    env = environment(**laptop.env)
    said = subprocess.run(["ccusage", *words, "--json", "--offline"], env=env, capture_output=True, check=True).stdout
    return subprocess.run(
        [*ARENA, "sync", "--stdin", *options], cwd=ROOT, env=env, input=said, capture_output=True, check=False
    )


@pytest.mark.parametrize("version", list(VERSIONS))
def test_what_it_prints_is_piped_in(alice: Person, laptop: Laptop, version: str) -> None:
    has(laptop, version)
    laptop.login(alice, "--no-hooks", "--no-sync")
    done = pipe(laptop, "daily", "--timezone", "UTC")
    assert done.returncode == 0, done.stderr
    assert b"this box counts days of UTC; if ccusage summed up others, add `--timezone UTC` to it." in done.stdout
    told = days(alice)
    pipe(laptop, "daily", "--timezone", "UTC", "--instances" if version < "20" else "--by-agent")
    assert days(alice) == told
    done = pipe(laptop, "monthly")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"arena: this is ccusage's report by month; send its days")


def test_a_key_that_is_no_good_sends_no_days(alice: Person, laptop: Laptop) -> None:
    has(laptop, "20.0.24")
    laptop.login(alice, "--no-hooks", "--no-sync")
    alice.post("/api/v1/keys/revoke", {})
    done = pipe(laptop, "daily")
    assert done.returncode == 1
    assert b"sign in again with `arena login`" in done.stderr
    assert days(alice) == {}
