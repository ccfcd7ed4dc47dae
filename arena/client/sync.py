"""``arena sync``: counts what is new and sends it in batches; stopped anywhere, it goes on the next time."""

import os
import sqlite3
import sys
import time
from argparse import Namespace
from typing import TYPE_CHECKING

from arena.client import credentials, ledger, lock, settings, spool, terminal
from arena.client.home import Refused

if TYPE_CHECKING:
    from arena.client.counting import Files, Tool
    from arena.client.sources import Source

PATIENCE = 5.0
"""Seconds to wait for another sync; one started by a hook has nobody waiting for it and stays longer."""

SPOOLED_PATIENCE = 120.0
SHOWN_PROBLEMS = 10


class Summary:
    """What a sync did."""

    def __init__(self) -> None:
        self.submitted = self.grown = self.skipped = self.failed = 0
        self.excluded: set[str] = set()
        self.problems: list[str] = []


def main(argv: list[str]) -> int:
    """Send what is new since the last time."""
    asked = _arguments(argv)
    if asked.stdin or asked.ccusage:
        return terminal.guarded(lambda: _days(asked))
    return terminal.guarded(lambda: _locked(asked))


def run(*, quiet: bool = False) -> int:
    """Sync everything, for a command that ends with a sync."""
    return main(["--quiet"] if quiet else [])


def _arguments(argv: list[str]) -> Namespace:
    parser = terminal.parser(
        "sync",
        "Count what is new in the transcripts of this machine's tools and send it.",
        "arena sync --dry-run",
        "ccusage daily --json | arena sync --stdin",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, send nothing")
    parser.add_argument("--json", action="store_true", help="answer as JSON; with --dry-run, the requests themselves")
    parser.add_argument(
        "--tool",
        action="append",
        metavar="NAME",
        help="only this tool; may be repeated (with --stdin: the tool of rows that do not name theirs)",
    )
    parser.add_argument("--since", metavar="DATE", type=_instant, default=0, help="only from this day (UTC) on")
    parser.add_argument("--full", action="store_true", help="read and send everything again; the box counts it once")
    days = parser.add_mutually_exclusive_group()
    days.add_argument("--stdin", action="store_true", help="send what `ccusage daily --json` sums up, from a pipe")
    days.add_argument("--ccusage", action="store_true", help="run ccusage and send what it sums up")
    parser.add_argument("--quiet", action="store_true", help="say nothing unless something fails")
    parser.add_argument("--spooled", action="store_true", help="only what hooks left word of")
    asked = parser.parse_args(argv)
    if (asked.stdin or asked.ccusage) and (asked.full or asked.spooled):
        parser.error("what ccusage sums up is sent whole every time; leave out --full and --spooled")
    if asked.ccusage and asked.tool:
        parser.error("ccusage tells the tools itself; leave out --tool")
    if asked.stdin and len(asked.tool or ()) > 1:
        parser.error("rows that do not tell their tool are of one; give --tool once")
    if asked.tool and not asked.stdin:
        from arena.client.counting import tool_names

        unknown = sorted(set(asked.tool) - set(tool_names()))
        if unknown:
            parser.error(f"there is no tool `{unknown[0]}`; known: {', '.join(tool_names())}")
    return asked


def _days(asked: Namespace) -> int:
    from arena.client.days import sync

    return sync(asked)


def _instant(text: str) -> int:
    from argparse import ArgumentTypeError
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a date like 2026-01-31") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _locked(asked: Namespace) -> int:
    if asked.spooled:
        _settle()
    try:
        with lock.held(SPOOLED_PATIENCE if asked.spooled else PATIENCE):
            return _sync(asked)
    except lock.Busy:
        if asked.quiet:
            return 0
        raise Refused("another sync is running on this machine; it sends everything, so just wait for it.") from None


def _settle() -> None:
    """Give the tools whose hooks left word the time that they take to write down what ended."""
    from arena.client.counting import module, tool_names

    told = {word.get("tool", "") for word in spool.words().values()}
    time.sleep(max((getattr(module(name), "SETTLES", 0.0) for name in told.intersection(tool_names())), default=0.0))


def _sync(asked: Namespace) -> int:
    who = credentials.current() if asked.dry_run or asked.spooled else credentials.required()
    excluded = settings.current().excluded
    conn = ledger.opened()
    try:
        words = spool.words() if asked.spooled or not asked.dry_run else {}
        if who is not None and not asked.dry_run:
            _note_account(conn, who)
        files, only = _count(conn, asked, words)
        for trouble in files.unreadable[:SHOWN_PROBLEMS]:
            print(f"arena: cannot read {trouble}", file=sys.stderr)
        if len(files.unreadable) > SHOWN_PROBLEMS:
            print(f"arena: nor {len(files.unreadable) - SHOWN_PROBLEMS} others", file=sys.stderr)
        if asked.dry_run:
            from arena.client.dry_run import show

            show(conn, _tools(asked), asked.since, excluded, as_json=asked.json)
            return 0
        if who is None:
            who = credentials.required()
        summary = _send(conn, asked, who, excluded, only)
        if asked.spooled or not (asked.tool or asked.since):
            spool.clear(list(words))
    finally:
        conn.close()
    _tell(asked, summary, files)
    return 0


def _note_account(conn: sqlite3.Connection, who: credentials.Credentials) -> None:
    known = ledger.fact(conn, "account")
    if known != who.account:
        conn.execute("begin immediate")
        if known:
            ledger.forget_sent(conn)
        ledger.put_fact(conn, "account", who.account)
        conn.execute("commit")


def _tools(asked: Namespace) -> list[str]:
    from arena.client.counting import tool_names

    return sorted(set(asked.tool)) if asked.tool else tool_names()


def _count(
    conn: sqlite3.Connection, asked: Namespace, words: dict[str, dict[str, str]]
) -> tuple["Files", set[int] | None]:
    """Bring the ledger up to date; after hooks, only with what they named."""
    from arena.client.counting import Files, count, module
    from arena.client.presence import present

    files = Files()
    only: set[int] | None = set() if asked.spooled else None
    wanted = _tools(asked)
    # Each tool costs a millisecond to know of: those whose hooks are silent, or that are not here, have nothing to say.
    if only is not None:
        wanted = sorted({word.get("tool", "") for word in words.values()}.intersection(wanted))
    elif not asked.tool:
        wanted = present(conn, wanted)
    for name in wanted:
        tool = module(name)
        if only is None:
            files.add(count(conn, tool, tool.sources(), asked.full))
            continue
        found = _named(tool, words)
        files.add(count(conn, tool, tool.sources() if found is None else found, asked.full))
        only |= ledger.numbers(conn, tool.NAME, None if found is None else [source.path for source in found])
    return files, only


def _named(tool: "Tool", words: dict[str, dict[str, str]]) -> list["Source"] | None:
    """List the transcripts that a tool's hooks named; None stands for all, where a hook could not name any."""
    mine = [word.get("transcript_path", "") for word in words.values() if word.get("tool") == tool.NAME]
    named = getattr(tool, "named", None)
    if named is None or not all(mine):
        return None
    return [source for path in sorted({os.path.abspath(path) for path in mine}) for source in named(path)]


def _send(
    conn: sqlite3.Connection,
    asked: Namespace,
    who: credentials.Credentials,
    excluded: tuple[str, ...],
    only: set[int] | None,
) -> Summary:
    summary = Summary()
    if not ledger.any_unsent(conn):
        return summary
    from arena.client.api import Api
    from arena.client.batches import batches, settle
    from arena.client.exclusions import excluded_files

    hidden, summary.excluded = excluded_files(conn, excluded)
    done = 0
    with Api(who) as api:
        for batch in batches(conn, _tools(asked), asked.since, frozenset(hidden), only):
            answer = api.send(batch.report)
            problems = settle(conn, batch, answer)
            summary.submitted += answer.stored
            summary.grown += answer.grown
            summary.skipped += answer.known
            summary.failed += answer.failed
            summary.problems += [terminal.clean(problem.reason) for problem in problems]
            done += len(batch)
            _progress(asked, done)
    if done and _watched(asked):
        print(file=sys.stderr)
    return summary


def _watched(asked: Namespace) -> bool:
    return not asked.quiet and not asked.json and sys.stderr.isatty()


def _progress(asked: Namespace, done: int) -> None:
    if _watched(asked):
        print(f"\rsent {terminal.human(done)} records", end="", file=sys.stderr, flush=True)


def _tell(asked: Namespace, summary: Summary, files: "Files") -> None:
    if asked.json:
        import json

        told = {
            "submitted": summary.submitted,
            "grown": summary.grown,
            "skipped": summary.skipped,
            "excluded_sessions": len(summary.excluded),
            "failed": summary.failed,
            "problems": summary.problems,
            "files": {"read": files.read, "unchanged": files.unchanged, "unreadable": len(files.unreadable)},
        }
        print(json.dumps(told))
        return
    if asked.quiet:
        return
    parts = [f"{terminal.human(summary.submitted)} submitted"]
    parts += [f"{terminal.human(summary.grown)} grown"] if summary.grown else []
    parts += [f"{terminal.human(summary.skipped)} skipped (duplicate)"]
    parts += [f"{len(summary.excluded)} sessions excluded"] if summary.excluded else []
    parts += [f"{terminal.human(summary.failed)} failed"] if summary.failed else []
    print(f"{terminal.bold('sync')}: {', '.join(parts)}; {files.read} transcripts read, {files.unchanged} unchanged.")
    for reason in list(dict.fromkeys(summary.problems))[:SHOWN_PROBLEMS]:
        print(f"  refused: {reason}")
