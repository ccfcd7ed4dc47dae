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
from arena.deliveries import actions as deliveries
from arena.leaderboard.actions import freezing
from arena.usage.actions.retention import look, retain


def main(argv: list[str]) -> int:
    """Let old things go."""
    does = "let go what is older than [retention] says: detail, daily rows, rankings of days, security log, deliveries"
    made = command.alone("retention", does, _retain, "retention --dry-run")
    made.add_argument("--dry-run", action="store_true", help="only say what would go")
    made.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _retain(box: Opened, arguments: argparse.Namespace) -> None:
    rows = _would_go(box) if arguments.dry_run else _let_go(box)
    if arguments.json:
        command.print_json({"dry_run": arguments.dry_run, "rows": rows})
    elif not rows:
        print("Nothing is older than it is kept.")
    else:
        heading = "WOULD GO" if arguments.dry_run else "WENT"
        command.print_rows(("TABLE", heading), [(table, f"{count:,}") for table, count in rows.items()])
        if "usage_records" in rows:
            print("Of records and sessions the identities stay, so nothing that is sent again counts twice.")


def _would_go(box: Opened) -> dict[str, int]:
    keep, days, now = box.config.retention, Days(box.config.arena.time_zone), clock.now()
    return _some(
        look(box.db, keep, days=days, now=now).rows,
        rankings=box.db.read_sync(partial(freezing.old, keep_days=keep.ranking_days, today=days.of(now))),
        security_audit_log=box.db.read_sync(partial(audit.old, days=keep.audit_days, now=now)),
        deliveries=box.db.read_sync(partial(deliveries.old, days=keep.delivery_days, now=now)),
    )


def _let_go(box: Opened) -> dict[str, int]:
    keep, days, now = box.config.retention, Days(box.config.arena.time_zone), clock.now()
    return _some(
        retain(box.db, keep, days=days, now=now).rows,
        rankings=freezing.prune(box.db, keep_days=keep.ranking_days, today=days.of(now)),
        security_audit_log=audit.prune(box.db, days=keep.audit_days, now=now),
        deliveries=deliveries.prune(box.db, days=keep.delivery_days, now=now),
    )


def _some(rows: dict[str, int], **more: int) -> dict[str, int]:
    return {table: count for table, count in {**rows, **more}.items() if count}
