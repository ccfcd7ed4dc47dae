"""``arena admin prices``: what models cost, and new prices."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse
import sqlite3
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec

from arena.admin import command
from arena.admin.command import Opened, Refused, verb
from arena.audit.actions import note
from arena.audit.models import OPERATOR
from arena.core import clock
from arena.core.clock import Days
from arena.prices import actions, store
from arena.prices.models import Change, LongPrompt, Rates, Table
from arena.prices.rules import table_of
from arena.usage.actions.costs import apply_prices
from arena.usage.store import unpriced_models


def main(argv: list[str]) -> int:
    """Show a model's price, take new prices over, list the tables that were."""
    made, verbs = command.parser("prices", "What models cost: a dated table that ships with each release.")
    show = verb(verbs, "show", "print what a model costs, and since when", _show, "prices show claude-opus-4-8")
    show.add_argument("model", metavar="MODEL")
    show.add_argument("--json", action="store_true", help="for programs")
    update = verb(
        verbs,
        "update",
        "take over the prices of a file: LiteLLM's model_prices_and_context_window.json, or a table of ours",
        _update,
        "prices update --from prices.json",
    )
    update.add_argument("--from", dest="file", type=Path, required=True, metavar="FILE")
    update.add_argument("--effective", type=_day, metavar="DAY", help="from when changed prices hold (default today)")
    versions = verb(verbs, "versions", "list the tables that were taken over", _versions, "prices versions")
    versions.add_argument("--json", action="store_true", help="for programs")
    unknown = verb(verbs, "unknown", "list the models whose price nobody knows", _unknown, "prices unknown")
    unknown.add_argument("--json", action="store_true", help="for programs")
    table = verb(
        verbs, "table", "print the table that a LiteLLM file makes, as it ships", _table, "prices table --from x.json"
    )
    table.add_argument("--from", dest="file", type=Path, required=True, metavar="FILE")
    table.add_argument("--source", required=True, metavar="WORDS", help="where the file comes from")
    table.add_argument("--effective", type=_day, required=True, metavar="DAY")
    return command.run(made, argv)


def _show(box: Opened, arguments: argparse.Namespace) -> None:
    dated = box.db.read_sync(lambda conn: actions.current(conn).of(arguments.model))
    if not dated:
        raise Refused(f"nobody knows what {arguments.model} costs; `arena admin prices update` may.")
    if arguments.json:
        command.print_json(dated)
        return
    rows = [
        (each.effective_from or "always", f"over {level.over:,}" if level.over else "any", tier, *_figures(rates))
        for each in dated
        for level in (LongPrompt(0, each.price.tiers), *each.price.long)
        for tier, rates in level.tiers.items()
    ]
    headings = ("SINCE", "PROMPT", "TIER", "INPUT", "OUTPUT", "CACHE 5 MIN", "CACHE 1 H", "CACHE READ")
    command.print_rows(headings, rows)
    last = dated[-1].price
    print(f"\nUS dollars for a million tokens. Fast mode x {last.fast:g}, US inference x {last.us:g}, ", end="")
    print(f"a web search ${last.web_search:g}.")


def _figures(rates: Rates) -> tuple[str, ...]:
    return tuple(f"{each:g}" for each in msgspec.structs.astuple(rates))


def _update(box: Opened, arguments: argparse.Namespace) -> None:
    content = _read(arguments.file)
    today = Days(box.config.arena.time_zone).of(clock.now())
    made = _table_in(content, arguments.file, arguments.effective or today)
    if arguments.effective:
        made = msgspec.structs.replace(made, as_of=arguments.effective)
    digest = sha256(content + made.as_of.encode()).hexdigest()
    now = clock.now()

    def write(conn: sqlite3.Connection) -> Change:
        change = actions.load(conn, made, digest=digest, now=now)
        if change.version is not None:
            counts = {"new": len(change.new), "moved": len(change.moved)}
            note(conn, "prices_updated", None, OPERATOR, now, version=change.version, **counts)
        return change

    change = box.db.write_sync(write)
    if change.version is None:
        print("These prices are known already.")
        return
    print(f"{len(change.new)} models are new, {len(change.moved)} cost something else from {change.as_of} on.")
    moved = apply_prices(box.db, days=Days(box.config.arena.time_zone), now=now)
    print(f"{moved} records have another cost now.")


def _versions(box: Opened, arguments: argparse.Namespace) -> None:
    known = box.db.read_sync(store.versions)
    if arguments.json:
        command.print_json(known)
        return
    rows = [(str(each.number), each.as_of, command.date(each.loaded_at), each.source) for each in known]
    command.print_rows(("VERSION", "AS OF", "TAKEN OVER (UTC)", "SOURCE"), rows)


def _unknown(box: Opened, arguments: argparse.Namespace) -> None:
    found = box.db.read_sync(unpriced_models)
    if arguments.json:
        names = ("model", "responses", "tokens", "last_day")
        command.print_json([dict(zip(names, each, strict=True)) for each in found])
        return
    rows = [(model, f"{responses:,}", f"{tokens:,}", day) for model, responses, tokens, day in found]
    command.print_rows(("MODEL", "RESPONSES", "TOKENS", "LAST USED"), rows)


def _table(_: Opened, arguments: argparse.Namespace) -> None:
    made = _table_in(_read(arguments.file), arguments.file, arguments.effective, arguments.source)
    print(f'{{"source":{_json(made.source)},"as_of":{_json(made.as_of)},"prices":{{')
    print(",\n".join(f"{_json(model)}:{_json(price)}" for model, price in made.prices.items()))
    print("}}")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise Refused(f"{file}: {problem.strerror}.") from problem


def _table_in(content: bytes, file: Path, as_of: str, source: str = "") -> Table:
    """Understand a file: a table of ours, else LiteLLM's."""
    try:
        return msgspec.json.decode(content, type=Table)
    except msgspec.MsgspecError:
        pass
    try:
        litellm = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        entries = {name: msgspec.json.decode(entry) for name, entry in litellm.items()}
        return table_of(entries, source or file.name, as_of)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise Refused(f"{file} is neither LiteLLM's price file nor a table of ours ({problem}).") from problem


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
