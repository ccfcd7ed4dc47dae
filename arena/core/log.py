"""The log: one JSON object a line on standard error, holding only fields that were allowed by name.

Of an exception it tells where it came from and of what kind it is, not its message: those of Python itself repeat the
value that they stumbled over.
"""

import logging
import sys
import time
import traceback
from collections.abc import Hashable, MutableMapping
from types import TracebackType
from typing import Any

import structlog

ALLOWED = frozenset(
    "event level timestamp logger request_id method path status ms address url pid code reason count name table "
    "task state version journal exception user_id".split()
)
"""Anything else is dropped, so that a key, a cookie or a mail address cannot reach the log by mistake."""


def _only_allowed(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in fields.items() if name in ALLOWED}


def _exception(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Where an exception and what led to it came from; of SQLite's and the system's errors also the code."""
    told: list[str] = []
    problem: BaseException | None = exc_info[1]
    while problem is not None:
        kind = f"{type(problem).__module__}.{type(problem).__qualname__}".removeprefix("builtins.")
        code = getattr(problem, "sqlite_errorname", None) or getattr(problem, "strerror", None)
        told.append("".join(traceback.format_tb(problem.__traceback__)) + (f"{kind}: {code}" if code else kind))
        problem = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    return "\nafter\n".join(told)


MANY = 1_000
"""Different things that are kept in mind; nobody has as many."""


class Seldom:
    """Keeps a fault that meets everybody from filling the log: the same thing is told once in so many seconds."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._told: dict[Hashable, float] = {}
        self._silent: dict[Hashable, int] = {}

    def count(self, what: Hashable) -> int:
        """Say how often it happened since it was last told, this time included; 0 if it is to be kept quiet."""
        if len(self._told) > MANY:
            self._told.clear()
        now, count = time.monotonic(), self._silent.pop(what, 0) + 1
        if (told := self._told.get(what)) is not None and now < told + self._seconds:
            self._silent[what] = count
            return 0
        self._told[what] = now
        return count


class _Libraries(logging.Filter):
    """Lets a library say the same thing once in a while: some say each second that a file cannot be opened."""

    def __init__(self) -> None:
        super().__init__()
        self._seldom = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        return self._seldom.count((record.name, str(record.msg))) > 0


def configure(level: str = "info") -> None:
    """Send our own log and that of the libraries (from warnings up) to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = [
        structlog.processors.ExceptionRenderer(_exception),
        _only_allowed,
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream of the moment: it may be replaced
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    handler.addFilter(_Libraries())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def log() -> structlog.typing.FilteringBoundLogger:
    """The logger. Give it an event name and allowed fields."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
