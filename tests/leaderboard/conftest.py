"""Short words for boards: somebody worked on a day, somebody's project was judged."""

import itertools
import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from arena.audit.models import OPERATOR
from arena.core.clock import Days
from arena.core.config import LLM
from arena.core.db import Database
from arena.projects import store as projects
from arena.projects.actions.queue import submit
from arena.projects.models import Result, Submission
from arena.usage.actions.records import record
from arena.usage.models import TOOL_BY_ID, Report, Road
from arena.wire import Record, record_key, session_hash
from tests.conftest import NOW, PEOPLE

_numbers = itertools.count()

Use = Callable[..., None]
Judge = Callable[..., None]


def noon(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T12:00:00Z").timestamp() * 1000)


@pytest.fixture
def use(db: Database, days: Days) -> Use:
    """Somebody has one session with one record at noon of a day."""

    def write(
        person: str,
        day: str,
        input: int = 10,
        output: int = 5,
        cache: int = 0,
        at: int | None = None,
        tool: str = "claude-code",
    ) -> None:
        number = next(_numbers)
        at = noon(day) if at is None else at
        sent = Record(key=record_key(f"m{number}", "r"), at=at, model="m", input=input, output=output, cache_read=cache)
        report = Report(TOOL_BY_ID[tool], session_hash(tool, f"s{number}"), at, at, [sent])
        write = partial(record, user_id=PEOPLE[person], reports=[report], road=Road.TRANSCRIPTS, days=days, now=NOW)
        db.write_sync(write)

    return write


@pytest.fixture
def judged(db: Database) -> Callable[..., None]:
    """A project of somebody was judged at noon of a day."""

    def write(person: str, name: str, day: str, functionality: int, practicality: int) -> None:
        def all_of_it(conn: sqlite3.Connection) -> None:
            settings = LLM("openai_compatible", "http://127.0.0.1", "m")
            sent = Submission(name, f"# {name} {day}")
            submit(conn, user_id=PEOPLE[person], sent=sent, settings=settings, day=day, caller=OPERATOR, now=noon(day))
            claimed = projects.claim(conn, "claim", noon(day))
            assert claimed is not None
            passed = functionality + practicality >= 5
            result = Result(functionality, practicality, passed, "So.")
            assert projects.finish(conn, claimed, result, "[]", "m", "openai_compatible", noon(day))

        db.write_sync(all_of_it)

    return write
