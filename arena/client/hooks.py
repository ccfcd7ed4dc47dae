"""``arena hooks``: merges our hook into a tool's settings, takes it out again, and never breaks a file.

What else stands in the settings stays, in its order. The first install keeps a copy beside the file; an uninstall
that finds nothing else changed puts that copy back, byte for byte.
"""

import json
import os
import shutil
import sys
from argparse import Namespace
from importlib import import_module
from typing import Any

from arena.client import terminal
from arena.client.home import Refused

BACKUP = ".arena-backup"
EVENT = "SessionEnd"

Json = dict[str, Any]


def main(argv: list[str]) -> int:
    """Install, uninstall or list hooks."""
    parser = terminal.parser(
        "hooks", "Have the tools call arena when a session ends.", "arena hooks install claude-code"
    )
    parser.add_argument("action", choices=("install", "uninstall", "list"))
    parser.add_argument("tool", nargs="*", metavar="TOOL", help="which tools; all that are found here if none is named")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    asked = parser.parse_args(argv)
    unknown = [name for name in asked.tool if name not in hookable()]
    if unknown:
        return terminal.wrong_usage(f"there is no hook for `{unknown[0]}`; there is one for: {', '.join(hookable())}.")
    return terminal.guarded(lambda: _act(asked))


def hookable() -> list[str]:
    """List the tools that call hooks."""
    from arena.client.counting import tool_names

    return [name for name in tool_names() if hasattr(_tool(name), "HOOK")]


def found(name: str) -> bool:
    """Say whether a tool has been used here."""
    return any(map(os.path.exists, _tool(name).places()))


def state(name: str) -> str:
    """Say how a tool's hook stands: installed, missing or unreadable."""
    try:
        content = _read(_settings(name))
    except Refused:
        return "unreadable"
    return "installed" if any(_ours(hook, name) for hook in _hooks_of(content)) else "missing"


def command(name: str) -> str:
    """Name the command that a tool calls, as it stands in its settings; nothing where it calls none of ours."""
    ours = (hook for hook in _hooks_of(_read(_settings(name))) if _ours(hook, name))
    return next((str(hook["command"]) for hook in ours), "")


def note(name: str) -> str:
    """Say what is left to do after an install, or nothing."""
    return str(getattr(_tool(name), "HOOK_NOTE", ""))


def install(name: str) -> bool:
    """Add our hook to a tool's settings; says whether anything changed."""
    path = _settings(name)
    content = _read(path)
    wanted = {"type": "command", "command": f"{_command()} hook {name}", **_tool(name).HOOK}
    ours = [hook for hook in _hooks_of(content) if _ours(hook, name)]
    if ours == [wanted]:
        return False
    changed = _without(content, name)
    changed.setdefault("hooks", {}).setdefault(EVENT, []).append({"hooks": [wanted]})
    if os.path.exists(path) and not os.path.exists(path + BACKUP):
        shutil.copy2(path, path + BACKUP)
    _write(path, changed)
    return True


def uninstall(name: str) -> bool:
    """Take our hook out of a tool's settings; says whether there was one."""
    path = _settings(name)
    content = _read(path)
    if not any(_ours(hook, name) for hook in _hooks_of(content)):
        return False
    rest = _without(content, name)
    backup = path + BACKUP
    if os.path.exists(backup):
        if _parsed(backup) == rest:
            os.replace(backup, path)
        else:
            _write(path, rest)
            os.unlink(backup)
    elif rest:
        _write(path, rest)
    else:
        os.unlink(path)
    return True


def _act(asked: Namespace) -> int:
    names = asked.tool or [name for name in hookable() if asked.action == "list" or found(name)]
    if not names:
        raise Refused(f"none of the tools with hooks is found here ({', '.join(hookable())}); name one to insist.")
    told = []
    for name in names:
        changed = {"install": install, "uninstall": uninstall}.get(asked.action, lambda _: False)(name)
        told.append({"tool": name, "state": state(name), "changed": changed, "settings": _settings(name)})
    if asked.json:
        print(json.dumps(told))
        return 0
    for row in told:
        print(
            f"{row['tool']}: {row['state']}{'' if row['changed'] or asked.action == 'list' else ' already'}"
            f" ({row['settings']})"
        )
        if row["changed"] and row["state"] == "installed" and note(str(row["tool"])):
            print(f"  {note(str(row['tool']))}")
    return 0


def _tool(name: str) -> Any:
    return import_module(f"arena.client.tools.{name.replace('-', '_')}")


def _settings(name: str) -> str:
    # Settings are often links into a folder of dotfiles; the link must stay.
    return os.path.realpath(str(_tool(name).settings_file()))


def _read(path: str) -> Json:
    content = _parsed(path)
    hooks = content.get("hooks", {})
    entries = hooks.get(EVENT, []) if isinstance(hooks, dict) else None
    if not isinstance(entries, list):
        raise Refused(f"{path} holds hooks in a form that arena does not know, so it is left alone; mend it by hand.")
    return content


def _parsed(path: str) -> Json:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        content = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Refused(f"{path} is not a JSON object, so it is left alone; mend it and run `arena hooks install`.")
    return content


def _hooks_of(content: Json) -> list[Json]:
    entries = content.get("hooks", {}).get(EVENT, [])
    groups = [entry["hooks"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("hooks"), list)]
    return [hook for group in groups for hook in group if isinstance(hook, dict)]


def _ours(hook: Json, name: str) -> bool:
    command = hook.get("command")
    if not isinstance(command, str) or not command.rstrip().endswith(f" hook {name}"):
        return False
    program = command.rstrip().removesuffix(f" hook {name}").strip().strip('"')
    return os.path.basename(program.replace("\\", "/")) in {"arena", "arena.exe"} or program.endswith("-m arena")


def _without(content: Json, name: str) -> Json:
    """Copy settings without our hook and without what would then stand empty on our account."""
    rest: Json = json.loads(json.dumps(content))
    entries = rest.get("hooks", {}).get(EVENT)
    if entries is None:
        return rest
    kept = []
    for entry in entries:
        group = entry.get("hooks") if isinstance(entry, dict) else None
        if not isinstance(group, list) or not any(isinstance(hook, dict) and _ours(hook, name) for hook in group):
            kept.append(entry)
            continue
        entry["hooks"] = [hook for hook in group if not (isinstance(hook, dict) and _ours(hook, name))]
        if entry["hooks"]:
            kept.append(entry)
    if kept or not entries:
        rest["hooks"][EVENT] = kept
    else:
        del rest["hooks"][EVENT]
        if not rest["hooks"]:
            del rest["hooks"]
    return rest


def _command() -> str:
    program = os.path.abspath(sys.argv[0])
    if os.path.basename(program) not in {"arena", "arena.exe"}:
        beside = os.path.join(os.path.dirname(sys.executable), "arena.exe" if sys.platform == "win32" else "arena")
        program = beside if os.path.exists(beside) else shutil.which("arena") or ""
    return f'"{program}"' if program else f'"{sys.executable}" -P -m arena'


def _write(path: str, content: Json) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        mode = os.stat(path).st_mode & 0o777
        with open(path, encoding="utf-8") as file:
            indent = _indent(file.read())
    except FileNotFoundError:
        mode, indent = 0o600, 2
    scratch = f"{path}.{os.getpid()}.new"
    text = json.dumps(content, indent=indent, ensure_ascii=False) + "\n"
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)


def _indent(text: str) -> int | str:
    for line in text.splitlines()[1:]:
        margin = line[: len(line) - len(line.lstrip())]
        if margin:
            return margin if "\t" in margin else len(margin)
    return 2
