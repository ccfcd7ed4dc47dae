"""``arena statusline``: one line for a tool to show, from what was heard last; new figures are fetched behind its back.

json, os and time only: it runs every few seconds. It waits for nobody and never fails; where there is nothing to say,
the line is empty.
"""

import json
import os
import sys
import time

from arena.client import detached
from arena.client.home import config_folder, state_folder
from arena.client.words import ago, money, moved, short

EVERY = 60.0
"""Seconds between two times that the box is asked."""

STALE = 15 * 60.0
"""Seconds after which the line says how old its figures are."""

LIMIT = 1 << 20
"""Bytes of the tool's JSON that are read."""

GREEN, YELLOW, RED = 32, 33, 31

HELP = """usage: arena statusline

Called by the tool itself, with its status as JSON on standard input. Prints one line: rank this week and its move since
yesterday, tokens and cost of today, streak, and the tool's own quota where it tells one. Never waits, never fails.

example:
  echo '{"rate_limits": {"five_hour": {"used_percentage": 38}}}' | arena statusline"""


def main(argv: list[str]) -> int:
    """Print the line; always 0."""
    if argv[:1] in (["--help"], ["-h"]):
        print(HELP)
        return 0
    if argv == ["--refresh"]:
        from arena.client.standing import refresh

        return refresh()
    now = time.time()
    try:
        line = " · ".join([*_figures(_kept(), now), *_quota(_status())])
    except Exception:
        line = ""
    try:
        # The tools read UTF-8, whatever this system's own way to write is.
        sys.stdout.buffer.write(line.encode() + b"\n")
        sys.stdout.flush()
        _ask_anew(now)
    except Exception:  # noqa: S110 - a tool must never stumble over its status line
        pass
    return 0


def _kept() -> dict[str, object]:
    try:
        with open(os.path.join(state_folder(), "standing.json"), "rb") as file:
            kept = json.load(file)
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _status() -> dict[str, object]:
    if os.isatty(0):
        return {}
    parts = []
    left = LIMIT
    while left and (part := os.read(0, left)):
        parts.append(part)
        left -= len(part)
    try:
        status = json.loads(b"".join(parts))
    except (ValueError, RecursionError):
        return {}
    return status if isinstance(status, dict) else {}


def _figures(kept: dict[str, object], now: float) -> list[str]:
    at, tokens, streak = kept.get("at"), kept.get("tokens"), kept.get("streak")
    if not isinstance(at, int | float):
        return []
    parts = [_place(kept)]
    if isinstance(tokens, int) and time.localtime(at)[:3] == time.localtime(now)[:3]:
        parts.append(f"{short(tokens)} today" if tokens else "nothing today")
        cost = kept.get("cost")
        if tokens:
            parts.append(money(cost if isinstance(cost, int | float) else None, kept.get("complete") is True))
    if isinstance(streak, int) and streak:
        parts.append(f"streak {streak} d")
    if now - at > STALE:
        parts.append(f"as of {ago(now - at)}")
    return [part for part in parts if part]


def _place(kept: dict[str, object]) -> str:
    position, move = kept.get("position"), kept.get("moved")
    if not isinstance(position, int):
        return "not ranked"
    arrow = moved(move) if isinstance(move, int) else ""
    return f"#{position} {_painted(arrow, GREEN if arrow.startswith('▲') else RED)}".rstrip()


def _quota(status: dict[str, object]) -> list[str]:
    limits = status.get("rate_limits")
    found = []
    for name, label in (("five_hour", "5h"), ("seven_day", "7d")):
        limit = limits.get(name) if isinstance(limits, dict) else None
        used = limit.get("used_percentage") if isinstance(limit, dict) else None
        if isinstance(used, int | float) and 0 <= used < 1000:
            colour = RED if used >= 90 else YELLOW if used >= 70 else 0
            found.append(f"{label} {_painted(f'{used:.0f}%', colour)}")
    return found


def _painted(text: str, colour: int) -> str:
    if not text or not colour or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def _ask_anew(now: float) -> None:
    """Have new figures fetched, unless that was done within the last minute or nobody is signed in."""
    signed_in = os.path.exists(os.path.join(config_folder(), "credentials.json"))
    if not (signed_in or os.environ.get("ARENA_API_KEY")):
        return
    asked = os.path.join(state_folder(), "standing.asked")
    try:
        if 0 <= now - os.stat(asked).st_mtime < EVERY:
            return
    except FileNotFoundError:
        pass
    os.close(os.open(asked, os.O_WRONLY | os.O_CREAT, 0o600))
    os.utime(asked, (now, now))
    detached.start("statusline", "--refresh")
