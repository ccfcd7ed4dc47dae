"""`arena admin prices`."""

import json
from pathlib import Path

import pytest

from arena.prices.actions import SHIPPED

LITELLM = {"alpha": {"mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05}}


@pytest.fixture
def litellm(tmp_path: Path) -> Path:
    file = tmp_path / "litellm.json"
    file.write_text(json.dumps(LITELLM))
    return file


def test_prices_of_a_file_are_taken_over_and_shown(run, litellm: Path) -> None:
    said = run("prices", "update", "--from", str(litellm), "--effective", "2026-06-01").out
    assert said.startswith("1 models are new, 0 cost something else from 2026-06-01 on.\n")
    _, row, *rest = run("prices", "show", "alpha").out.splitlines()
    assert row.split() == ["always", "any", "standard", "3", "15", "3", "3", "3"]
    assert "US dollars for a million tokens" in rest[-1]
    assert run("prices", "update", "--from", str(litellm), "--effective", "2026-06-01").out == (
        "These prices are known already.\n"
    )


def test_a_changed_price_holds_from_its_day(run, litellm: Path) -> None:
    run("prices", "update", "--from", str(litellm), "--effective", "2026-01-01")
    litellm.write_text(json.dumps(LITELLM).replace("3e-06", "2e-06"))
    assert (
        "0 models are new, 1 cost" in run("prices", "update", "--from", str(litellm), "--effective", "2026-06-01").out
    )
    found = json.loads(run("prices", "show", "provider/alpha", "--json").out)
    assert [(each["effective_from"], each["version"]) for each in found] == [("", 1), ("2026-06-01", 2)]
    assert [each["as_of"] for each in json.loads(run("prices", "versions", "--json").out)] == [
        "2026-06-01",
        "2026-01-01",
    ]


def test_our_own_table_can_be_taken_over_and_is_written_as_it_ships(run) -> None:
    assert "models are new" in run("prices", "update", "--from", str(SHIPPED)).out
    written = run("prices", "table", "--from", str(SHIPPED), "--source", "x", "--effective", "2026-01-01").out
    assert written == SHIPPED.read_text()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"a": 1}', "no json", "[" * 100_000, '{"a": {"mode": "chat"}}'])
def test_a_file_that_holds_no_prices_is_refused_in_one_sentence(run, litellm: Path, content: str) -> None:
    litellm.write_text(content)
    outcome = run("prices", "update", "--from", str(litellm))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "neither LiteLLM's price file nor a table of ours" in outcome.err


def test_a_model_that_nobody_knows_is_told_so(run) -> None:
    outcome = run("prices", "show", "nonesuch")
    assert (outcome.code, outcome.err) == (
        1,
        "arena admin: nobody knows what nonesuch costs; `arena admin prices update` may.\n",
    )
