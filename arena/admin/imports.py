"""``arena admin import``: people and usage that another system exported."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import csv
import io
import sqlite3
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from arena.accounts import store as accounts
from arena.accounts.actions import people
from arena.admin.command import Opened, Refused
from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.core.clock import Days
from arena.usage.actions.imports import count_new, take_over
from arena.usage.models import Refused as RowRefused, Road
from arena.usage.rules import imports as rules
from arena.usage.rules.imports import Arrival, Newcomer

AT_ONCE = 500
"""Rows of one write, so that the box serves meanwhile and a kill loses no more than these."""
SHOWN = 50
"""Refused rows that are shown to people; `--json` has all."""
LEFT = {
    "api_keys": "only scrypt hashes of keys are in it, of which no key can be made; everybody gets a new one",
    "daily_user_stats": "made anew from the sessions",
    "user_stats": "made anew from the sessions",
    "rankings": "made anew from the sessions",
    "daily_aggregates": "made anew from the sessions",
    "project_evaluations": "scores of another judge are not taken over",
    "security_audit_log": "it tells of the other system",
    "email_verifications": "codes that are over",
    "tool_types": "this box has its own",
}
"""What of Modu-Arena's tables stays where it is, and why."""


class Told(Struct):
    """What an import did, or with a dry run would do."""

    people_added: list[str] = field(default_factory=list)
    people_known: list[str] = field(default_factory=list)
    rows: int = 0
    new: int = 0
    grown: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)


Rows = Iterator[tuple[str, Mapping[str, Any]]]
"""Rows with where each stands."""


def main(argv: list[str]) -> int:
    """Take over an export of Modu-Arena, or a file of plain columns."""
    made, verbs = command.parser(
        "import",
        "People and usage that another system exported. May be broken off and done again: nothing counts twice.",
    )
    modu = command.verb(
        verbs,
        "modu-arena",
        "take over Modu-Arena's tables: a JSON object of them, or a folder or zip with a CSV file each",
        _modu_arena,
        "import modu-arena export.zip",
    )
    plain = command.verb(verbs, "csv", "take over a file of plain columns", _csv, "import csv usage.csv --dry-run")
    plain.formatter_class = argparse.RawDescriptionHelpFormatter
    width = max(map(len, rules.COLUMNS))
    plain.epilog = "\n".join(
        ["columns:", *(f"  {name:<{width}}  {means}" for name, means in rules.COLUMNS.items()), "", str(plain.epilog)]
    )
    for each in (modu, plain):
        each.add_argument("file", type=Path, metavar="FILE")
        each.add_argument("--dry-run", action="store_true", help="say what would be taken over, change nothing")
        each.add_argument("--json", action="store_true", help="for programs; names every row that was refused")
    return command.run(made, argv)


def _modu_arena(box: Opened, arguments: argparse.Namespace) -> None:
    tables = _tables(arguments.file)
    missing = [name for name in ("users", "sessions", "token_usage") if name not in tables]
    if missing:
        raise Refused(f"{arguments.file} has no table {missing[0]}; it needs users, sessions and token_usage.")
    told, now = Told(), clock.now()
    told.left = {name: sum(1 for _ in rows()) for name, rows in tables.items() if name in LEFT}
    newcomers: dict[str, Newcomer] = {}
    whose: dict[str, str] = {}
    for place, row in tables["users"]():
        found = rules.newcomer(row)
        if not isinstance(found, RowRefused) and found.name in newcomers:
            found = RowRefused("username", f"{found.name} is the name of somebody else here")
        if isinstance(found, RowRefused):
            told.refused.append(f"{place}: {found.sentence}")
            continue
        newcomers[found.name] = found
        whose[str(row.get("id"))] = found.name
    used: dict[str, list[int]] = {}
    for place, row in tables["token_usage"]():
        counted = rules.tokens(row)
        if isinstance(counted, RowRefused):
            told.refused.append(f"{place}: {counted.sentence}")
            continue
        session, figures = counted
        used[session] = [a + b for a, b in zip(used.get(session, (0, 0, 0, 0)), figures, strict=True)]

    def arrivals() -> Iterator[Arrival]:
        for place, row in tables["sessions"]():
            name = whose.get(str(row.get("user_id")))
            report = rules.modu_session(row, used.pop(str(row.get("id")), None), now)
            if name is None:
                told.refused.append(f"{place}: user_id: is nobody who was taken over")
            elif isinstance(report, RowRefused):
                told.refused.append(f"{place}: {report.sentence}")
            else:
                yield Arrival(name, Road.SESSION_API, [report])

    _take(box, arguments, told, newcomers, arrivals(), now)
    told.refused += [f"token_usage: {session}: its session is not there" for session in used]
    _tell(arguments, told)


def _csv(box: Opened, arguments: argparse.Namespace) -> None:
    told, now = Told(), clock.now()
    columns = _columns(arguments.file)
    wrong = sorted(columns - set(rules.COLUMNS))
    if wrong or not set(rules.NEEDED) <= columns:
        problem = f"does not know the column {wrong[0][:50]!r}" if wrong else "needs person, input and output"
        raise Refused(f"{arguments.file}: an import {problem}; `arena admin import csv --help` lists the columns.")
    newcomers: dict[str, Newcomer] = {}

    def arrivals() -> Iterator[Arrival]:
        for place, row in _csv_rows(arguments.file.name, partial(_open, arguments.file)):
            found = rules.plain(row, now)
            if isinstance(found, RowRefused):
                told.refused.append(f"{place}: {found.sentence}")
            else:
                newcomers.setdefault(found.name, Newcomer(found.name))
                yield found

    _take(box, arguments, told, newcomers, arrivals(), now)
    _tell(arguments, told)


# -- taking over


def _take(
    box: Opened,
    arguments: argparse.Namespace,
    told: Told,
    newcomers: dict[str, Newcomer],
    arrivals: Iterable[Arrival],
    now: int,
) -> None:
    """Add the people and count the rows, some at a time; ``newcomers`` may grow while rows are read."""
    days = Days(box.config.arena.time_zone)
    ids: dict[str, str] = {}
    coming = iter(arrivals)
    while some := list(islice(coming, AT_ONCE)):
        _let_in(box, arguments.dry_run, told, newcomers, ids, now)
        told.rows += len(some)
        if arguments.dry_run:
            told.new += box.db.read_sync(partial(count_new, arrivals=some, people=ids))
            continue
        outcome = box.db.write_sync(partial(take_over, arrivals=some, people=ids, days=days, now=now))
        told.new += outcome.stored
        told.grown += outcome.grown
        told.known += outcome.known
        if sys.stderr.isatty() and not arguments.json:
            print(f"\rtook over {told.rows:,} rows", end="", file=sys.stderr, flush=True)
    _let_in(box, arguments.dry_run, told, newcomers, ids, now)
    if arguments.dry_run:
        return
    if sys.stderr.isatty() and not arguments.json:
        print(file=sys.stderr)
    details = {"people": len(told.people_added), "rows": told.rows, "refused": len(told.refused)}
    source = arguments.file.name
    box.db.write_sync(lambda conn: note(conn, "usage_imported", None, OPERATOR, now, source=source, **details))


def _let_in(
    box: Opened, dry_run: bool, told: Told, newcomers: dict[str, Newcomer], ids: dict[str, str], now: int
) -> None:
    """Look up everybody who was named since the last time, and add who is not here."""
    seen = {*told.people_added, *told.people_known}
    waiting = [each for name, each in newcomers.items() if name not in seen]
    if not waiting:
        return

    def look(conn: sqlite3.Connection) -> dict[str, str]:
        found = ((each.name, accounts.user_by_name(conn, each.name)) for each in waiting)
        return {name: person.id for name, person in found if person}

    known = box.db.read_sync(look)
    ids |= known
    told.people_known += known
    missing = [each for each in waiting if each.name not in known]
    told.people_added += [each.name for each in missing]
    if missing and not dry_run:
        ids |= box.db.write_sync(partial(_add_people, newcomers=missing, now=now))


def _add_people(conn: sqlite3.Connection, newcomers: list[Newcomer], now: int) -> dict[str, str]:
    added = {}
    for each in newcomers:
        person = people.add_user(
            conn, name=each.name, display=each.display, caller=OPERATOR, now=now, joined_at=each.joined_at
        )
        if each.private:
            people.set_privacy(conn, user_id=person.id, private=True, caller=OPERATOR, now=now)
        added[each.name] = person.id
    return added


# -- telling


def _tell(arguments: argparse.Namespace, told: Told) -> None:
    if arguments.json:
        command.print_json(told)
        return
    would = "would be " if arguments.dry_run else ""
    print(f"people: {len(told.people_added)} {would}added, {len(told.people_known)} were here already")
    if arguments.dry_run:
        print(f"rows: {told.rows:,} would be taken over, of {told.new:,} nothing is here yet")
    else:
        print(f"rows: {told.rows:,} taken over; records: {told.new:,} new, {told.grown:,} grown, {told.known:,} known")
    print(f"refused: {len(told.refused):,}")
    for sentence in told.refused[:SHOWN]:
        print(f"  {sentence}")
    if len(told.refused) > SHOWN:
        print(f"  and {len(told.refused) - SHOWN:,} more; --json names them all")
    for name, count in told.left.items():
        if count:
            print(f"left where it is: {count:,} of {name}: {LEFT[name]}")
    if told.people_added:
        print(
            "Nobody who was added can sign in yet, for they have no password and no key: "
            "`arena admin users invite NAME` prints a one-time link for each."
        )


# -- reading


def _tables(file: Path) -> dict[str, Any]:
    """Each table of an export: a function that reads its rows anew."""
    if file.is_dir():
        return {each.stem: partial(_csv_rows, each.name, partial(_open, each)) for each in sorted(file.glob("*.csv"))}
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
        return {Path(name).stem: partial(_csv_rows, Path(name).name, partial(_open_in, file, name)) for name in names}
    try:
        exported = msgspec.json.decode(file.read_bytes(), type=dict[str, list[dict[str, Any]] | Any])
    except OSError as problem:
        raise Refused(f"{file}: {problem.strerror}.") from problem
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise Refused(f"{file} is no JSON object of tables, no zip and no folder ({problem}).") from problem
    return {
        _snake(name): partial(_json_rows, _snake(name), rows)
        for name, rows in exported.items()
        if isinstance(rows, list)
    }


def _json_rows(table: str, rows: list[Any]) -> Rows:
    for number, row in enumerate(rows, 1):
        columns = row if isinstance(row, dict) else {}
        yield f"{table} row {number}", {_snake(name): value for name, value in columns.items()}


def _snake(name: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)


def _csv_rows(name: str, opened: Callable[[], AbstractContextManager[io.TextIOBase]]) -> Rows:
    csv.field_size_limit(2**30)
    try:
        with opened() as file:
            reader = csv.DictReader(file, restkey="", restval="")
            columns = [column for column in reader.fieldnames or [] if column]
            before = reader.line_num
            for row in reader:
                place, before = f"{name} line {before + 1}", reader.line_num
                yield place, {column: None if row[column] == r"\N" else row[column] for column in columns}
    except (csv.Error, UnicodeDecodeError) as problem:
        raise Refused(f"{name} is no CSV file in UTF-8 ({problem}).") from problem


def _columns(file: Path) -> set[str]:
    try:
        with _open(file) as opened:
            return set(next(csv.reader(opened), []))
    except (csv.Error, UnicodeDecodeError) as problem:
        raise Refused(f"{file} is no CSV file in UTF-8 ({problem}).") from problem


@contextmanager
def _open(file: Path) -> Iterator[io.TextIOBase]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            yield opened
    except OSError as problem:
        raise Refused(f"{file}: {problem.strerror}.") from problem


@contextmanager
def _open_in(archive: Path, name: str) -> Iterator[io.TextIOBase]:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(name) as member:
            yield io.TextIOWrapper(member, encoding="utf-8-sig", newline="")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise Refused(f"{archive} cannot be unpacked ({problem}).") from problem
