"""``arena admin retention``: what the nightly jobs let go, by hand; or a look at what would go."""

# isort: skip_file
# `command` first: it chooses the SQLite library.
from arena.admin import command

import argparse
from functools import partial

from arena.admin.command import Opened
from arena.audit import actions as audit
from arena.core import clock
from arena.core.clock import Days
from arena.usage.actions.retention import look, retain


def main(argv: list[str]) -> int:
    """Let old things go."""
    does = "let go what is older than [retention] says: detail of records and sessions, daily rows, the security log"
    made = command.alone("retention", does, _retain, "retention --dry-run")
    made.add_argument("--dry-run", action="store_true", help="only say what would go")
    made.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _retain(box: Opened, arguments: argparse.Namespace) -> None:
    keep, days, now = box.config.retention, Days(box.config.arena.time_zone), clock.now()
    if arguments.dry_run:
        found = look(box.db, keep, days=days, now=now)
        audited = box.db.read_sync(partial(audit.old, days=keep.audit_days, now=now))
    else:
        found = retain(box.db, keep, days=days, now=now)
        audited = audit.prune(box.db, days=keep.audit_days, now=now)
    rows = {**found.rows, "security_audit_log": audited} if audited else found.rows
    if arguments.json:
        command.print_json({"dry_run": arguments.dry_run, "rows": rows})
    elif not rows:
        print("Nothing is older than it is kept.")
    else:
        command.print_rows(
            ("TABLE", "WOULD GO" if arguments.dry_run else "WENT"),
            [(table, f"{count:,}") for table, count in rows.items()],
        )
