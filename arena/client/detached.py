"""Starts a command of ours that goes on when nobody waits for it any more.

The hook and the status line import this, so it needs os and sys only: subprocess costs more than all of them.
"""

import os
import sys


def start(*argv: str) -> None:
    """Start a command; its caller may end at once."""
    # -P and a path of our own: we run inside somebody's project, which may hold a folder named `arena`.
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = f"import sys; sys.path.append({root!r}); sys.argv = {['arena', *argv]!r}; from arena.cli import main; main()"
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
