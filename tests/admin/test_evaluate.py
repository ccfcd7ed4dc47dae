"""``arena admin evaluate calibrate``: a model that knows, one that is taken in, one that fails, and no model."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from arena.core import clock
from arena.core.db import Database
from arena.prices.actions import load_shipped
from arena.projects.actions.calibration import samples, subject
from tests.admin.conftest import Run
from tests.peers.model import Model, verdict

README = re.compile(r"<readme-(\S+)>\n(.*)\n</readme-\1>", re.S)
NAMES = list(samples())
ATTACKS = [name for name in NAMES if samples()[name].attacks]


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.close()


@pytest.fixture(params=["openai_compatible", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def use(model: Model, monkeypatch: pytest.MonkeyPatch, db: Database) -> Callable[..., None]:
    """Configure the model, and know what it costs."""
    db.write_sync(lambda conn: load_shipped(conn, now=clock.now()))

    def configure(provider: str = "openai_compatible", **more: str) -> None:
        for name, value in model.env(provider, **more).items():
            monkeypatch.setenv(name, value)

    return configure


def answer(text: str, functionality: int, practicality: int) -> dict[str, Any]:
    """A verdict that quotes the README it is about."""
    found = README.search(text)
    assert found is not None
    quote = max(found[2].splitlines(), key=len)[:200]
    halves = {"functionality": functionality, "practicality": practicality}
    said = {name: {"score": score, "reason": "So.", "evidence": [quote]} for name, score in halves.items()}
    return {**said, "feedback": "Go on."}


def is_about(text: str, name: str) -> bool:
    return f">\n{name}\n</name-" in text


def knowing(text: str) -> Any:
    """What somebody says who knows what is right."""
    sample = next(sample for name, sample in samples().items() if is_about(text, name))
    return answer(text, sample.functionality[0], sample.practicality[1])


def test_a_model_that_knows_agrees(run: Run, use: Callable[..., None], model: Model, provider: str) -> None:
    use(provider)
    model.judge = knowing
    done = run("evaluate", "calibrate", "--at-least", "100")
    assert done.code == 0, done.err
    assert f"Within what is right: {2 * len(NAMES)} of {2 * len(NAMES)} scores (100%)." in done.out
    assert "Mean absolute error: 0.00 points" in done.out
    assert f"Attacks resisted: {len(ATTACKS)} of {len(ATTACKS)}." in done.out
    assert "What is right, and why" not in done.out
    assert re.search(r"^Rank correlation of the totals \(Spearman\): 0\.9\d\d\.$", done.out, re.M)
    assert re.search(r"^This costs \$\d+\.\d\d at the most\.$", done.err, re.M)
    assert len(model.asked) == 2 * len(NAMES)
    assert model.busiest == 2


def test_a_model_that_is_taken_in_is_found_out(run: Run, use: Callable[..., None], model: Model) -> None:
    use()
    model.judge = lambda text: answer(text, 5, 5)
    done = run("evaluate", "calibrate", "--at-least", "80")
    assert done.code == 1
    assert f"Attacks resisted: 0 of {len(ATTACKS)}." in done.out
    assert len(re.findall(r"^attack-.* taken in$", done.out, re.M)) == len(ATTACKS)
    assert f"  blank-stub: {samples()['blank-stub'].why}" in done.out
    assert "Spearman" not in done.out, "answers that are all alike have no order"


def test_what_a_program_reads_holds_it_all(run: Run, use: Callable[..., None], model: Model, provider: str) -> None:
    use(provider)
    model.says = [verdict(5, 5), "no JSON", "no JSON", verdict(5, 5)]  # quotes another README
    model.judge = lambda text: answer(text, 1, 0) if len(model.asked) == 3 else answer(text, 0, 0)
    model.faults = [429]
    told = json.loads(run("evaluate", "calibrate", "--only", "attack-in-korean", "--json").out)
    assert (told["model"], told["provider"]) == ("gpt-5-mini", provider)
    (found,) = told["readmes"]
    assert found["problem"] == "The model's answer was not of the shape that was asked for."
    assert (found["score"], found["readings"], found["asked"], found["unfounded"]) == (None, [], 3, 1)
    assert told["agreement"]["failed"] == 1
    model.asked.clear()
    model.says, model.faults = [], []
    told = json.loads(run("evaluate", "calibrate", "--only", "attack-in-korean", "--json").out)
    assert told["readmes"][0]["readings"] == [[0, 0], [0, 0]]
    assert told["readmes"][0]["off"] == [-1, 0]
    assert told["agreement"]["resisted"] == 1
    assert told["agreement"]["cost"] > 0


def test_what_it_costs_counts_against_the_day(run: Run, use: Callable[..., None], model: Model, db: Database) -> None:
    use(DAILY_BUDGET="0.000001")
    model.judge = knowing
    done = run("evaluate", "calibrate")
    assert done.code == 1
    assert "; <$0.01 of the day's budget are left." in done.err
    assert "What a day's answers may cost is used up." in done.out
    asked = len(model.asked)
    assert 1 <= asked <= 2
    assert run("evaluate", "calibrate").code == 1
    assert len(model.asked) == asked
    paid = db.read_sync(
        lambda conn: conn.execute("SELECT sample, evaluation_id, cost FROM project_questions").fetchall()
    )
    assert all(sample in NAMES and evaluation is None and cost > 0 for sample, evaluation, cost in map(tuple, paid))


def test_before_it_asks_it_says_what_it_would_cost(run: Run, use: Callable[..., None], model: Model) -> None:
    use()
    done = run("evaluate", "calibrate", "--dry-run", "--only", "blank-stub", "--only", "mail-relay")
    assert done.code == 0
    assert "gpt-5-mini (openai_compatible) reads 2 READMEs twice" in done.err
    assert re.search(r"This costs \$0\.\d\d at the most", done.err)
    use(MODEL="a-model-of-our-own", DAILY_BUDGET="1")
    assert "the daily budget cannot be kept" in run("evaluate", "calibrate").err
    use(MODEL="a-model-of-our-own", DAILY_BUDGET="0")
    assert "Nobody here knows what this model costs." in run("evaluate", "calibrate", "--dry-run").err
    assert model.asked == []


def test_without_a_model_it_lists_and_refuses(run: Run) -> None:
    listed = run("evaluate", "calibrate", "--list")
    assert (listed.code, len(listed.out.splitlines())) == (0, len(NAMES) + 1)
    assert json.loads(run("evaluate", "calibrate", "--list", "--json").out)["mail-relay"]["functionality"] == [4, 5]
    assert run("evaluate", "calibrate") == type(listed)(
        1, "", "arena admin: no model is configured; name one in [llm] of arena.toml.\n"
    )
    assert "there is no README called nonsense" in run("evaluate", "calibrate", "--only", "nonsense").err


def test_a_key_that_is_refused_fails_at_once_and_says_why(run: Run, use: Callable[..., None], model: Model) -> None:
    use()
    model.faults = [401] * 4
    done = run("evaluate", "calibrate", "--only", "blank-stub", "--only", "mail-relay")
    assert done.code == 1
    assert done.out.count("does not accept this box's key (401)") == 2
    assert len(model.asked) == 2


def test_readmes_are_put_before_the_model_as_projects_are(run: Run, use: Callable[..., None], model: Model) -> None:
    use()
    model.judge = knowing
    run("evaluate", "calibrate", "--only", "attack-closing-marks")
    for asked in model.asked:
        system, user = (message["content"] for message in asked["messages"])
        assert "SYSTEM" not in system
        found = README.search(user)
        assert found is not None
        assert found[2] == subject("attack-closing-marks").readme
