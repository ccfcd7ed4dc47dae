"""A person's own figures, for programs that come with a web session."""

from functools import partial

from arena.accounts.actions import links
from arena.audit.models import OPERATOR
from arena.core import clock
from tests.flows.serving import Person, Serving, Visitor, now_iso, session


def sign_in(box: Serving, visitor: Visitor, person: Person) -> None:
    """By password, as programs do, after a sign-in link gave one."""
    link = box.write(partial(links.sign_in_link, name=person.name, days=1, caller=OPERATOR, now=clock.now()))
    password = "correct horse battery"
    visitor.post(f"/join/{link}", data={"csrf": visitor.csrf(f"/join/{link}"), "password": password})
    visitor.cookies.clear()
    assert visitor.post("/api/auth/login", json={"username": person.name, "password": password}).status_code == 200


def test_ones_own_figures_add_up_what_was_sent(box: Serving, alice: Person) -> None:
    alice.send(session(cacheReadTokens=800, sessionId="today"))
    alice.send(session(inputTokens=100, outputTokens=0, endedAt=now_iso(10 * 86_400), sessionId="then"))
    with Visitor(box) as visitor:
        sign_in(box, visitor, alice)
        told = visitor.get("/api/me/stats").json()["data"]
    assert told["overview"] == {
        "totalInputTokens": 400,
        "totalOutputTokens": 120,
        "totalCacheTokens": 800,
        "totalTokens": 1_320,
        "totalSessions": 2,
        "averageTokensPerSession": 260,
        "efficiencyScore": 0.3,
        "successfulProjectsCount": 0,
    }
    (tool,) = told["toolBreakdown"]
    assert (tool["toolType"], tool["tokens"], tool["sessions"]) == ("claude-code", 1_320, 2)
    assert [day["inputTokens"] for day in told["trends"]["last7Days"]] == [300]
    assert [day["inputTokens"] for day in told["trends"]["last30Days"]] == [100, 300]
    assert set(told["trends"]["last7Days"][0]) == {"date", "inputTokens", "outputTokens", "sessions"}
    assert told["streaks"] == {"current": 1, "longest": 1}


def test_somebody_without_usage_has_figures_of_nothing(box: Serving, bob: Person) -> None:
    with Visitor(box) as visitor:
        sign_in(box, visitor, bob)
        told = visitor.get("/api/me/stats").json()["data"]
    assert told["overview"]["totalTokens"] == told["overview"]["averageTokensPerSession"] == 0
    assert told["trends"] == {"last7Days": [], "last30Days": []}
    assert told["streaks"] == {"current": 0, "longest": 0}
