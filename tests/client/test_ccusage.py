"""What every version of ccusage prints is read to the token, or refused in one sentence."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arena.client import ccusage
from arena.client.home import Refused
from arena.wire import DayRow
from tests.client.conftest import Laptop

REPORTS = Path(__file__).with_name("reports")
"""What the real ccusage of each version printed of one invented tree, called after version and report."""
SHAPES = sorted(file.stem for file in REPORTS.glob("*.json"))
DAYS = {name for name in SHAPES if name.endswith(("daily", "agents", "instances", "sections", "nocost"))}
EMPTY = {name for name in SHAPES if name.endswith("empty")}

CLAUDE = {
    "2026-02-01": (117, 390, 540, 1400),
    "2026-02-02": (118, 820, 1000, 1940),
}
"""What Claude Code used in the tree: input, output, written to and read from the cache."""
CODEX = {
    "2026-02-01": (800, 200, 0, 1700),
    "2026-02-02": (700, 55, 0, 0),
}


def read(name: str, tool: str = "") -> list[DayRow]:
    return ccusage.rows((REPORTS / f"{name}.json").read_bytes(), tool)


def figures(row: Any) -> tuple[int, int, int, int]:
    return row.input_tokens, row.output_tokens, row.cache_creation_tokens, row.cache_read_tokens


def test_a_sample_of_every_report_of_four_versions_is_here() -> None:
    assert len(SHAPES) == 3 * 7 + 16
    assert len(DAYS) == 3 * 2 + 8


@pytest.mark.parametrize("name", sorted(DAYS))
def test_days_are_read_to_the_token(name: str) -> None:
    rows = read(name)
    sums: dict[str, tuple[int, ...]] = {}
    for row in rows:
        known = sums.get(row.date, (0, 0, 0, 0))
        sums[row.date] = tuple(a + b for a, b in zip(known, figures(row), strict=True))
        assert tuple(map(sum, zip(*map(figures, row.model_breakdowns), strict=True))) == figures(row)
    expected: dict[str, Any] = CLAUDE
    if "codex" in name:
        expected = CODEX
    elif name.startswith("20") and "claude" not in name:
        expected = {day: tuple(map(sum, zip(CLAUDE[day], CODEX[day], strict=True))) for day in CLAUDE}
    assert sums == expected


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_a_report_without_days_is_nothing_and_no_mistake(name: str) -> None:
    assert read(name) == []


@pytest.mark.parametrize("name", sorted(set(SHAPES) - DAYS - EMPTY))
def test_every_other_report_is_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(Refused, match=r"^this is ccusage's report by \w+; send its days: `ccusage daily --json"):
        read(name)


def test_tools_are_told_apart_as_far_as_the_report_does() -> None:
    assert {row.tool for row in read("20.0.24-agents")} == {"claude", "codex"}
    assert [(row.tool, row.agents) for row in read("20.0.24-daily")] == [("", ["claude", "codex"])] * 2
    assert {row.tool for row in read("20.0.24-codex-daily")} == {"codex"}
    assert {row.tool for row in read("18.0.11-daily")} == {""}
    assert {row.tool for row in read("18.0.11-daily", "opencode")} == {"opencode"}


def test_costs_are_kept_as_they_are_and_left_out_where_there_are_none() -> None:
    first = read("18.0.11-daily")[0]
    assert first.total_cost == 0.00964
    assert [each.cost for each in first.model_breakdowns] == [0.007155, 0.0024850000000000002]
    assert read("20.0.24-codex-daily")[0].total_cost == 0.0032125
    assert {row.total_cost for row in read("20.0.24-nocost")} == {None}


def test_a_model_without_a_price_has_no_cost() -> None:
    report = json.loads((REPORTS / "20.0.24-agents.json").read_text())
    report["daily"][0]["agents"][0]["modelBreakdowns"][0].update(missingPricing=True, cost=0)
    row = ccusage.rows(json.dumps(report).encode())[0]
    assert row.model_breakdowns[0].cost is None


def test_projects_of_one_day_add_up() -> None:
    whole, parts = read("18.0.11-daily"), read("18.0.11-instances")
    for a, b in zip(whole, parts, strict=True):
        assert (a.date, figures(a), a.total_tokens) == (b.date, figures(b), b.total_tokens)
        by_name = {each.model_name: each for each in b.model_breakdowns}
        assert all(figures(each) == figures(by_name[each.model_name]) for each in a.model_breakdowns)
        assert a.total_cost == pytest.approx(b.total_cost)


def test_no_word_of_a_report_travels_that_is_not_asked_for() -> None:
    report = json.loads((REPORTS / "18.0.11-instances.json").read_text())
    for rows in report["projects"].values():
        rows[0].update(project="CANARY", note="CANARY")
        rows[0]["modelBreakdowns"][0]["note"] = "CANARY"
    report["projects"]["-home-CANARY"] = []
    assert "CANARY" not in repr(ccusage.rows(json.dumps(report).encode()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "nothing came from ccusage"),
        (b" \n", "nothing came from ccusage"),
        (b"{", "this is not JSON"),
        (b"\xff\xfe", "this is not JSON"),
        (b"[" * 100_000, "this is not JSON"),
        (b"null", "this is no report of ccusage"),
        (b'{"type":"daily","data":[]}', "this is no report of ccusage"),
        (b'{"daily":[null]}', "row 1 is none of ccusage's"),
        (b'{"daily":[{"inputTokens":1,"outputTokens":1}]}', "row 1 is none of ccusage's"),
        (b'{"daily":[{"date":"yesterday","inputTokens":1,"outputTokens":1}]}', "row 1 is none of ccusage's"),
        (b'{"daily":[{"date":"2026-02-01","inputTokens":-1,"outputTokens":1}]}', "row 1 is none of ccusage's"),
        (b'{"daily":[{"date":"2026-02-01","inputTokens":"1","outputTokens":1}]}', "row 1 is none of ccusage's"),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(text: bytes, why: str) -> None:
    with pytest.raises(Refused, match=f"^{why}") as refusal:
        ccusage.rows(text)
    assert len(str(refusal.value)) < 300


# -- the command


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put something on standard input."""

    def put(text: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))

    return put


def test_a_dry_run_shows_the_days_and_sends_nothing(laptop: Laptop, pipe: Any) -> None:
    pipe((REPORTS / "20.0.24-agents.json").read_bytes())
    code, out, _ = laptop.run("sync", "--stdin", "--dry-run")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == "day tool input output cache write cache read ccusage says".split()
    assert lines[2].split() == ["2026-02-01", "codex", "800", "200", "0", "1,700", "under", "$0.01"]
    assert lines[-1] == "would send 4 rows of ccusage's. Nothing was sent."


def test_a_dry_run_prints_the_very_bodies(laptop: Laptop, pipe: Any) -> None:
    pipe((REPORTS / "18.0.11-daily.json").read_bytes())
    told = laptop.json("sync", "--stdin", "--dry-run")
    (body,) = told["requests"]
    assert told["rows"] == len(body["entries"]) == 2
    assert len(body["machine"]) == 16
    assert body["collector"] == "ccusage"


def test_nobody_is_left_waiting_before_an_empty_terminal(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=terminal))
    code, _, err = laptop.run("sync", "--stdin", "--dry-run")
    assert code == 1
    assert err.startswith("arena: nothing is piped into this; send its days: `ccusage daily --json | arena sync")


def test_only_days_from_a_day_on_are_sent(laptop: Laptop, pipe: Any) -> None:
    pipe((REPORTS / "18.0.11-daily.json").read_bytes())
    (body,) = laptop.json("sync", "--stdin", "--dry-run", "--since", "2026-02-02")["requests"]
    assert [row["date"] for row in body["entries"]] == ["2026-02-02"]


def test_days_that_hold_excluded_projects_are_not_sent(laptop: Laptop, pipe: Any) -> None:
    laptop.run("exclude", "/home/dev/secret")
    pipe((REPORTS / "18.0.11-daily.json").read_bytes())
    code, out, err = laptop.run("sync", "--stdin", "--dry-run")
    assert (code, out) == (1, "")
    assert "projects are excluded on this machine, and ccusage sums up days over all projects" in err


def test_a_machine_without_ccusage_is_told_what_to_do(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = laptop.run("sync", "--ccusage", "--dry-run")
    assert (code, out) == (1, "")
    assert err.startswith("arena: ccusage is not installed on this machine")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--stdin", "--ccusage"), "not allowed with"),
        (("--ccusage", "--full"), "leave out --full"),
        (("--stdin", "--spooled"), "leave out --full and --spooled"),
        (("--ccusage", "--tool", "codex"), "leave out --tool"),
        (("--stdin", "--tool", "codex", "--tool", "gemini"), "give --tool once"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(laptop: Laptop, options: tuple[str, ...], why: str) -> None:
    code, _, err = laptop.run("sync", *options)
    assert code == 2
    assert why in err


# -- running it


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a program called ccusage on PATH, a shell script."""

    def put(script: str) -> Path:
        path = tmp_path / "bin" / "ccusage"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
        return path

    return put


def test_a_ccusage_that_fails_is_quoted(laptop: Laptop, installed: Any) -> None:
    path = installed('echo "a warning" >&2; echo "Error: no data found \033[31m" >&2; exit 1')
    code, _, err = laptop.run("sync", "--ccusage", "--dry-run")
    assert code == 1
    assert err == f"arena: {path} failed (Error: no data found [31m); run it by hand to see why.\n"


def test_a_ccusage_that_cannot_be_run_is_named(laptop: Laptop, installed: Any) -> None:
    path = installed("")
    path.write_text("#!/no/such/interpreter\n")
    code, _, err = laptop.run("sync", "--ccusage", "--dry-run")
    assert code == 1
    assert err.startswith(f"arena: {path} cannot be run (")


def test_a_ccusage_that_never_ends_is_ended(laptop: Laptop, installed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = installed("exec sleep 60")
    monkeypatch.setattr(ccusage, "PATIENCE", 0.2)
    code, _, err = laptop.run("sync", "--ccusage", "--dry-run")
    assert code == 1
    assert err.startswith(f"arena: {path} did not finish in")


def test_it_is_given_a_list_of_words_and_only_a_real_zone(installed: Any, tmp_path: Path) -> None:
    path = installed(f'printf "%s\\n" "$@" > {tmp_path}/words; echo "[]"')
    assert ccusage.days(ccusage.found(), "Asia/Seoul") == b"[]\n"
    words = "daily --json --offline --by-agent".split()
    assert (tmp_path / "words").read_text().split("\n") == [*words, "--timezone", "Asia/Seoul", ""]
    assert ccusage.days(str(path), "--config=/etc/passwd") == b"[]\n"
    assert (tmp_path / "words").read_text().split() == words
