"""``arena list-excluded``: shows what is never sent."""

import json
from argparse import Namespace

from arena.client import settings, terminal


def main(argv: list[str]) -> int:
    """Show the excluded folders and patterns."""
    parser = terminal.parser("list-excluded", "Show what is never sent.", "arena list-excluded --json")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _show(asked))


def _show(asked: Namespace) -> int:
    excluded = settings.current().excluded
    if asked.json:
        print(json.dumps({"excluded": excluded}))
    else:
        print("\n".join(excluded) or "nothing is excluded.")
    return 0
