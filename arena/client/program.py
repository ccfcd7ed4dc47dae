"""How others call this very arena: by its absolute path, for a virtual environment is on nobody's PATH."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence

WINDOWS = sys.platform == "win32"
NAMES = frozenset(("arena", "arena.exe"))


def words(*arguments: str) -> list[str]:
    """Name the program, and what it is called with."""
    packed = os.environ.get("PEX", "")  # one file with all of arena: we run where it unpacked itself, and it stays
    program = os.path.abspath(packed if os.path.basename(packed) in NAMES else sys.argv[0])
    if os.path.basename(program) not in NAMES:
        beside = os.path.join(os.path.dirname(sys.executable), "arena.exe" if WINDOWS else "arena")
        program = beside if os.path.exists(beside) else shutil.which("arena") or ""
    elif WINDOWS and os.path.exists(program + ".exe"):
        program += ".exe"
    return [program, *arguments] if program else [sys.executable, "-P", "-m", "arena", *arguments]


def line(*arguments: str) -> str:
    """Write the call for a shell."""
    return quoted(words(*arguments))


def quoted(called: Sequence[str]) -> str:
    """Write a program and what it is called with for a shell: the program in quotes, whatever is in its path."""
    program, *rest = called
    # cmd knows no single quotes, and no path on Windows has a double one.
    name = f'"{program}"' if WINDOWS else "'" + program.replace("'", "'\"'\"'") + "'"
    return " ".join([name, *map(shlex.quote, rest)])


def is_ours(command: object, *arguments: str) -> bool:
    """Say whether a shell's command calls an arena, this one or another, with these arguments."""
    ending = " " + " ".join(arguments)
    if not isinstance(command, str) or not command.rstrip().endswith(ending):
        return False
    called = command.rstrip().removesuffix(ending).strip().strip("\"'")
    return os.path.basename(called.replace("\\", "/")) in NAMES or called.endswith("-m arena")
