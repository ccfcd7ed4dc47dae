"""A README's own test block: found, and run on this machine by its person's word, without a shell where that goes."""

import os
import re
import shlex
import signal
import subprocess
import time

SECONDS = 120.0
FENCE = re.compile(r'^(`{3,}|~{3,})[ \t]*(?:bash|sh|shell)[ \t]+title="test"[ \t]*\n(.*?)\n\1[ \t]*$', re.M | re.S)
FOR_A_SHELL = re.compile(r"[|&;<>()$`*?\[\]{}~!\\]|^\s*\w+=")
BUILT_IN = frozenset(
    ("cd", "export", "source", ".", "set", "unset", "if", "for", "while", "case", "exit", "eval", "exec")
)


def block(readme: str) -> list[str]:
    """The commands of the test block, without comments; none if there is no block."""
    found = FENCE.search(readme.replace("\r\n", "\n"))
    if found is None:
        return []
    lines = found[2].replace("\\\n", " ").split("\n")
    return [line.strip().removeprefix("$ ") for line in lines if line.strip() and not line.strip().startswith("#")]


def is_plain(line: str) -> bool:
    """Say whether a command is a program and its arguments, and nothing that only a shell understands."""
    if FOR_A_SHELL.search(line):
        return False
    try:
        words = shlex.split(line)
    except ValueError:
        return False
    return bool(words) and words[0] not in BUILT_IN


def run(lines: list[str], folder: str, *, plain: bool) -> tuple[bool, str]:
    """Run commands one after the other until one fails; whether none did, and a line about it."""
    commands = [shlex.split(line) for line in lines] if plain else [["bash", "-e", "-c", "\n".join(lines)]]
    began = time.monotonic()
    for number, words in enumerate(commands, 1):
        code = _one(words, folder, SECONDS - (time.monotonic() - began))
        if code is None:
            return False, f"The test block did not end within {SECONDS:.0f} seconds"
        if code:
            which = f"Command {number} of {len(commands)}" if plain else "The test block"
            return False, f"{which} ended with {code}"
    return True, f"The test block passed in {time.monotonic() - began:.0f} seconds"


def _one(words: list[str], folder: str, seconds: float) -> int | None:
    """Run one command; its exit code (127 if there is no such program), or None when the time was up."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARENA_")}
    try:
        process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, env=kept, start_new_session=True)
    except OSError:
        return 127
    try:
        return process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # no process groups on Windows
        process.kill()
    process.wait()
