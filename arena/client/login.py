"""``arena login``: comes by a key, asks the box whose it is, remembers it, installs hooks and sends the history."""

import json
import os
import sys
from argparse import Namespace
from functools import partial

from arena.client import credentials, terminal
from arena.client.home import Refused

LABEL_LENGTH = 50


def main(argv: list[str]) -> int:
    """Sign this machine in."""
    parser = terminal.parser(
        "login",
        "Sign this machine in, install hooks and send the history.\n"
        "The browser asks its person; a machine without one shows a code to type elsewhere.",
        "arena login --server https://arena.example.org",
        "arena login --device --label build-server",
        "arena login --server https://arena.example.org --api-key - < key.txt",
    )
    parser.add_argument("--server", metavar="URL", help="the box's address")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--device", action="store_true", help="show a code, even where a browser could be opened")
    ways.add_argument(
        "--api-key", metavar="KEY", help="a key made on the dashboard, or - to read it from standard input"
    )
    parser.add_argument("--label", metavar="NAME", help="what the key is called on the dashboard (this machine's name)")
    parser.add_argument("--no-hooks", action="store_true", help="do not touch the tools' settings")
    parser.add_argument("--no-sync", action="store_true", help="do not send the history now")
    parser.add_argument("--insecure", action="store_true", help="allow plain http to this server from now on")
    parser.add_argument(
        "--json", action="store_true", help="answer as JSON; what a person must do is on standard error"
    )
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _login(asked))


def _login(asked: Namespace) -> int:
    try:
        found = _with_key(asked) if asked.api_key is not None else _with_person(asked)
    except KeyboardInterrupt:
        terminal.complain("stopped; nothing was signed in.")
        return 130
    before = _before()
    credentials.keep(found)
    _forget()
    if found.own and before and before.own and before.server == found.server:
        _revoke(before)
    hooked = {} if asked.no_hooks else _hook()
    if asked.json:
        print(json.dumps({"username": found.username, "server": found.server, "hooks": list(hooked)}))
    else:
        print(f"signed in at {found.server} as {terminal.bold(terminal.clean(found.username))}.")
        for name, left in hooked.items():
            print(f"hook installed: {name}")
            if left:
                print(f"  {left}")
        if not asked.no_hooks:
            _tell_more()
    if asked.no_sync:
        return 0
    from arena.client import sync

    return sync.run(quiet=asked.json)


def _with_key(asked: Namespace) -> credentials.Credentials:
    key = credentials.checked_key(sys.stdin.readline() if asked.api_key == "-" else asked.api_key)
    return _verified(credentials.Credentials(credentials.checked_server(_server(asked), asked.insecure), key))


def _with_person(asked: Namespace) -> credentials.Credentials:
    server = credentials.checked_server(_server(asked), asked.insecure)
    say = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    from arena.client import device_code, loopback

    way = device_code if asked.device or not loopback.has_browser() else loopback
    return _verified(credentials.Credentials(server, way.sign_in(server, _label(asked), say), own=True))


def _verified(found: credentials.Credentials) -> credentials.Credentials:
    from arena.client.api import Api

    with Api(found) as api:
        identity = api.verify()
    if not identity.valid:
        raise Refused(f"{found.server} does not know this key; run `arena login` again.")
    return found._replace(username=identity.username)


def _server(asked: Namespace) -> str:
    if asked.server:
        return str(asked.server)
    return os.environ.get("ARENA_SERVER") or credentials.kept_server() or credentials.DEFAULT_SERVER


def _label(asked: Namespace) -> str:
    if asked.label:
        return str(asked.label)[:LABEL_LENGTH]
    from socket import gethostname

    return gethostname().partition(".")[0][:LABEL_LENGTH]


def _before() -> credentials.Credentials | None:
    """Say who was signed in here until now; a file that cannot be read is replaced like any other."""
    try:
        return credentials.kept()
    except Refused:
        return None


def _revoke(before: credentials.Credentials) -> None:
    """Have the box refuse the key that this machine had until now; one that it refuses already needs nothing."""
    from arena.client.api import Api

    try:
        with Api(before) as api:
            api.revoke()
    except Refused:
        pass


def _tell_more() -> None:
    """Say what `arena hooks` offers beside hooks, where that is of use here."""
    from arena.client import hooks, schedule

    silent = hooks.hookless()
    if silent and schedule.current() is None:
        print(
            f"{', '.join(silent)} {'call' if len(silent) > 1 else 'calls'} no hooks; `arena hooks install --schedule`"
            f" syncs every {schedule.MINUTES} minutes."
        )


def _forget() -> None:
    from arena.client import standing

    standing.forget()


def _hook() -> dict[str, str]:
    """Install what can be installed, and say what is left to do for each.

    Settings that cannot be understood must not keep anybody from signing in.
    """
    from arena.client import hooks

    installed = {}
    for name in hooks.hookable():
        try:
            if hooks.found(name) and hooks.install(name):
                installed[name] = hooks.note(name)
        except Refused as refusal:
            terminal.complain(str(refusal))
    return installed
