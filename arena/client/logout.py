"""``arena logout``: takes key and hooks off this machine, and has the box refuse the key if the person wants that."""

import json
from argparse import Namespace

from arena.client import credentials, terminal
from arena.client.home import Refused


def main(argv: list[str]) -> int:
    """Sign this machine out."""
    parser = terminal.parser(
        "logout", "Remove the key, the hooks and the schedule from this machine.", "arena logout --revoke"
    )
    parser.add_argument("--revoke", action="store_true", help="have the server refuse the key from now on, unasked")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _logout(asked))


def _logout(asked: Namespace) -> int:
    revoked = False
    trouble = ""
    if asked.revoke or _agrees(asked):
        try:
            revoked = _revoke()
        except Refused as refusal:
            trouble = str(refusal)
    removed = credentials.forget()
    unhooked = _unhook()
    _forget()
    if asked.json:
        print(json.dumps({"removed": removed, "revoked": revoked, "hooks": unhooked}))
    else:
        print(
            ("signed out" if removed else "nobody was signed in here") + ("; the key is revoked." if revoked else ".")
        )
    if trouble:
        raise Refused(f"the key is off this machine, but it was not revoked: {trouble}")
    return 0


def _agrees(asked: Namespace) -> bool:
    if asked.json or not terminal.has_person() or not credentials.kept_server():
        return False
    return terminal.agrees("Revoke the key too, so that nobody can use it?")


def _revoke() -> bool:
    from arena.client.api import Api

    who = credentials.current()
    if who is None:
        return False
    with Api(who) as api:
        api.revoke()
    return True


def _unhook() -> list[str]:
    from arena.client import hooks, schedule

    try:
        schedule.uninstall()
    except Refused as refusal:
        terminal.complain(str(refusal))
    removed = []
    for name in hooks.hookable():
        try:
            if hooks.uninstall(name):
                removed.append(name)
        except Refused as refusal:
            terminal.complain(str(refusal))
    return removed


def _forget() -> None:
    from arena.client import standing

    standing.forget()
