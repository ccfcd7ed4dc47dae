"""``arena admin audit``: the security log, from the machine itself."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import re
import sqlite3
from functools import partial
from zoneinfo import ZoneInfo

import msgspec

from arena.admin.command import Opened, Refused
from arena.audit import actions
from arena.audit.models import EVENTS, Entry
from arena.operations.actions.log import log, person_of
from arena.operations.models import Asked
from arena.operations.rules import log as rules


def main(argv: list[str]) -> int:
    """Check or list the security log."""
    made, verbs = command.parser("audit", "The security log: who did what, from where.")
    verb = partial(command.verb, verbs)
    does = "prove that no row was changed, put in, exchanged or taken away"
    check = verb("verify", does, _verify, "audit verify --head 1204:9f86d0...")
    check.add_argument("--head", type=_head, metavar="ROW:HASH", help="compare a head that was noted earlier, too")
    listing = verb("list", "list what happened, newest first", _list, "audit list alice --event api_key_generated")
    listing.add_argument("name", nargs="?", default="", metavar="NAME", help="only what is about this person (or id)")
    listing.add_argument("--event", default="", choices=sorted(EVENTS), metavar="EVENT", help="only this event")
    listing.add_argument("--address", default="", metavar="ADDRESS", help="only from this address")
    listing.add_argument("--from", dest="since", default="", metavar="DAY", help="from this day on (2026-11-20)")
    listing.add_argument("--to", dest="until", default="", metavar="DAY", help="up to this day, included")
    listing.add_argument("--words", default="", metavar="WORDS", help="only with these words in details or user agent")
    listing.add_argument("--limit", type=_limit, default=50, metavar="N", help="how many rows (default: 50)")
    for each in (check, listing):
        each.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _verify(box: Opened, arguments: argparse.Namespace) -> None:
    found = actions.verify(box.db)
    problem = found.problem
    if problem is None and arguments.head is not None:
        seq, hash = arguments.head
        problem = box.db.read_sync(partial(actions.stands, seq=seq, hash=hash))
    if arguments.json:
        command.print_json({**msgspec.to_builtins(found), "ok": problem is None, "problem": problem})
    elif problem is None:
        print(f"The chain is whole: {found.rows} rows, from {found.first} to {found.head}.")
        print(f"head {found.head}:{found.head_hash}")
        print("Note the head somewhere else; with --head it is compared later.")
    if problem is not None:
        raise Refused(f"the chain of the security log is broken. {problem}")


def _list(box: Opened, arguments: argparse.Namespace) -> None:
    asked = Asked(**{field: getattr(arguments, field) for field in ("event", "address", "since", "until", "words")})
    for sentence in rules.problems(asked).values():
        raise Refused(sentence)

    def read(conn: sqlite3.Connection) -> tuple[list[Entry], dict[str, str]]:
        person = person_of(conn, arguments.name) if arguments.name else None
        if arguments.name and person is None:
            raise Refused(f"nobody is called {arguments.name}; `arena admin users list` shows everybody.")
        query = rules.query(asked, person, ZoneInfo(box.config.arena.time_zone))
        found = log(conn, query, limit=arguments.limit, after=None)
        rows, names = found.rows, found.names
        while found.more and len(rows) < arguments.limit:
            found = log(conn, query, limit=arguments.limit - len(rows), after=found.more)
            rows, names = rows + found.rows, names | found.names
        return rows, names

    rows, names = box.db.read_sync(read)
    if arguments.json:
        command.print_json([_for_programs(row, names) for row in rows])
        return
    command.print_rows(
        ("ROW", "TIME (UTC)", "EVENT", "PERSON", "ADDRESS", "DETAILS"),
        [
            (
                str(row.seq),
                command.date(row.created_at),
                row.event_type,
                names.get(row.user_id, "(deleted)") if row.user_id else "-",
                row.ip_address or "-",
                row.details if row.details != "{}" else "",
            )
            for row in rows
        ],
    )


def _for_programs(row: Entry, names: dict[str, str]) -> dict[str, object]:
    return {
        **msgspec.structs.asdict(row),
        "username": names.get(row.user_id or ""),
        "details": msgspec.json.decode(row.details),
        "hash": row.hash.hex(),
    }


def _head(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if not found:
        raise argparse.ArgumentTypeError("must be a row, a colon and 64 hex digits, as `verify` prints them")
    return int(found[1]), found[2]


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 10000")
    return int(text)
