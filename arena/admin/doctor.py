"""``arena admin doctor``: what is weak about the box, one sentence each, with what to do."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import asyncio
from collections.abc import Iterator
from functools import partial

from arena.admin.command import Opened
from arena.audit.actions import verify
from arena.backups.actions.files import damage_of
from arena.core import clock, mail
from arena.core.sending import Unsent
from arena.operations.actions.health import facts
from arena.operations.models import Finding
from arena.operations.rules.findings import damaged, findings


def main(argv: list[str]) -> int:
    """Look the box over; 0 if there is nothing to warn about, 1 otherwise."""
    does = "say what is weak about this box and what to do about it"
    made = command.alone("doctor", does, _look, "doctor --json")
    made.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _look(box: Opened, arguments: argparse.Namespace) -> int:
    if problem := damage_of(box.place.database):
        return _tell([damaged(problem)], is_json=arguments.json)
    now = clock.now()
    seen = box.db.read_sync(partial(facts, place=box.place, now=now))
    found = [*findings(box.config, seen, now, verify(box.db)), *_mail(box)]
    return _tell(found, is_json=arguments.json)


def _tell(found: list[Finding], *, is_json: bool) -> int:
    if is_json:
        command.print_json(found)
    elif not found:
        print("Nothing to warn about.")
    else:
        for each in found:
            print(f"- {each.sentence}")
    return 1 if found else 0


def _mail(box: Opened) -> Iterator[Finding]:
    """Ask the mail server, if one is configured, whether it lets this box in."""
    if not box.config.mail.is_on:
        return
    try:
        asyncio.run(mail.check(box.config.mail))
    except Unsent as no:
        yield Finding("mail_server", f"{no.sentence} Put [mail] right, and try `arena admin mail test ADDRESS`.")
