"""Budgets set by administrators, seen by those they are for, and by nobody else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.teams import actions as teams
from tests.flows.conftest import box, pytest_runtest_makereport
from tests.flows.serving import Serving, Visitor, session

__all__ = ["box", "pytest_runtest_makereport"]
DO = {"caller": OPERATOR, "now": clock.now()}


@contextmanager
def browser_of(box: Serving, name: str) -> Iterator[Visitor]:
    token = box.write(lambda conn: links.sign_in_link(conn, name=name, days=1, **DO))
    with Visitor(box) as visitor:
        page = f"/join/{token}"
        visitor.post(page, data={"csrf": visitor.csrf(page), "password": "correct horse battery"})
        yield visitor


@pytest.fixture(scope="module")
def admin(box: Serving) -> Iterator[Visitor]:
    """Somebody who runs the box, on which the people of a team used something today."""
    box.add("bob").send(session(sessionId="one", inputTokens=10**6, outputTokens=0))  # $3
    box.add("carol", private=True).send(session(sessionId="two", modelName="nobody-knows"))
    box.write(lambda conn: teams.create_team(conn, name="Data", **DO))
    for name in ("bob", "carol"):
        box.write(lambda conn, name=name: teams.assign(conn, name=name, slug="data", **DO))
    with Visitor(box) as visitor:
        visitor.join(box.first_link(), "root")
        yield visitor


def put(admin: Visitor, kind: str, status: int = 200, **fields: str) -> str:
    answer = admin.post(f"/admin/budgets/{kind}", data={"csrf": admin.csrf("/admin/budgets"), **fields})
    assert answer.status_code == status, answer.text
    return answer.text


def amounts(box: Serving) -> list[tuple[object, ...]]:
    return box.ask("SELECT amount FROM team_budgets") + box.ask("SELECT amount FROM user_budgets")


def test_a_budget_is_set_seen_by_those_it_is_for_and_taken_away(box: Serving, admin: Visitor) -> None:
    assert "Data may cost $4 a month." in put(admin, "team", team="data", amount="4")
    assert "bob may cost $2.50 a month." in put(admin, "person", name=" BOB ", amount="$2.50")
    assert amounts(box) == [(4 * 10**9,), (25 * 10**8,)]
    page = admin.get("/admin/budgets").text
    assert "$3.00+ of $4.00 spent, 75%." in page
    assert "$3.00 of $2.50 spent, 120%, $0.50 over." in page
    with browser_of(box, "bob") as bob:
        seen = bob.get("/dashboard").text
        assert "$3.00+ of $4.00 spent, 75%." in seen
        assert "$3.00 of $2.50 spent, 120%, $0.50 over." in seen
        mine, team = bob.get("/api/me/budgets").json()["data"]["budgets"]
    month = clock.iso(clock.now())[:7]
    assert mine == {
        "whose": "person",
        "name": "bob",
        "month": month,
        "budget": 2.5,
        "spent": 3.0,
        "spentIsComplete": True,
        "percent": 120,
        "forecast": None,
        "forecastExceeds": False,
    }
    assert (team["whose"], team["name"], team["percent"], team["spentIsComplete"]) == ("team", "Data", 75, False)
    assert "Budget" not in admin.get("/dashboard").text
    assert "bob has no budget." in put(admin, "person", name="bob", amount="")
    assert "Data has no budget." in put(admin, "team", team="data", amount="0")
    assert amounts(box) == []
    told = box.ask("SELECT details FROM security_audit_log WHERE event_type = 'budget_set' ORDER BY seq")
    assert [json.loads(details).get("dollars") for (details,) in told] == ["4", "2.50", None, None]


def test_what_cannot_be_set_is_said_and_nothing_typed_is_lost(box: Serving, admin: Visitor) -> None:
    text = put(admin, "team", 400, team="data", amount="four")
    assert "An amount is written like 500 or 1,200.50, in US dollars." in text
    assert 'value="four"' in text
    text = put(admin, "person", 404, name="zoe", amount="12.34")
    assert "There is nobody called zoe." in text
    assert 'value="12.34"' in text
    assert put(admin, "team", 404, team="nothing", amount="4")
    assert amounts(box) == []


def test_the_same_budget_again_is_nothing_new(box: Serving, admin: Visitor) -> None:
    sql = "SELECT COUNT(*) FROM security_audit_log WHERE event_type = 'budget_set'"
    put(admin, "team", team="data", amount="7")
    before = box.ask(sql)
    put(admin, "team", team="data", amount="7.00")
    assert box.ask(sql) == before


def test_a_budget_goes_with_its_team_and_its_person(box: Serving, admin: Visitor) -> None:
    box.add("gone")
    box.write(lambda conn: teams.create_team(conn, name="Gone", **DO))
    put(admin, "team", team="gone", amount="5")
    put(admin, "person", name="gone", amount="5")
    before = len(amounts(box))
    admin.post("/admin/teams/gone/delete", data={"csrf": admin.csrf("/admin/teams/gone")})
    page = "/admin/people/gone"
    admin.post(f"{page}/delete", data={"csrf": admin.csrf(page), "confirm": "gone"})
    assert len(amounts(box)) == before - 2


def test_only_the_part_that_htmx_asks_for_is_sent(admin: Visitor) -> None:
    part = admin.get("/admin/budgets", headers={"HX-Request": "true", "HX-Target": "budgets"}).text
    assert part.lstrip().startswith('<div id="budgets"')
