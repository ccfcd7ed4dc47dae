"""Projects from submission to page: a real box, its worker, and a model over a socket."""

from collections.abc import Iterator

import pytest

from tests.flows.conftest import Serve
from tests.flows.serving import Visitor
from tests.peers.model import QUOTES, README, Model

EVALUATE = "/api/v1/evaluate"


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.close()


def body(name: str = "tally", readme: str = README, **more: object) -> dict[str, object]:
    return {"projectName": name, "description": readme, **more}


@pytest.mark.parametrize("provider", ["openai_compatible", "anthropic"])
def test_a_project_is_judged_and_stands_on_its_pages(serve: Serve, model: Model, provider: str) -> None:
    box = serve(**model.env(provider))
    alice = box.add("alice")
    answer = alice.post(EVALUATE, body())
    assert answer.status_code == 200, answer.text
    said = answer.json()
    found = said["evaluation"]
    assert found == said["data"]["evaluation"]
    assert (found["finalScore"], found["backendScore"], found["passed"]) == (7, 4, True)
    assert (found["penaltyScore"], found["cumulativeScoreAfter"], found["state"]) == (0, 7, "done")
    assert len(model.asked) == 2
    with Visitor(box) as visitor:
        board = visitor.get("/projects").text
        assert "tally" in board
        assert "1 project passed." in board
        page = visitor.get(f"/projects/{box.ask('SELECT id FROM projects')[0][0]}").text
        assert "passed with 7 of 10" in page
        assert QUOTES[0] not in page, "what the model quotes is for its person alone"
