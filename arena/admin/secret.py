"""``arena admin secret``: the secret that signs cookies and forms, from the machine itself; never its value."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
from functools import partial

from arena.admin.command import Opened, Refused
from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.core import clock, keyring
from arena.core.clock import DAY
from arena.web.words import plural


def main(argv: list[str]) -> int:
    """Rotate the secret, or say what is known of it."""
    made, verbs = command.parser("secret", "The secret that signs cookies, forms and jobs.")
    rotate = command.verb(verbs, "rotate", "let a new secret sign, signing nobody out", _rotate, "secret rotate")
    rotate.add_argument(
        "--grace",
        type=int,
        metavar="DAYS",
        help="how long the one before still verifies (default: [accounts] session_days; 0, for one that leaked, "
        "signs everybody out at once)",
    )
    listing = command.verb(verbs, "list", "say which secrets verify, and until when", _list, "secret list")
    listing.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _rotate(box: Opened, arguments: argparse.Namespace) -> None:
    days = box.config.accounts.session_days if arguments.grace is None else arguments.grace
    if not 0 <= days <= 400:
        raise Refused("--grace takes 0 to 400 days.")
    now = clock.now()
    known = keyring.rotate(box.place.secret, grace=days * DAY, now=now)
    box.db.write_sync(
        partial(note, event="secret_rotated", user_id=None, caller=OPERATOR, now=now, days=days, kept=len(known) - 1)
    )
    print("A new secret signs from now on; a running `arena serve` takes it up by itself.")
    if known[1:]:
        print(
            f"{plural(len(known) - 1, 'older one verifies', 'older ones verify')} until {_last(known)} at the latest."
        )
    else:
        print("No older one verifies any more: everybody has to sign in again.")


def _list(box: Opened, arguments: argparse.Namespace) -> None:
    known = keyring.read(box.place.secret) if box.place.secret.exists() else []
    if arguments.json:
        command.print_json([{"signs": each.until is None, "verifies_until_at": each.until} for each in known])
        return
    now = clock.now()
    rows = [
        ("signs" if each.until is None else "verifies" if each.until > now else "is over", command.date(each.until))
        for each in known
    ]
    command.print_rows(("SECRET", "UNTIL (UTC)"), rows)


def _last(known: list[keyring.Secret]) -> str:
    return command.date(max(each.until or 0 for each in known)) + " UTC"
