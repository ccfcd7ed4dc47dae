"""``arena include``: takes an exclusion back; the next sync sends what was held."""

import json
from argparse import Namespace

from arena.client import settings, terminal
from arena.client.home import Refused


def main(argv: list[str]) -> int:
    """Send a project again."""
    parser = terminal.parser("include", "Take an exclusion back.", "arena include '~/clients/*'")
    parser.add_argument("path", nargs="?", default=".", metavar="PATH|PATTERN", help="default: the current folder")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _include(asked))


def _include(asked: Namespace) -> int:
    from arena.client.exclusions import matches, pattern_of

    pattern = pattern_of(asked.path)
    if not settings.include(pattern):
        wider = [old for old in settings.current().excluded if matches(pattern, (old,))]
        if wider:
            raise Refused(f"{pattern} is excluded by {wider[0]}; run `arena include '{wider[0]}'` to take that back.")
        raise Refused(f"{pattern} was not excluded; `arena list-excluded` shows what is.")
    print(json.dumps({"included": pattern}) if asked.json else f"{pattern} is sent again from the next sync on.")
    return 0
