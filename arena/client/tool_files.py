"""Files of our own in a tool's folder, for tools that load whatever lies there: written, and taken away again.

Such a tool offers ``hook_files(command)``: what to write, by path, so that the tool calls that command; the first file
holds the command, and ``hook_command(text)`` finds it there, for a shell. ``HOOK_MARK`` stands in each of them: a file
without it is somebody else's, and is never touched.
"""

import os
from contextlib import suppress
from typing import Any

from arena.client import program
from arena.client.home import Refused


def path_of(tool: Any) -> str:
    """Name the file that holds the command."""
    return next(iter(_wanted(tool)))


def state(tool: Any) -> str:
    """Say "installed", "missing", or "unreadable" where somebody else's file is in the place of ours."""
    texts = [_text(path) for path in _wanted(tool)]
    if any(text and tool.HOOK_MARK not in text for text in texts):
        return "unreadable"
    return "installed" if all(texts) else "missing"


def command(tool: Any) -> str:
    """Name the command that a tool calls, for a shell; nothing where it calls none of ours."""
    text = _text(path_of(tool))
    return str(tool.hook_command(text)) if tool.HOOK_MARK in text else ""


def install(tool: Any) -> bool:
    """Write our files; says whether anything changed."""
    changed = False
    for path, text in _wanted(tool).items():
        old = _text(path)
        if old and tool.HOOK_MARK not in old:
            raise Refused(f"{path} was not written by arena, so it is left alone; move it away and try again.")
        if old != text:
            _write(path, text)
            changed = True
    return changed


def uninstall(tool: Any) -> bool:
    """Take our files away, and the folders that stand empty then; says whether there were any."""
    gone = False
    for path in reversed(_wanted(tool)):
        if tool.HOOK_MARK in _text(path):
            os.unlink(path)
            gone = True
            with suppress(OSError):
                os.rmdir(os.path.dirname(path))
    return gone


def _wanted(tool: Any) -> dict[str, str]:
    wanted: dict[str, str] = tool.hook_files(program.words("hook", tool.NAME))
    return wanted


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read() or " "
    except FileNotFoundError:
        return ""


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    scratch = f"{path}.{os.getpid()}.new"
    try:
        with open(scratch, "x", encoding="utf-8") as file:
            file.write(text)
        os.replace(scratch, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(scratch)
        raise
