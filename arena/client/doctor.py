"""``arena doctor``: looks over what is found, installed, waiting and reachable, and says what to do about it."""

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from arena import __version__
from arena.client import credentials, hooks, ledger, schedule, settings, spool, terminal
from arena.client.home import Refused, state_folder

if TYPE_CHECKING:
    from arena.client.counting import Tool

HOUR = 3600.0
DAY = 24 * HOUR
SKEW = 60.0
"""Seconds between two clocks that are worth a word; sync itself gets along with any."""

SOON = 7
"""Days before the tool deletes a transcript from which on it is urgent to count it."""

WORDS_WAIT = DAY
"""Seconds after which what a hook left in the spool should have been sent."""

HOOK_PATIENCE = 10
"""Seconds."""

Json = dict[str, Any]


def main(argv: list[str]) -> int:
    """Say what is found here, and what needs attention."""
    parser = terminal.parser(
        "doctor", "Look over this machine: tools, hooks, what waits, what would be lost, the server.", "arena doctor"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    return terminal.guarded(lambda: _look_over(asked))


def _look_over(asked: Namespace) -> int:
    attention: list[str] = []
    told: Json = {"arena": __version__, "python": platform.python_version(), "state": state_folder()}
    told["tools"] = _tools(attention)
    told["schedule"] = _schedule(attention)
    told["hooks"] = _hooks(told["tools"], told["schedule"] is not None, attention)
    told |= _waiting(attention)
    told["server"] = _server(attention)
    told["attention"] = attention
    if asked.json:
        print(json.dumps(told))
    else:
        _print(told)
    for sentence in attention:
        terminal.complain(sentence)
    return 1 if attention else 0


# -- what the tools keep


def _tools(attention: list[str]) -> list[Json]:
    from arena.client.counting import found, module, tool_names

    conn = ledger.opened()
    try:
        return [_tool(conn, tool, attention) for tool in map(module, tool_names()) if found(tool)]
    finally:
        conn.close()


def _tool(conn: Any, tool: "Tool", attention: list[str]) -> Json:
    known = ledger.positions(conn, tool.NAME)
    ages: list[float] = []
    uncounted: list[float] = []
    told: Json = {"tool": tool.NAME}
    now = time.time()
    try:
        for source in tool.sources():
            age = max(0.0, now - source.stamp[2] / 1e9)
            ages.append(age)
            if known.get(source.path) != source.stamp:
                uncounted.append(age)
    except OSError as error:
        attention.append(f"what {tool.NAME} keeps cannot be looked through ({error}); see to it.")
    told |= {
        "places": [_short(place) for place in tool.places() if os.path.exists(place)],
        "sources": len(ages),
        "uncounted": len(uncounted),
    }
    told |= {"newest_hours": _hours(min(ages, default=None)), "oldest_hours": _hours(max(ages, default=None))}
    told["kept_days"], told["keep_longer"] = None, ""
    retention = getattr(tool, "retention", None)
    if retention is not None:
        days, told["keep_longer"] = retention()
        told["kept_days"] = days
        soon = sum(age > (days - SOON) * DAY for age in uncounted)
        if soon:
            attention.append(
                f"{soon} of {tool.NAME}'s sources are not counted yet and it deletes what is older than {days} days; "
                "run `arena sync` now."
            )
    return told


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / HOUR, 1)


# -- what is installed


def _hooks(tools: list[Json], scheduled: bool, attention: list[str]) -> list[Json]:
    told = []
    uncounted = {tool["tool"]: tool["uncounted"] for tool in tools}
    silent = [name for name in hooks.hookless() if uncounted.get(name)]
    if silent and not scheduled:
        attention.append(
            f"{', '.join(silent)} {'call' if len(silent) > 1 else 'calls'} no hooks, so only a sync counts what is new "
            f"there; run `arena sync`, or `arena hooks install --schedule` for one every {schedule.MINUTES} minutes."
        )
    for name in hooks.hookable():
        if name not in uncounted:
            continue
        state = hooks.state(name)
        works = None
        if state == "unreadable":
            attention.append(f"the settings of {name} cannot be read, so nobody knows its hook; mend the file.")
        elif state == "missing" and uncounted[name] and not scheduled:
            attention.append(f"{name} does not call arena when a session ends; run `arena hooks install {name}`.")
        elif state == "installed":
            trouble = _run_hook(hooks.command(name))
            works = not trouble
            if trouble:
                attention.append(
                    f"the hook of {name} does not run ({trouble}); run `arena hooks install {name}` to set it anew."
                )
        told.append({"tool": name, "state": state, "works": works})
    return told


def _schedule(attention: list[str]) -> Json | None:
    found = schedule.current()
    if found is None:
        return None
    if found.program and not os.access(found.program, os.X_OK):
        attention.append(
            f"the sync by {found.by} calls {found.program}, which is not there any more; run `arena hooks install "
            "--schedule` to set it anew."
        )
    return found._asdict()


def _run_hook(command: str) -> str:
    """Run a hook as the tool does, but for a word in a spool of its own; says what went wrong, or nothing."""
    with tempfile.TemporaryDirectory() as elsewhere, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S602 - the tools run it by a shell too
            f"{command} --check",
            shell=True,
            env={**os.environ, "ARENA_HOME": elsewhere},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(HOOK_PATIENCE)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"it takes longer than {HOOK_PATIENCE} seconds"
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    said = terminal.clean(lines[-1]) if lines else ""
    return "" if (code, said) == (0, "ok") else said or f"it ends with code {code}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and whatever it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# -- what waits


def _waiting(attention: list[str]) -> Json:
    from arena.client.batches import waiting
    from arena.client.exclusions import excluded_files

    told: Json = {"excluded": [], "excluded_sessions": 0}
    hidden: set[int] = set()
    conn = ledger.opened()
    try:
        try:
            told["excluded"] = list(settings.current().excluded)
            hidden, sessions = excluded_files(conn, settings.current().excluded)
            told["excluded_sessions"] = len(sessions)
        except Refused as refusal:
            attention.append(str(refusal))
        told["unsent"], told["refused"] = waiting(conn, hidden)
    finally:
        conn.close()
    ages = [time.time() - os.stat(path).st_mtime for path in spool.words()]
    told["spool"] = {"words": len(ages), "oldest_hours": _hours(max(ages, default=None))}
    if told["refused"]:
        attention.append(
            f"the server refused {terminal.human(told['refused'])} records; `arena sync --full` tries them again and "
            "tells why."
        )
    if max(ages, default=0) > WORDS_WAIT:
        attention.append(
            f"hooks left word {len(ages)} times and nothing was sent for a day or more; run `arena sync` to see why."
        )
    return told


# -- the server


def _server(attention: list[str]) -> Json | None:
    try:
        who = credentials.current()
    except Refused as refusal:
        attention.append(str(refusal))
        return None
    if who is None:
        attention.append("nobody is signed in here, so nothing is sent; run `arena login`.")
        return None
    from arena.client.api import Api

    told: Json = {"address": who.server, "reachable": False, "key_good": False, "username": who.username}
    with Api(who) as api:
        try:
            identity = api.verify()
            told |= {"key_good": identity.valid, "username": identity.username, "key": identity.apiKeyPrefix}
            if not identity.valid:
                attention.append(f"{who.server} does not know this key; run `arena login` to get another.")
        except Refused as refusal:
            attention.append(str(refusal))
        ahead = api.ahead
    told["reachable"] = ahead is not None
    told["clock_ahead_seconds"] = None if ahead is None else round(ahead)
    if ahead is not None and abs(ahead) > SKEW:
        way = "ahead of" if ahead > 0 else "behind"
        attention.append(
            f"this machine's clock is {abs(round(ahead))} seconds {way} the server's, so sessions may land on a wrong "
            "day; set it right."
        )
    return told


# -- for people


def _print(told: Json) -> None:
    print(f"{terminal.bold('arena')} {told['arena']}, Python {told['python']}, state in {_short(told['state'])}")
    _section("tools", [line for tool in told["tools"] for line in _tool_lines(tool)] or ["none is found here"])
    _section("hooks", [_hook_line(hook) for hook in told["hooks"]] or ["no tool here calls hooks"])
    _section("schedule", [_schedule_line(told["schedule"])])
    words = told["spool"]["words"]
    waits = f"{terminal.human(told['unsent'])} records not sent yet, {words} words of hooks in the spool"
    _section("waiting", [waits])
    lines = [terminal.clean(pattern) for pattern in told["excluded"]] or ["nothing"]
    _section("excluded", [*lines, *([f"{told['excluded_sessions']} sessions stay here"] if told["excluded"] else [])])
    _section("server", [_server_line(told["server"])])
    if not told["attention"]:
        print("Nothing needs attention.")
    sys.stdout.flush()


def _section(name: str, lines: list[str]) -> None:
    for number, line in enumerate(lines):
        print(f"{name if not number else '':<9} {line}")


def _tool_lines(tool: Json) -> Iterator[str]:
    if not tool["sources"]:
        yield f"{tool['tool']}: nothing kept"
        return
    count = f"{terminal.human(tool['sources'])} sources" if tool["sources"] != 1 else "1 source"
    line = f"{tool['tool']}: {count} in {', '.join(tool['places'])}, the last from {_ago(tool['newest_hours'])}"
    if tool["oldest_hours"] != tool["newest_hours"]:
        line += f", the first from {_ago(tool['oldest_hours'])}"
    if tool["uncounted"]:
        line += f", {terminal.human(tool['uncounted'])} with something new"
    yield line
    if tool["kept_days"] is not None:
        yield f"  it deletes them after {tool['kept_days']} days; what is counted stays counted"
        yield f"  {tool['keep_longer']}"


def _hook_line(hook: Json) -> str:
    return f"{hook['tool']}: {hook['state']}{ {True: ', runs', False: ', does not run', None: ''}[hook['works']] }"


def _schedule_line(found: Json | None) -> str:
    if found is None:
        return "none; hooks alone have things sent"
    return f"a sync every {schedule.MINUTES} minutes by {found['by']} ({_short(found['place'])})"


def _server_line(server: Json | None) -> str:
    if server is None:
        return "not signed in"
    if not server["reachable"]:
        return f"{server['address']}: not reachable"
    who = terminal.clean(server["username"]) or "nobody"
    key = "key good" if server["key_good"] else "key refused"
    return f"{server['address']}: reachable, {key}, {who}, clocks {abs(server['clock_ahead_seconds'])} s apart"


def _ago(hours: float) -> str:
    if hours < 1:
        return "this hour"
    return f"{hours:.0f} hours ago" if hours < 48 else f"{hours / 24:.0f} days ago"


def _short(path: str) -> str:
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path == home or path.startswith(home + os.sep) else path
