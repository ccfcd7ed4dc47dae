"""``arena status``: who is signed in, the four ranks, today, tokens and cost, hooks, and what waits to be sent."""

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from arena.client import credentials, ledger, settings, terminal
from arena.client.home import Refused
from arena.client.words import money, moved, short

PERIODS = (("daily", "today"), ("weekly", "this week"), ("monthly", "this month"), ("allTime", "all time"))


def main(argv: list[str]) -> int:
    """Show how this machine and its person stand."""
    parser = terminal.parser(
        "status", "Show who you are, your ranks, your tokens and what waits.", "arena status --json"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _status(asked))


def _status(asked: Namespace) -> int:
    who = credentials.required()
    told: dict[str, Any] = {"server": who.server, "username": who.username, **_local()}
    trouble = ""
    try:
        told |= _remote(who)
    except Refused as refusal:
        trouble = str(refusal)
    if asked.json:
        print(json.dumps(told))
    else:
        _print(told)
    return terminal.complain(trouble) if trouble else 0


def _local() -> dict[str, Any]:
    from arena.client import hooks
    from arena.client.batches import waiting
    from arena.client.exclusions import excluded_files

    conn = ledger.opened()
    try:
        hidden, _ = excluded_files(conn, settings.current().excluded)
        unsent, refused = waiting(conn, hidden)
    finally:
        conn.close()
    return {
        "unsent": unsent,
        "refused": refused,
        "hooks": {name: hooks.state(name) for name in hooks.hookable() if hooks.found(name)},
    }


def _remote(who: credentials.Credentials) -> dict[str, Any]:
    import msgspec

    from arena.client import standing
    from arena.client.api import Api

    with Api(who) as api:
        found = api.rank()
    standing.keep(found)
    return {
        "username": found.username or who.username,
        "rankings": msgspec.to_builtins(found.rankings),
        "stats": msgspec.to_builtins(found.stats),
        "usage": msgspec.to_builtins(found.usage),
        "today": msgspec.to_builtins(found.today),
        "streak": found.streak,
    }


def _print(told: dict[str, Any]) -> None:
    print(f"{terminal.bold(terminal.clean(told['username']) or 'signed in')} at {told['server']}")
    rankings = told.get("rankings") or {}
    for period, words in PERIODS if rankings else ():
        place = rankings.get(period) or {}
        position, people = place.get("position"), place.get("totalParticipants")
        if position and people and position <= people:
            score = place.get("compositeScore") or 0
            move = moved(place.get("movement"))
            print(f"  {words:<11} #{position} of {people}, score {score:.2f}{move and f', {move} since yesterday'}")
        else:
            print(f"  {words:<11} not ranked")
    stats = told.get("stats")
    if stats:
        total = max(1, stats["inputTokens"] + stats["outputTokens"])
        for words, name in (("input", "inputTokens"), ("output", "outputTokens")):
            print(f"  {words:<11} {terminal.human(stats[name]):>16} {terminal.bar(stats[name] / total)}".rstrip())
        print(f"  {'sessions':<11} {terminal.human(stats['totalSessions']):>16}")
    for line in _costs(told):
        print(f"  {line}")
    for name, state in told["hooks"].items():
        print(f"  hook {name}: {state}")
    refused = f", {terminal.human(told['refused'])} refused by the server" if told["refused"] else ""
    print(f"  {terminal.human(told['unsent'])} records not sent yet{refused}")


def _costs(told: dict[str, Any]) -> Iterator[str]:
    """Say what all of it cost, what there was today, and the streak; as far as the box tells."""
    usage, today = told.get("usage"), told.get("today")
    if usage and usage["costIsComplete"] is not None:
        yield f"{'cost':<11} {money(usage['estimatedCost'], usage['costIsComplete']):>16}"
    if today:
        tokens = today["inputTokens"] + today["outputTokens"]
        cost = money(today["estimatedCost"], today["costIsComplete"] is True)
        yield f"{'used today':<11} {f'{short(tokens)} tokens, {cost}' if tokens else 'nothing'}"
    if told.get("streak") is not None:
        yield f"{'streak':<11} {told['streak']} {'day' if told['streak'] == 1 else 'days'}"
