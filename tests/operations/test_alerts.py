"""The example alerts are rules as Prometheus reads them, over figures that the box tells."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.flows.serving import Serving
from tests.operations.test_metrics_door import figures

FILE = Path(__file__).parents[2] / "docs" / "alerts.yml"
RULES: list[dict[str, Any]] = [rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]]
DURATION = re.compile(r"\d+[smhd]")


def test_the_file_holds_named_groups_of_rules_and_nothing_else() -> None:
    content = yaml.safe_load(FILE.read_text())
    assert set(content) == {"groups"}
    assert all(set(group) == {"name", "rules"} for group in content["groups"])
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names)) >= 10


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_is_well_formed(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[A-Za-z_]\w*", rule["alert"])
    promql_parser.parse(rule["expr"])
    assert DURATION.fullmatch(rule["for"])
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")


def test_rules_ask_only_for_what_the_box_tells(box: Serving) -> None:
    told = {name for name, _ in figures(box)} | {"up"}
    told |= {  # as soon as there was one
        "arena_refusals_total",
        "arena_model_questions_total",
        "arena_model_budget_dollars",
        "arena_evaluation_oldest_timestamp_seconds",
        "arena_delivery_tries_total",
        "arena_delivery_oldest_timestamp_seconds",
        "arena_job_failed",
        "arena_backup_timestamp_seconds",
        "arena_backup_copy_timestamp_seconds",
        "arena_worker_beat_timestamp_seconds",
    }
    for rule in RULES:
        asked = set(re.findall(r"\barena_\w+|\bup\b", rule["expr"]))
        assert asked
        assert asked <= told, rule["alert"]
