"""``arena admin mail``: whether mail leaves the box."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
import asyncio
from functools import partial

from arena.admin.command import Opened, Refused
from arena.core import clock, ids, mail
from arena.core.letters import letter, letterhead
from arena.core.sending import Unsent
from arena.deliveries.rules import mail_address


def main(argv: list[str]) -> int:
    """Send a letter to try the configuration."""
    made, verbs = command.parser("mail", "Mail that leaves this box.")
    verb = partial(command.verb, verbs)
    test = verb("test", "send a letter now, and say what the mail server said", _test, "mail test alice@example.org")
    test.add_argument("address", metavar="ADDRESS", help="where to")
    return command.run(made, argv)


def _test(box: Opened, arguments: argparse.Namespace) -> None:
    settings, to = box.config.mail, mail_address(arguments.address)
    if not settings.is_on:
        raise Refused("this box sends no mail; name a mail server in [mail] of arena.toml.")
    if to is None:
        raise Refused(f"{arguments.address} is no address that mail can go to.")
    made = letter("test", letterhead(box.config, box.place))
    write = partial(mail.message, settings, id=ids.uuid7(), at=clock.now(), to=to, name="", unsubscribe="")
    try:
        asyncio.run(mail.send(settings, to, write(subject=made.subject, text=made.text, html=made.html)))
    except Unsent as no:
        raise Refused(no.sentence) from no
    print(f"{settings.host} took the letter to {to}.")
