"""The figures of everybody together."""

from typing import Any

from tests.flows.serving import Serving, get, session


def figures(box: Serving) -> dict[str, Any]:
    answer = get(f"{box.url}/api/stats/global")
    assert answer.status_code == 200
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_an_empty_box_has_figures_too(serve: Any) -> None:
    told = figures(serve())
    assert told["totalUsers"] == told["totalSessions"] == told["averageTokensPerSession"] == 0
    assert told["totalTokens"] == {"input": 0, "output": 0, "total": 0}


def test_the_figures_move_with_every_session(box: Serving) -> None:
    ann, ben = box.add("ann"), box.add("ben")
    ann.send(session())
    ben.send(session(cacheReadTokens=80))
    told = figures(box)
    assert (told["totalUsers"], told["totalSessions"]) == (2, 2)
    assert told["totalTokens"] == {"input": 600, "output": 240, "total": 920}
    assert told["activeUsers"] == {"daily": 2, "weekly": 2, "monthly": 2}
    assert told["averageTokensPerSession"] == 460
    ann.send(session(endedAt="2025-01-01T00:00:00Z"))
    assert figures(box)["totalSessions"] == 3
