"""Real boxes for tests: one that a module shares, fresh ones where a test needs its own, and their log on failure."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.flows.serving import UNDERWAY, Laptop, Person, Serving
from tests.flows.transcripts import Tree

Serve = Callable[..., Serving]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show what the boxes wrote to their logs beside a failure."""
    result: Any = yield
    report = result.get_result()
    if report.failed:
        for box in UNDERWAY:
            report.sections.append((f"log of {box.data}", box.log.read_text()[-6000:]))


def end(box: Serving) -> None:
    """Stop a box cleanly; nothing in it may have been broken."""
    if box.process is not None:
        assert box.stop() == 0
    assert '"broken"' not in box.log.read_text()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A box that the tests of a module share."""
    made = Serving(tmp_path_factory.mktemp("box") / "data").start()
    yield made
    end(made)


_numbers = count(1)


@pytest.fixture
def alice(box: Serving) -> Person:
    """Somebody who has sent nothing yet."""
    return box.add(f"alice-{next(_numbers)}")


@pytest.fixture
def bob(box: Serving) -> Person:
    """Somebody else."""
    return box.add(f"bob-{next(_numbers)}")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a box of one's own: options of `arena serve`, and environment variables."""
    made: list[Serving] = []

    def start(*options: str, folder: str = "data", **env: str) -> Serving:
        made.append(Serving(tmp_path / folder, *options, **env))
        return made[-1].start()

    yield start
    for each in made:
        end(each)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Transcripts of one machine, and what they truly add up to."""
    return Tree(tmp_path / "claude")


@pytest.fixture
def laptop(tmp_path: Path, tree: Tree) -> Laptop:
    """The machine of that tree."""
    return Laptop(tmp_path / "home", tree.claude)
