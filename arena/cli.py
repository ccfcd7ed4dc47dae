"""The one command, ``arena``: a table of commands, of which only the one asked for is imported."""

import sys

from arena import __version__

COMMANDS = {
    "login": ("arena.client.login", "sign this machine in, install hooks, send the history"),
    "sync": ("arena.client.sync", "send what is new since the last time"),
    "hook": ("arena.client.hook", "what the tools call when a session ends"),
    "hooks": ("arena.client.hooks", "install, uninstall or list hooks, status lines and the schedule"),
    "status": ("arena.client.status", "who you are, your ranks, your tokens, what waits"),
    "statusline": ("arena.client.statusline", "one line for a tool to show: rank, today's usage, streak"),
    "doctor": ("arena.client.doctor", "look over this machine: what is found, installed, waiting, reachable"),
    "submit": ("arena.client.submit", "have a project judged by its README"),
    "exclude": ("arena.client.exclude", "never send a project"),
    "include": ("arena.client.include", "send a project again"),
    "list-excluded": ("arena.client.list_excluded", "show what is never sent"),
    "logout": ("arena.client.logout", "remove key and hooks from this machine"),
    "serve": ("arena.serve", "run the box: web, worker, schedule"),
    "worker": ("arena.worker", "run the box's background jobs (`serve` starts it)"),
    "admin": ("arena.admin", "look after the box: users, keys, backups"),
}
ALIASES = {"register": "login"}
SERVER = frozenset(("serve", "worker", "admin"))


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # Whoever read our output left; Python would complain when it flushes at exit.
        sys.stdout = None
        code = 1
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Run one command: 0 done, 1 refused or failed with one sentence on standard error, 2 wrong usage."""
    name = argv[0] if argv else "--help"
    name = ALIASES.get(name, name)
    if name in {"--version", "-V"}:
        print(f"arena {__version__}")
        return 0
    if name in {"--help", "-h", "help"}:
        print(_help())
        return 0
    if name not in COMMANDS:
        print(f"arena: there is no command `{name}`; `arena --help` lists them.", file=sys.stderr)
        return 2
    if name in SERVER:
        return _run_server(name, argv[1:])
    return _run(name, argv[1:])


def _run(name: str, argv: list[str]) -> int:
    command = __import__(COMMANDS[name][0], fromlist=["main"]).main
    code: int = command(argv)
    return code


def _run_server(name: str, argv: list[str]) -> int:
    try:
        return _run(name, argv)
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if library == "arena":
            raise
        print(
            f"arena: `{name}` needs the box's half, and {library} is missing; "
            "install arena with its `server` extra: pip install '.[server]' in a checkout.",
            file=sys.stderr,
        )
        return 1


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name:<{width}}  {does}" for name, (_, does) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: arena COMMAND [OPTION]...",
            "",
            "A team's own arena: AI-coding usage counted once and ranked live.",
            "",
            *rows,
            "",
            "`arena COMMAND --help` tells more. For example:",
            "  arena login --server https://arena.example.org",
            "  arena sync --dry-run",
        ]
    )
