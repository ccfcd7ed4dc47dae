"""A tool's settings, with our hook and our status line in them: merged in, taken out again, no file ever broken.

What else stands there stays, in its order. The first change keeps a copy beside the file; taking everything of ours
out puts that copy back, byte for byte, unless something else changed meanwhile.

A tool whose hooks are entries in its settings offers ``settings_file()`` and ``HOOK`` (what its entry holds beside the
command); one that shows a line of ours offers ``STATUS_LINE``, the keys that lead to it.
"""

import json
import os
import shutil
from typing import Any

from arena.client import program
from arena.client.home import Refused

BACKUP = ".arena-backup"
EVENT = "SessionEnd"

Json = dict[str, Any]


def path_of(tool: Any) -> str:
    """Name a tool's settings file."""
    # Settings are often links into a folder of dotfiles; the link must stay.
    return os.path.realpath(str(tool.settings_file()))


def command(tool: Any) -> str:
    """Name the command that a tool calls as our hook; nothing where it calls none of ours."""
    ours = (hook for hook in _hooks_of(_read(path_of(tool))) if _is_hook(hook, tool.NAME))
    return next((str(hook["command"]) for hook in ours), "")


def install(tool: Any) -> bool:
    """Add our hook; says whether anything changed."""
    path = path_of(tool)
    content = _read(path)
    wanted = {"type": "command", "command": program.line("hook", tool.NAME), **tool.HOOK}
    if [hook for hook in _hooks_of(content) if _is_hook(hook, tool.NAME)] == [wanted]:
        return False
    changed = _without_hook(content, tool.NAME)
    changed.setdefault("hooks", {}).setdefault(EVENT, []).append({"hooks": [wanted]})
    _change(tool, changed)
    return True


def status_line(tool: Any) -> str:
    """Say whose line a tool shows: "installed" for ours, "other" for somebody's, "missing" for none."""
    line = _at(_read(path_of(tool)), tool.STATUS_LINE)
    if line is None:
        return "missing"
    return "installed" if _is_status_line(line) else "other"


def show_status_line(tool: Any) -> bool:
    """Have a tool show our line; says whether anything changed. Somebody else's stays."""
    path = path_of(tool)
    content = _read(path)
    wanted = {"type": "command", "command": program.line("statusline")}
    line = _at(content, tool.STATUS_LINE)
    if line == wanted or (line is not None and not _is_status_line(line)):
        return False
    *folders, name = tool.STATUS_LINE
    place = content
    for folder in folders:
        place = place.setdefault(folder, {})
        if not isinstance(place, dict):
            raise Refused(f"{path} holds a `{folder}` that arena does not know, so it is left alone; mend it by hand.")
    place[name] = wanted
    _change(tool, content)
    return True


def uninstall(tool: Any) -> bool:
    """Take out everything of ours; says whether there was anything."""
    path = path_of(tool)
    content = _read(path)
    rest = _rest(content, tool)
    if rest == content:
        return False
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
        raise Refused(
            f"{path} is not a plain JSON object, so it is left alone; mend it (or take its comments out) and run "
            "`arena hooks install`."
        )
    return content


def _hooks_of(content: Json) -> list[Json]:
    entries = content.get("hooks", {}).get(EVENT, [])
    groups = [entry["hooks"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("hooks"), list)]
    return [hook for group in groups for hook in group if isinstance(hook, dict)]


def _is_hook(hook: Json, name: str) -> bool:
    return program.is_ours(hook.get("command"), "hook", name)


def _is_status_line(line: object) -> bool:
    return isinstance(line, dict) and program.is_ours(line.get("command"), "statusline")


def _at(content: Json, keys: tuple[str, ...]) -> object:
    found: object = content
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _rest(content: Json, tool: Any) -> Json:
    """Copy settings without anything of ours."""
    return _without_status_line(_without_hook(content, tool.NAME), getattr(tool, "STATUS_LINE", ()))


def _without_hook(content: Json, name: str) -> Json:
    """Copy settings without our hook and without what would then stand empty on our account."""
    rest: Json = json.loads(json.dumps(content))
    entries = rest.get("hooks", {}).get(EVENT)
    if entries is None:
        return rest
    kept = []
    for entry in entries:
        group = entry.get("hooks") if isinstance(entry, dict) else None
        if not isinstance(group, list) or not any(isinstance(hook, dict) and _is_hook(hook, name) for hook in group):
            kept.append(entry)
            continue
        entry["hooks"] = [hook for hook in group if not (isinstance(hook, dict) and _is_hook(hook, name))]
        if entry["hooks"]:
            kept.append(entry)
    if kept or not entries:
        rest["hooks"][EVENT] = kept
    else:
        del rest["hooks"][EVENT]
        if not rest["hooks"]:
            del rest["hooks"]
    return rest


def _without_status_line(content: Json, keys: tuple[str, ...]) -> Json:
    if not keys or not _is_status_line(_at(content, keys)):
        return content
    for depth in range(len(keys), 0, -1):
        place = _at(content, keys[: depth - 1])
        if isinstance(place, dict) and (depth == len(keys) or not place[keys[depth - 1]]):
            del place[keys[depth - 1]]
    return content


def _change(tool: Any, content: Json) -> None:
    path = path_of(tool)
    before = _parsed(path)
    # What was there before us is worth a copy, not what we made of it.
    if os.path.exists(path) and not os.path.exists(path + BACKUP) and _rest(before, tool) == before:
        shutil.copy2(path, path + BACKUP)
    _write(path, content)


def _write(path: str, content: Json) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        mode = os.stat(path).st_mode & 0o777
        with open(path, encoding="utf-8") as file:
            old = file.read()
    except FileNotFoundError:
        mode, old = 0o600, ""
    text = json.dumps(content, indent=_indent(old), ensure_ascii=old.isascii()) + "\n"
    scratch = f"{path}.{os.getpid()}.new"
    try:
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        # Half a surrogate pair stays the escape that it was.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, mode)  # whatever the umask is
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def _indent(text: str) -> int | str:
    for line in text.splitlines()[1:]:
        margin = line[: len(line) - len(line.lstrip())]
        if margin:
            return margin if "\t" in margin else len(margin)
    return 2
