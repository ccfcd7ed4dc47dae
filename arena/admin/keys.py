"""``arena admin keys``: API keys, from the machine itself."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import sqlite3
from functools import partial

from arena.accounts import rules, store
from arena.accounts.actions import keys, people
from arena.accounts.models import Key
from arena.admin.command import Opened, Refused
from arena.audit.models import OPERATOR
from arena.core import clock


def main(argv: list[str]) -> int:
    """List, create or revoke API keys."""
    made, verbs = command.parser("keys", "API keys: one for each machine that sends usage.")
    verb = partial(command.verb, verbs)
    listing = verb("list", "list keys: prefix, person, last use; never the key", _list, "keys list alice")
    listing.add_argument("name", nargs="?", metavar="NAME", help="only this person's")
    listing.add_argument("--json", action="store_true", help="for programs")
    create = verb("create", "make a key and print it: the only time that it is shown", _create, "keys create alice")
    create.add_argument("name", metavar="NAME", help="user name")
    create.add_argument("--label", default="", help="the machine it is for (default: laptop)")
    revoke = verb("revoke", "let a key open nothing any more", _revoke, "keys revoke modu_arena_0123abcd")
    revoke.add_argument("prefix", metavar="PREFIX", help="the first 19 characters, as `list` shows them")
    return command.run(made, argv)


def _list(box: Opened, arguments: argparse.Namespace) -> None:
    def read(conn: sqlite3.Connection) -> list[Key]:
        if arguments.name is None:
            return store.keys(conn)
        return store.keys_of(conn, people.someone(conn, arguments.name).id)

    listed = box.db.read_sync(read)
    if arguments.json:
        command.print_json(listed)
        return
    rows = [
        (k.prefix, k.username, _state(k), command.date(k.created_at), command.date(k.last_used_at), k.label)
        for k in listed
    ]
    command.print_rows(("PREFIX", "NAME", "STATE", "CREATED (UTC)", "LAST USED (UTC)", "LABEL"), rows)


def _create(box: Opened, arguments: argparse.Namespace) -> None:
    def write(conn: sqlite3.Connection) -> str:
        person = people.someone(conn, arguments.name)
        return keys.make_key(
            conn, user_id=person.id, label=arguments.label, way="operator", caller=OPERATOR, now=clock.now()
        )

    print(box.db.write_sync(write))


def _revoke(box: Opened, arguments: argparse.Namespace) -> None:
    prefix = arguments.prefix.strip()[: rules.PREFIX_LENGTH]

    def write(conn: sqlite3.Connection) -> int:
        owners = store.owners_of_prefix(conn, prefix)
        for person in owners:
            keys.revoke_key(conn, user_id=person.id, prefix=prefix, caller=OPERATOR, now=clock.now())
        return len(owners)

    if not box.db.write_sync(write):
        raise Refused(f"there is no live key with the prefix {prefix}; `arena admin keys list` shows them.")
    print(f"{prefix} is revoked.")


def _state(key: Key) -> str:
    return "live" if key.revoked_at is None else "revoked"
