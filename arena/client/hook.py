"""``arena hook TOOL``: what a tool calls when a session ends; leaves word, detaches the upload, is gone in a blink.

json and os only: subprocess, msgspec and argparse cost more than all of this.
"""

import json
import os

from arena.client import detached
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
        event = _event()
        word = {"tool": argv[0] if argv else ""}
        for name in ("session_id", "transcript_path"):
            value = event.get(name)
            if isinstance(value, str):
                word[name] = value
        leave(word)
        detached.start("sync", "--spooled", "--quiet")
    except Exception:  # noqa: S110 - a tool must never stumble over its hook
        pass
    return 0


def _event() -> dict[str, object]:
    """Read the event; nothing of it where it is no JSON, for that something ended is worth a word by itself."""
    try:
        event = json.loads(_input())
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _input() -> bytes:
    parts = []
    left = LIMIT
    while left and (part := os.read(0, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
