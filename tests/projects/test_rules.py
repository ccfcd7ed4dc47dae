"""What is put before the model, and what of its answers is believed."""

import json
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.projects import rules
from arena.projects.models import EvaluateBody, Part, Submission, Verdict
from tests.peers.model import README, verdict


def understood(said: Any) -> Verdict | str:
    return rules.verdict(said if isinstance(said, str) else json.dumps(said), README)


def made(functionality: int, practicality: int) -> Verdict:
    found = understood(verdict(functionality, practicality))
    assert isinstance(found, Verdict)
    return found


@pytest.mark.parametrize("reading", [1, 2])
def test_the_schema_asks_for_what_a_verdict_is(reading: int) -> None:
    schema = rules.schema(reading)
    assert set(schema["required"]) == set(schema["properties"]) == set(get_type_hints(Verdict))
    for half in rules.HALVES:
        assert set(schema["properties"][half]["required"]) == set(get_type_hints(Part))
    told = rules.instructions(reading)
    assert told.index(f'"{rules.HALVES[reading - 1]}"') < told.index(f'"{rules.HALVES[2 - reading]}"')


def test_evidence_may_differ_in_white_space_case_and_marks() -> None:
    quote = "run  PIP install\ntally with python 3.11 or newer."
    part = {"score": 5, "reason": "Told.", "evidence": [quote]}
    assert isinstance(understood(verdict(practicality=part)), Verdict)


@pytest.mark.parametrize(
    "evidence",
    [[], ["a"], ["Counts words in text files, from a browser."], ["Counts words in text files", "and much more"]],
)
def test_a_score_without_evidence_in_the_readme_is_not_believed(evidence: list[str]) -> None:
    assert isinstance(understood(verdict(functionality={"score": 1, "reason": "So.", "evidence": evidence})), str)


def test_nothing_needs_no_evidence() -> None:
    assert isinstance(understood(verdict(0, 0)), Verdict)


@given(st.text())
def test_no_answer_breaks_the_rules(said: str) -> None:
    assert isinstance(rules.verdict(said, README), str)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_the_lower_score_of_each_half_counts(a: int, b: int, c: int, d: int) -> None:
    result = rules.result([made(a, b), made(c, d)])
    assert (result.functionality, result.practicality) == (min(a, c), min(b, d))
    assert result.passed is (result.total >= 5)
    assert rules.result([made(c, d), made(a, b)]).total == result.total


def test_what_is_judged_decides_whether_it_is_the_same() -> None:
    sent = Submission("tally", README, files={"src": ["main.py"]})
    same = rules.content_hash(sent, "m")
    unjudged = msgspec.structs.replace(sent, local_score=5, local_summary="all green", path_hash="x")
    assert rules.content_hash(unjudged, "m") == same
    for other in ({"name": "tally2"}, {"readme": README + "."}, {"files": {"src": ["main.rs"]}}):
        assert rules.content_hash(msgspec.structs.replace(sent, **other), "m") != same
    assert rules.content_hash(sent, "another") != same


def test_empty_values_are_absent_ones() -> None:
    body = EvaluateBody("tally", README, {}, "", None, "")
    assert rules.submission(body) == Submission("tally", README.strip())


def test_what_cannot_be_seen_does_not_reach_the_model() -> None:
    sent = rules.checked(Submission("ta\u202elly\n x", "# Tally\x00\u200b\r\nCounts words.\u2066"))
    assert (sent.name, sent.readme) == ("tally x", "# Tally\nCounts words.")
