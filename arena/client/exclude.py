"""``arena exclude``: keeps a project's usage on this machine, and has the box forget it if asked."""

import json
from argparse import Namespace

from arena.client import credentials, ledger, lock, settings, terminal
from arena.client.home import Refused, keyed_hash

PATIENCE = 5.0


def main(argv: list[str]) -> int:
    """Never send a project from now on."""
    parser = terminal.parser(
        "exclude",
        "Never send the usage of a project; a path excludes all below it, and * ? [ ] are wildcards.",
        "arena exclude '~/clients/*' --forget",
    )
    parser.add_argument("path", nargs="?", default=".", metavar="PATH|PATTERN", help="default: the current folder")
    parser.add_argument("--forget", action="store_true", help="also remove from the server what was sent before")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _exclude(asked))


def _exclude(asked: Namespace) -> int:
    from arena.client.exclusions import pattern_of

    pattern = pattern_of(asked.path)
    settings.exclude(pattern)
    told: dict[str, object] = {"excluded": pattern}
    if asked.forget:
        told["projects"], told["sessions"], told["records"] = _forget(pattern)
    if asked.json:
        print(json.dumps(told))
        return 0
    print(f"{pattern} is never sent from now on.")
    if asked.forget:
        print(f"The server forgot {told['sessions']} sessions with {told['records']} records.")
    return 0


def _forget(pattern: str) -> tuple[int, int, int]:
    from arena.client.api import Api
    from arena.client.exclusions import projects

    sessions = records = 0
    try:
        with Api(credentials.required()) as api, lock.held(PATIENCE):
            conn = ledger.opened()
            try:
                found = projects(conn, pattern)
                for folder, files in sorted(found.items()):
                    gone = api.forget(keyed_hash(folder))
                    sessions += gone.sessions
                    records += gone.records
                    ledger.forget_sent(conn, files)
            finally:
                conn.close()
    except lock.Busy:
        raise Refused("another sync is running on this machine; wait for it and run this again.") from None
    return len(found), sessions, records
