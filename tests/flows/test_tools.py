"""What every tool leaves on a machine reaches a real box to the token, and says so where nobody knows."""

import shutil
from pathlib import Path

import pytest

from tests.client import samples
from tests.flows.serving import Laptop, Person

NAMES = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
SUMS = """
SELECT t.id, SUM(r.input_tokens), SUM(r.output_tokens), SUM(r.cache_write_5m), SUM(r.cache_write_1h),
    SUM(r.cache_read_tokens)
FROM usage_records r JOIN tool_types t ON t.number = r.tool JOIN users u ON u.id = r.user_id
WHERE u.username = :name AND r.counted = 1 GROUP BY t.id
"""


@pytest.fixture
def machine(tmp_path: Path) -> Laptop:
    """A machine on which every tool was used."""
    made = Laptop(tmp_path / "home", tmp_path / "home" / ".claude")
    for tool in samples.names():
        samples.lay(tool, made.home)
    made.env["ARENA_HOME"] = str(tmp_path / "arena")
    return made


def held(person: Person) -> dict[str, tuple[int, ...]]:
    return {tool: tuple(sums) for tool, *sums in person.box.ask(SUMS, name=person.name)}


def truth() -> dict[str, tuple[int, ...]]:
    return {tool: tuple(samples.expected(tool)["totals"][name] for name in NAMES) for tool in samples.names()}


def test_every_tool_is_counted_to_the_token_and_only_once(alice: Person, machine: Laptop) -> None:
    machine.login(alice, "--no-sync")
    summary = machine.sync()
    assert (summary["failed"], summary["problems"], summary["files"]["unreadable"]) == (0, [], 0)
    assert held(alice) == truth()
    shutil.rmtree(machine.env["ARENA_HOME"])
    machine.login(alice)
    again = machine.sync()
    assert (again["submitted"], again["grown"], again["failed"]) == (0, 0, 0)
    assert held(alice) == truth()


def test_tokens_that_nobody_knows_are_null_and_the_sessions_count(alice: Person, machine: Laptop) -> None:
    machine.login(alice)
    shown = {tool["tool"]: tool["tokens"] for tool in alice.get("/api/v1/rank")["usage"]["toolBreakdown"]}
    assert set(shown) == set(samples.names())
    assert [tool for tool, tokens in shown.items() if not tokens] == ["crush"]
    assert shown["crush"] is None
    assert alice.totals()[2] == sum(samples.expected(tool)["sessions"] for tool in samples.names())


def test_the_doctor_finds_a_signed_in_machine_in_good_health(alice: Person, machine: Laptop) -> None:
    machine.login(alice)
    said = machine.run("doctor")
    assert "Nothing needs attention." in said
    assert f"key good, {alice.name}" in said
    assert samples.CANARY not in said
