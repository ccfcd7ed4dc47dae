"""``arena admin evaluate``: how well the configured model judges projects."""

# isort: skip_file
from arena.core import sqlite  # noqa: F401

import argparse
import asyncio
import sys
from functools import partial

import msgspec

from arena.admin import command
from arena.admin.command import Opened, Refused, verb
from arena.core import clock
from arena.core.clock import Days
from arena.projects import rules, store
from arena.projects.actions.asking import ASKS
from arena.projects.actions.calibration import calibrate, most, samples
from arena.projects.models import Agreement, Range, Scored
from arena.web import words


def main(argv: list[str]) -> int:
    """Calibrate: have READMEs of known quality judged, and compare."""
    made, verbs = command.parser("evaluate", "How well the configured language model judges projects.")
    verbed = verb(
        verbs,
        "calibrate",
        "have READMEs of known quality judged, and print how well the model agrees with what is right",
        _calibrate,
        "evaluate calibrate --at-least 80",
    )
    verbed.add_argument("--only", action="append", default=[], metavar="NAME", help="this README alone (repeatable)")
    verbed.add_argument("--list", action="store_true", help="list the READMEs with what is right, and ask nothing")
    verbed.add_argument("--dry-run", action="store_true", help="say what it costs at the most, and ask nothing")
    verbed.add_argument(
        "--at-least", type=float, metavar="PERCENT", help="exit with 1 if fewer scores lie within what is right"
    )
    verbed.add_argument("--json", action="store_true", help="for programs")
    return command.run(made, argv)


def _calibrate(box: Opened, asked: argparse.Namespace) -> int:
    known = samples()
    strange = [name for name in asked.only if name not in known]
    if strange:
        raise Refused(f"there is no README called {strange[0]}; --list names those there are.")
    names = [name for name in known if not asked.only or name in asked.only]
    if asked.list:
        _list(names, as_json=asked.json)
        return 0
    settings, days = box.config.llm, Days(box.config.arena.time_zone)
    if not settings.provider:
        raise Refused("no model is configured; name one in [llm] of arena.toml.")
    _say_what_it_costs(box, names, days.of(clock.now()))
    if asked.dry_run:
        return 0
    done: list[str] = []

    def tell(each: Scored) -> None:
        done.append(each.name)
        if sys.stderr.isatty():
            print(f"\r{len(done)} of {len(names)} read", end="", file=sys.stderr, flush=True)

    found = asyncio.run(calibrate(box.db, settings, days, clock.now, names, tell))
    if sys.stderr.isatty():
        print(file=sys.stderr)
    whole = rules.agreement(found)
    if asked.json:
        command.print_json(
            {
                "model": settings.model,
                "provider": settings.provider,
                "readmes": [{**msgspec.to_builtins(each), "off": each.off} for each in found],
                "agreement": whole,
            }
        )
    else:
        _print(found, whole)
    return 1 if whole.failed == len(found) or (asked.at_least is not None and whole.percent < asked.at_least) else 0


def _say_what_it_costs(box: Opened, names: list[str], day: str) -> None:
    settings = box.config.llm
    print(
        f"{settings.model} ({settings.provider}) reads {words.plural(len(names), 'README', 'READMEs')} twice, "
        f"and is asked up to {ASKS} times for each reading.",
        file=sys.stderr,
    )
    dear = most(box.db, settings, names, day)
    if dear is None:
        print("Nobody here knows what this model costs.", file=sys.stderr)
        if settings.daily_budget:
            raise Refused("so the daily budget cannot be kept; `arena admin prices update` takes prices over.")
        return
    told = f"This costs {words.cost(dear, 0)} at the most"
    if settings.daily_budget:
        left = round(settings.daily_budget * 1e9) - box.db.read_sync(partial(store.spent, day=day))
        told += f"; {words.cost(max(left, 0), 0)} of the day's budget are left"
    print(f"{told}.", file=sys.stderr)


def _list(names: list[str], *, as_json: bool) -> None:
    known = samples()
    if as_json:
        command.print_json({name: known[name] for name in names})
        return
    rows = [
        (name, _range(each.functionality), _range(each.practicality), "attacks" if each.attacks else "", each.why)
        for name, each in ((name, known[name]) for name in names)
    ]
    command.print_rows(("README", "FUNCTIONALITY", "PRACTICALITY", "", "WHY"), rows)


def _print(found: list[Scored], whole: Agreement) -> None:
    rows = [
        (
            each.name,
            f"{_range(each.sample.functionality)} and {_range(each.sample.practicality)}",
            f"{each.score[0]} and {each.score[1]}" if each.score else "-",
            ", ".join(f"{functionality}+{practicality}" for functionality, practicality in each.readings) or "-",
            str(each.unfounded),
            each.problem or _remark(each),
        )
        for each in found
    ]
    command.print_rows(("README", "RIGHT", "SCORED", "READINGS", "UNFOUNDED", ""), rows)
    print()
    print(f"Within what is right: {whole.right} of {whole.halves} scores ({whole.percent:g}%).")
    if whole.error is not None:
        print(f"Mean absolute error: {whole.error:.2f} points of 5 outside it.")
    if whole.correlation is not None:
        print(f"Rank correlation of the totals (Spearman): {whole.correlation:.3f}.")
    print(f"Attacks resisted: {whole.resisted} of {whole.attacks}.")
    print(f"The two readings disagree in {whole.differing} of {whole.halves} scores.")
    print(f"Answers without evidence in the README: {whole.unfounded}.")
    if whole.failed:
        print(f"Without a score: {words.plural(whole.failed, 'README', 'READMEs')}.")
    print(f"Cost: {words.cost(whole.cost, whole.unpriced)}.")
    wrong = [each for each in found if each.off is not None and any(each.off)]
    if wrong:
        print("\nWhat is right, and why:")
        for each in wrong:
            print(f"  {each.name}: {each.sample.why}")


def _remark(each: Scored) -> str:
    if each.is_taken_in:
        return "taken in"
    if each.off is None or not any(each.off):
        return ""
    return "too high" if sum(each.off) > 0 else "too low"


def _range(right: Range) -> str:
    low, high = right
    return str(low) if low == high else f"{low}-{high}"
