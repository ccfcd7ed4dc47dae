"""``arena admin``: a table of what the operator does at the machine; only the command asked for is imported."""

import sys
from importlib import import_module

COMMANDS = {
    "users": (
        "arena.admin.users",
        "add, invite, disable, enable, promote, demote, delete and export people; open links",
    ),
    "teams": ("arena.admin.teams", "list, create, rename and delete teams, and put people into them"),
    "keys": ("arena.admin.keys", "list, create and revoke API keys"),
    "secret": ("arena.admin.secret", "rotate the secret that signs cookies and forms, signing nobody out"),
    "backup": ("arena.admin.backup", "write a backup of the whole box into one file"),
    "backups": ("arena.admin.backups", "list backups, let old ones go"),
    "verify": ("arena.admin.verify", "prove a backup by restoring it into a scratch place"),
    "restore": ("arena.admin.restore", "put a backup in the place of a box"),
    "doctor": ("arena.admin.doctor", "say what is weak about the box and what to do about it"),
    "config": ("arena.admin.config", "print the configuration as the box believes it"),
    "audit": ("arena.admin.audit", "read the security log, and prove that nobody changed it"),
    "retention": ("arena.admin.retention", "let go what is older than is kept, or say what would go"),
    "recompute": ("arena.admin.recompute", "make all totals anew from the records"),
    "rankings": ("arena.admin.rankings", "freeze the rankings of days, weeks and months that are over"),
    "prices": ("arena.admin.prices", "show what models cost, take new prices over"),
    "webhooks": ("arena.admin.webhooks", "see whether messages to chats and programs arrive"),
    "budgets": ("arena.admin.budgets", "show and set what teams and people may cost in a month"),
    "export": ("arena.admin.exports", "print who used what and what it cost, as a table"),
    "evaluate": ("arena.admin.evaluate", "see how well the configured model judges projects"),
    "import": ("arena.admin.imports", "take over people and usage that another system exported"),
    "mail": ("arena.admin.mail", "send a letter, to see whether mail leaves the box"),
    "metrics": ("arena.admin.metrics", "print the figures of the running box"),
    "openapi": ("arena.admin.openapi", "print the OpenAPI document of what programs may call"),
    "demo": ("arena.admin.demo", "fill an empty box with invented people"),
}


def main(argv: list[str]) -> int:
    """Run one command: 0 done, 1 refused or failed with one sentence on standard error, 2 wrong usage."""
    name = argv[0] if argv else "--help"
    if name in {"--help", "-h", "help"}:
        print(_help())
        return 0 if argv else 2
    if name not in COMMANDS:
        print(f"arena admin: there is no command `{name}`; `arena admin --help` lists them.", file=sys.stderr)
        return 2
    code: int = import_module(COMMANDS[name][0]).main(argv[1:])
    return code


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name:<{width}}  {does}" for name, (_, does) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: arena admin COMMAND [OPTION]...",
            "",
            "Look after the box. Safe while `arena serve` runs on the same data.",
            "",
            *rows,
            "",
            "`arena admin COMMAND --help` tells more. For example:",
            "  arena admin users invite",
            "  arena admin keys create alice --label desktop",
        ]
    )
