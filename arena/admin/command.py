"""What the operator's commands share: ``--data`` and ``--config``, an open database, and one sentence when it fails."""

# isort: skip_file
# `arena.core.sqlite` first: it chooses the SQLite library.
from arena.core import sqlite

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from arena.core import clock, config, log
from arena.core.buckets import BucketError
from arena.core.config import Config, ConfigError, Place
from arena.core.db import Database
from arena.core.errors import ArenaError


class Refused(Exception):
    """The command cannot be done like this; one sentence why and what to do."""


class Told(Struct, frozen=True):
    """What was said of a box that need not be there."""

    config: Config
    place: Place


class Opened(Told, frozen=True):
    """The box that a command works on."""

    db: Database

    def link(self, token: str) -> str:
        """A one-time link as it is opened: absolute, at the address people use."""
        return f"{self.place.reached_at(self.config.server)}/join/{token}"


Do = Callable[[Any, argparse.Namespace], int | None]
"""What a verb does with a box; it may return an exit code that is not 0."""


def parser(name: str, description: str) -> tuple[argparse.ArgumentParser, Any]:
    """A command and the place for its verbs."""
    made = argparse.ArgumentParser(prog=f"arena admin {name}", description=description, allow_abbrev=False)
    return made, made.add_subparsers(required=True, metavar="VERB")


def verb(verbs: Any, name: str, does: str, do: Do, example: str) -> argparse.ArgumentParser:
    """Add a verb with the options that all of them take."""
    made: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=f"example: arena admin {example}",
        allow_abbrev=False,
    )
    return _with_box(made, do)


def alone(name: str, does: str, do: Do, example: str) -> argparse.ArgumentParser:
    """A command without verbs."""
    made = argparse.ArgumentParser(
        prog=f"arena admin {name}",
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=f"example: arena admin {example}",
        allow_abbrev=False,
    )
    return _with_box(made, do)


def with_box(made: argparse.ArgumentParser) -> None:
    """Add what names a box: its data folder and its configuration."""
    made.add_argument("--data", type=Path, metavar="DIR", help="data folder (default: $ARENA_DATA, else ./arena-data)")
    made.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default: $ARENA_CONFIG, else ./arena.toml if there)"
    )


def _with_box(made: argparse.ArgumentParser, do: Do) -> argparse.ArgumentParser:
    with_box(made)
    made.set_defaults(do=do)
    return made


def run(made: argparse.ArgumentParser, argv: list[str]) -> int:
    """Read the arguments, open the box, do the verb; 0 done, 1 refused with one sentence, 2 wrong usage."""
    return _run(made, argv, _opened)


def run_without_box(made: argparse.ArgumentParser, argv: list[str]) -> int:
    """Do the same for what needs no database, perhaps on a machine that has lost it: the verb is given `Told`."""
    return _run(made, argv, _told)


def _run(
    made: argparse.ArgumentParser,
    argv: list[str],
    opening: Callable[[argparse.Namespace], AbstractContextManager[Told]],
) -> int:
    try:
        arguments = made.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        log.configure("warning")
        with opening(arguments) as box:
            return arguments.do(box, arguments) or 0
    except BrokenPipeError:
        raise
    except (ArenaError, BucketError, ConfigError, Refused, OSError) as problem:
        print(f"arena admin: {problem}", file=sys.stderr)
        return 1
    except sqlite3.Error as problem:
        print(f"arena admin: {sqlite.told(problem)}.", file=sys.stderr)
        return 1


def print_rows(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table for people; the last column may be as wide as it likes."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def print_json(value: Any) -> None:
    """Print data for programs, instants (`*_at`) as RFC 3339."""
    print(msgspec.json.format(msgspec.json.encode(clock.readable(msgspec.to_builtins(value)))).decode())


def date(instant: int | None) -> str:
    """A moment in a table: to the minute, UTC."""
    return "-" if instant is None else clock.iso(instant)[:16].replace("T", " ")


@contextmanager
def _told(arguments: argparse.Namespace) -> Iterator[Told]:
    yield Told(config.load(arguments.config or configuration()), Place(data_folder(arguments).absolute()))


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[Opened]:
    data = data_folder(arguments)
    file = arguments.config or configuration()
    if not data.is_dir():
        raise Refused(f"there is no data folder {data}; start `arena serve` once, or name the folder with --data.")
    settings = config.load(file)
    place = config.place(data)
    _make_tables(place)
    db = Database(place.database)
    try:
        yield Opened(settings, place, db)
    finally:
        db.close_sync()


def data_folder(arguments: argparse.Namespace) -> Path:
    """The data folder that is meant: named, else of the environment, else `arena-data` here."""
    return arguments.data or Path(os.environ.get("ARENA_DATA") or "arena-data")


def configuration() -> Path | None:
    """The configuration file that is not named: of the environment, else `arena.toml` here if there is one."""
    named = os.environ.get("ARENA_CONFIG")
    if named:
        return Path(named)
    return Path("arena.toml") if Path("arena.toml").is_file() else None


def _make_tables(place: Place) -> None:
    """Make the tables of a new database. An older one is left to `arena serve`, which may be using it just now."""
    with closing(sqlite3.connect(place.database)) as conn:
        is_new = conn.execute("PRAGMA schema_version").fetchone()[0] == 0
    if is_new:
        from arena.core.migrate import migrate
        from arena.rooms import schemas

        migrate(place.database, schemas())
