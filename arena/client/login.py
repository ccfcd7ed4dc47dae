"""``arena login``: takes a key, asks the box whose it is, remembers it, installs hooks and sends the history."""

import json
import os
import sys
from argparse import Namespace

from arena.client import credentials, terminal
from arena.client.home import Refused


def main(argv: list[str]) -> int:
    """Sign this machine in."""
    parser = terminal.parser(
        "login",
        "Sign this machine in with an API key from the dashboard, install hooks and send the history.",
        "arena login --server https://arena.example.org --api-key -",
    )
    parser.add_argument("--api-key", metavar="KEY", help="the key, or - to read it from standard input")
    parser.add_argument("--server", metavar="URL", help="the box's address")
    parser.add_argument("--no-hooks", action="store_true", help="do not touch the tools' settings")
    parser.add_argument("--no-sync", action="store_true", help="do not send the history now")
    parser.add_argument("--insecure", action="store_true", help="allow plain http to this server from now on")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _login(asked))


def _login(asked: Namespace) -> int:
    if not asked.api_key:
        raise Refused(
            "pass a key made on the dashboard: `arena login --api-key KEY` (signing in with the browser comes later)."
        )
    key = sys.stdin.readline() if asked.api_key == "-" else asked.api_key
    key = credentials.checked_key(key)
    server = credentials.checked_server(_server(asked), asked.insecure)
    from arena.client.api import Api

    with Api(credentials.Credentials(server, key)) as api:
        identity = api.verify()
    if not identity.valid:
        raise Refused(f"{server} does not know this key; make a new one on the dashboard.")
    credentials.keep(credentials.Credentials(server, key, identity.username))
    hooked = [] if asked.no_hooks else _hook()
    if asked.json:
        print(json.dumps({"username": identity.username, "server": server, "hooks": hooked}))
    else:
        print(f"signed in at {server} as {terminal.bold(terminal.clean(identity.username))}.")
        for name in hooked:
            print(f"hook installed: {name}")
    if asked.no_sync:
        return 0
    from arena.client import sync

    return sync.run(quiet=asked.json)


def _server(asked: Namespace) -> str:
    if asked.server:
        return str(asked.server)
    return os.environ.get("ARENA_SERVER") or credentials.kept_server() or credentials.DEFAULT_SERVER


def _hook() -> list[str]:
    """Install what can be installed; settings that cannot be understood must not keep anybody from signing in."""
    from arena.client import hooks

    installed = []
    for name in hooks.hookable():
        try:
            if hooks.found(name) and hooks.install(name):
                installed.append(name)
        except Refused as refusal:
            terminal.complain(str(refusal))
    return installed
