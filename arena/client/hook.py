"""``arena hook TOOL``: what a tool calls when a session ends; leaves word, detaches the upload, is gone in a blink.

json and os only: subprocess, msgspec and argparse cost more than all of this.
"""

import json
import os
import sys

from arena.client.spool import clear, leave

LIMIT = 1 << 20
"""Bytes of the event that are read."""

HELP = """usage: arena hook TOOL

Called by the tool itself when a session ends, with the event as JSON on standard input. Never prints, never fails.
With --check it leaves a word and takes it away again, sends nothing, and says ok: `arena doctor` looks this way.

example:
  echo '{"session_id": "s", "transcript_path": "/t.jsonl"}' | arena hook claude-code"""


def main(argv: list[str]) -> int:
    """Leave word of the session on standard input and start the upload; always 0, never a word."""
    if argv[:1] in (["--help"], ["-h"]):
        print(HELP)
        return 0
    if argv[1:] == ["--check"]:
        clear([leave({"tool": argv[0]})])
        print("ok")
        return 0
    try:
        event = json.loads(_event())
        word = {"tool": argv[0] if argv else ""}
        for name in ("session_id", "transcript_path"):
            if isinstance(event.get(name), str):
                word[name] = event[name]
        leave(word)
        _detach()
    except Exception:  # noqa: S110 - a tool must never stumble over its hook
        pass
    return 0


def _event() -> bytes:
    parts = []
    left = LIMIT
    while left and (part := os.read(0, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _detach() -> None:
    # -P and a path of our own: the hook runs inside somebody's project, which may hold a folder named `arena`.
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = (
        f"import sys; sys.path.append({root!r}); sys.argv = ['arena', 'sync', '--spooled', '--quiet'];"
        " from arena.cli import main; main()"
    )
    command = [sys.executable, "-P", "-c", code]
    if sys.platform == "win32":
        quoted = [command[0], *command[1:3], f'"{code}"']
        os.spawnv(os.P_DETACH, command[0], quoted)  # noqa: S606
        return
    null = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        os.posix_spawn(command[0], command, os.environ, file_actions=null, setsid=True)
    except NotImplementedError:
        os.posix_spawn(command[0], command, os.environ, file_actions=null, setpgroup=0)
