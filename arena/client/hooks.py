"""``arena hooks``: has the tools call arena when a session ends, show its line, and the system sync now and then.

What a tool calls stands among its settings (`tool_settings`) or in a file of ours that it loads (`tool_files`).
"""

import json
import os
from argparse import BooleanOptionalAction, Namespace
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from arena.client import schedule, terminal, tool_files, tool_settings
from arena.client.home import Refused

Json = dict[str, Any]


def main(argv: list[str]) -> int:
    """Install, uninstall or list hooks."""
    parser = terminal.parser(
        "hooks",
        "Have the tools call arena when a session ends.\n"
        "On a terminal, `install` also offers a status line, and a sync every 15 minutes for tools that call no hooks.",
        "arena hooks install claude-code",
        "arena hooks install --statusline --schedule",
    )
    parser.add_argument("action", choices=("install", "uninstall", "list"))
    parser.add_argument("tool", nargs="*", metavar="TOOL", help="which tools; all that are found here if none is named")
    parser.add_argument(
        "--statusline", action=BooleanOptionalAction, help="show `arena statusline` in tools that can; or do not ask"
    )
    parser.add_argument(
        "--schedule", action=BooleanOptionalAction, help=f"sync every {schedule.MINUTES} minutes too; or do not ask"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    unknown = [name for name in asked.tool if name not in hookable()]
    if unknown:
        return terminal.wrong_usage(f"there is no hook for `{unknown[0]}`; there is one for: {', '.join(hookable())}.")
    return terminal.guarded(lambda: _act(asked))


def hookable() -> list[str]:
    """List the tools that call hooks."""
    from arena.client.counting import tool_names

    return [name for name in tool_names() if _way(name)]


def hookless() -> list[str]:
    """List the tools found here that call none: what they did is sent by a sync alone."""
    from arena.client.counting import tool_names

    return [name for name in tool_names() if not _way(name) and found(name)]


def found(name: str) -> bool:
    """Say whether a tool has been used here."""
    return any(map(os.path.exists, _tool(name).places()))


def state(name: str) -> str:
    """Say how a tool's hook stands: installed, missing or unreadable."""
    if _way(name) is tool_files:
        return tool_files.state(_tool(name))
    try:
        return "installed" if tool_settings.command(_tool(name)) else "missing"
    except Refused:
        return "unreadable"


def status_line(name: str) -> str | None:
    """Say whose line a tool shows: installed for ours, other, missing or unreadable; None where it shows none."""
    if not hasattr(_tool(name), "STATUS_LINE"):
        return None
    try:
        return tool_settings.status_line(_tool(name))
    except Refused:
        return "unreadable"


def command(name: str) -> str:
    """Name the command that a tool calls, for a shell; nothing where it calls none of ours."""
    return str(_way(name).command(_tool(name)))


def place(name: str) -> str:
    """Name the file that a tool's hook stands in."""
    return str(_way(name).path_of(_tool(name)))


def note(name: str) -> str:
    """Say what is left to do after an install, or nothing."""
    return str(getattr(_tool(name), "HOOK_NOTE", ""))


def install(name: str) -> bool:
    """Have a tool call our hook; says whether anything changed."""
    changed = bool(_way(name).install(_tool(name)))
    if status_line(name) == "installed":
        changed |= tool_settings.show_status_line(_tool(name))
    return changed


def uninstall(name: str) -> bool:
    """Take everything of ours out of a tool; says whether there was anything."""
    return bool(_way(name).uninstall(_tool(name)))


def _tool(name: str) -> Any:
    return import_module(f"arena.client.tools.{name.replace('-', '_')}")


def _way(name: str) -> Any:
    """Choose what looks after a tool's hook; None where it calls none."""
    tool = _tool(name)
    way: ModuleType | None = None
    if hasattr(tool, "HOOK"):
        way = tool_settings
    elif hasattr(tool, "hook_files"):
        way = tool_files
    return way


def _act(asked: Namespace) -> int:
    names = asked.tool or [name for name in hookable() if asked.action == "list" or _matters(asked.action, name)]
    if not names and asked.action == "install" and not asked.schedule and not hookless():
        raise Refused(f"none of the tools with hooks is found here ({', '.join(hookable())}); name one to insist.")
    changed, troubles = _each(asked.action, names)
    before, trouble = schedule.current(), ""
    if asked.action == "install":
        changed |= _offer_status_lines(asked, names)
        trouble = _offer_schedule(asked)
    elif asked.action == "uninstall" and not asked.tool:
        trouble = _unschedule()
    found = schedule.current()
    told = {
        "hooks": [_told(name, name in changed) for name in names],
        "schedule": found._asdict() if found else None,
        "schedule_changed": found != before,
    }
    if asked.json:
        print(json.dumps(told))
    else:
        _print(asked.action, told)
    for sentence in filter(None, [*troubles, trouble]):
        terminal.complain(sentence)
    return 1 if troubles or trouble else 0


def _matters(action: str, name: str) -> bool:
    return found(name) or (action == "uninstall" and "installed" in {state(name), status_line(name)})


def _each(action: str, names: Iterable[str]) -> tuple[set[str], list[str]]:
    """Install or uninstall hooks; a tool whose settings cannot be changed costs no other."""
    changed, troubles = set(), []
    for name in names:
        try:
            if {"install": install, "uninstall": uninstall}.get(action, lambda _: False)(name):
                changed.add(name)
        except Refused as refusal:
            troubles.append(str(refusal))
    return changed, troubles


def _offer_status_lines(asked: Namespace, names: Iterable[str]) -> set[str]:
    able = [name for name in names if status_line(name) == "missing"]
    if asked.statusline is None and able and terminal.has_person() and not asked.json:
        asked.statusline = terminal.agrees(
            f"Show your rank and today's usage in the status line of {' and '.join(able)}?"
        )
    return {name for name in able if asked.statusline and tool_settings.show_status_line(_tool(name))}


def _offer_schedule(asked: Namespace) -> str:
    """Install a schedule if that is wished; says what kept it from being."""
    silent = hookless()
    if asked.schedule is None and silent and schedule.current() is None and terminal.has_person() and not asked.json:
        asked.schedule = terminal.agrees(
            f"{', '.join(silent)} {'call' if len(silent) > 1 else 'calls'} no hooks."
            f" Sync every {schedule.MINUTES} minutes in the background?"
        )
    try:
        if asked.schedule:
            schedule.install()
    except Refused as refusal:
        return str(refusal)
    return ""


def _unschedule() -> str:
    try:
        schedule.uninstall()
    except Refused as refusal:
        return str(refusal)
    return ""


def _told(name: str, changed: bool) -> Json:
    told = {"tool": name, "state": state(name), "changed": changed, "settings": place(name)}
    return told | {"status_line": status_line(name), "note": note(name)}


def _print(action: str, told: Json) -> None:
    for row in told["hooks"]:
        print(f"{row['tool']}: {_became(action, row)} ({row['settings']})")
        if row["status_line"] == "installed":
            print("  shows arena's status line")
        elif row["status_line"] == "other" and action != "uninstall":
            print("  shows a status line of yours, which stays; it may call `arena statusline`")
        if row["changed"] and row["state"] == "installed" and row["note"]:
            print(f"  {row['note']}")
    found = told["schedule"]
    if found:
        print(f"a sync every {schedule.MINUTES} minutes by {found['by']} ({found['place']})")
    elif told["schedule_changed"]:
        print(f"no sync every {schedule.MINUTES} minutes any more")
    elif action != "uninstall" and (silent := hookless()):
        print(f"no sync on its own; {', '.join(silent)} {'call' if len(silent) > 1 else 'calls'} no hooks")


def _became(action: str, row: Json) -> str:
    if action == "uninstall" and row["state"] == "missing":
        return "removed" if row["changed"] else "nothing was installed"
    if action == "install" and row["state"] == "installed" and not row["changed"]:
        return "installed already"
    return str(row["state"])
