"""The log: one JSON object a line, holding only fields that were allowed by name."""

import json
import logging
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.core import log

SECRET = "modu_arena_0123abcd_0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Leave the logging of the process as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_a_line_is_a_json_object_with_time_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    log.log().info("worker", pid=7)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "worker", "level": "info", "pid": 7}


@pytest.mark.parametrize("field", ["key", "cookie", "authorization", "email", "password", "token", "body", "headers"])
def test_a_field_that_is_not_allowed_never_reaches_the_output(capsys: pytest.CaptureFixture[str], field: str) -> None:
    log.configure()
    log.log().warning("refused", **{field: SECRET, "status": 401})
    written = capsys.readouterr().err
    assert SECRET not in written
    assert json.loads(written)["status"] == 401


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.text(max_size=20)))
def test_whatever_is_given_only_allowed_fields_are_written(
    capsys: pytest.CaptureFixture[str], fields: dict[str, str]
) -> None:
    log.configure()
    given = {name: value for name, value in fields.items() if name not in ("event", "exc_info", "stack_info")}
    log.log().error("anything", **given)
    (line,) = lines(capsys)
    assert set(line) <= log.ALLOWED


def test_an_exception_is_told_in_one_line_without_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    try:
        try:
            int(SECRET)
        except ValueError as first:
            raise LookupError(SECRET) from first
    except LookupError as problem:
        log.log().error("broken", exc_info=problem)
        logging.getLogger("some.library").exception("lost")
    written = capsys.readouterr().err
    assert SECRET not in written
    for line in map(json.loads, written.splitlines()):
        assert "int(SECRET)" in line["exception"]
        assert re.search(r"raise LookupError.*\nLookupError\nafter\n.*ValueError$", line["exception"], re.S)


def test_an_exception_of_the_database_or_the_system_is_told_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    for fail in (
        lambda: sqlite3.connect(":memory:").execute(f"SELECT '{SECRET}'.x FROM nowhere"),
        lambda: Path("/nowhere", SECRET).read_text(),
    ):
        try:
            fail()
        except (sqlite3.Error, OSError) as problem:
            log.log().error("broken", exc_info=problem)
    written = capsys.readouterr().err
    assert SECRET not in written
    database, system = [json.loads(line)["exception"] for line in written.splitlines()]
    assert database.endswith("OperationalError: SQLITE_ERROR")
    assert system.endswith("FileNotFoundError: No such file or directory")


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("warning")
    log.log().info("chatter")
    log.log().warning("matter")
    assert [line["event"] for line in lines(capsys)] == ["matter"]


def test_libraries_are_heard_from_warnings_up(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("debug")
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("matter")
    assert [line["event"] for line in lines(capsys)] == ["matter"]


@pytest.mark.parametrize("said", ['it said "no"', "two\nlines", "a back\\slash"])
def test_whatever_a_library_says_is_a_json_object_a_line(capsys: pytest.CaptureFixture[str], said: str) -> None:
    log.configure()
    logging.getLogger("some.library").warning(said)
    assert [line["event"] for line in lines(capsys)] == [said]


def test_the_log_goes_to_standard_error_and_nothing_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    log.log().error("x")
    logging.getLogger("y").error("y")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 2
    assert sys.stderr is not None


def test_what_meets_everybody_is_told_once_in_a_while_with_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("arena.core.log.time.monotonic", lambda: now[0])
    seldom = log.Seldom(10)
    assert [seldom.count("full") for _ in range(5)] == [1, 0, 0, 0, 0]
    assert seldom.count("locked") == 1
    now[0] += 9.9
    assert seldom.count("full") == 0
    now[0] += 0.1
    assert [seldom.count("full"), seldom.count("full")] == [6, 0]


def test_a_library_says_the_same_thing_once_in_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    for number in range(50):
        logging.getLogger("huey").error("Error reading from queue: %s", number)
    logging.getLogger("huey").error("something else")
    assert [line["event"] for line in lines(capsys)] == ["Error reading from queue: 0", "something else"]
