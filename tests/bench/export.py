"""What it costs to take a year of usage away as a table, and whether reports that come meanwhile wait for it.

    python tests/bench/export.py

Two hundred people have a million records of a year: four tools, five models, six projects each. What runs is
`arena admin export usage`; then the same while the box serves, under signed sessions over four connections.
"""

# isort: skip_file
# `arena.core.sqlite` first: it chooses the SQLite library.
from arena.core import sqlite  # noqa: F401

import argparse
import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import measure
from ingest import singles
from measure import heading, load, load_row, must, table

from arena.accounts import store as accounts
from arena.core import clock, config, ids
from arena.core.clock import DAY, Days
from arena.core.db import Database
from arena.core.migrate import migrate
from arena.prices.actions import load_shipped
from arena.rooms import schemas
from arena.usage.actions.costs import apply_prices
from arena.usage.actions.records import record
from arena.usage.models import TOOL_BY_ID, Report, Road
from arena.wire import Record, record_key, session_hash

TOOLS = ("claude-code", "codex", "gemini", "opencode")
MODELS = ("claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5", "gpt-5", "gemini-2.5-pro")
IN_A_SESSION = 40


def main() -> None:
    """Fill a box, and take its usage away in several ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--records", type=int, default=1_000_000)
    options = parser.parse_args()
    with measure.scratch() as data:
        fill(data, options.people, options.records)
        heading(f"A year of {options.records:,} records of {options.people:,} people")
        rows = [
            _export(data, "everything told apart"),
            _export(data, "by person and tool", "--by", "person,tool"),
            _export(data, "by team, tool and model", "--by", "team,tool,model"),
            _export(data, "one month, everything", "--from", clock.shift(_today(), -30)),
        ]
        table(("table", "rows", "MB", "seconds", "CPU s", "peak MiB"), rows)
        keys = measure.make_people(data, 2, 2)
        numbers = itertools.count()
        with measure.box_over(data) as box:
            how = {"connections": 4, "seconds": 8, "expect": 201}
            load(box.port, singles(keys, numbers, 2_000), [box.process.pid], **{**how, "seconds": 1})
            alone = load(box.port, singles(keys, numbers, 40_000), [box.process.pid], **how)
            requests = singles(keys, numbers, 40_000)
            with _exports(data):
                meanwhile = load(box.port, requests, [box.process.pid], **how)
        heading("Signed sessions over 4 connections")
        table(measure.LOAD_HEADS, [load_row("nobody exports", [alone]), load_row("exports meanwhile", [meanwhile])])


@contextmanager
def _exports(data: Path) -> Iterator[None]:
    """Export one table after another while the block runs."""
    done = threading.Event()

    def again() -> None:
        while not done.is_set():
            measure.run(_command(data))

    beside = threading.Thread(target=again)
    beside.start()
    yield
    done.set()
    beside.join()


def fill(data: Path, people: int, records: int) -> None:
    """Let everybody report the same number of records, spread over the last year."""
    rng, now = random.Random(1), clock.now()
    place = config.place(data)
    migrate(place.database, schemas())
    db = Database(place.database)
    db.write_sync(partial(load_shipped, now=now))
    apply_prices(db, days=Days("UTC"), now=now)  # before there is anything to price anew
    for number in range(people):
        id = ids.uuid7()
        add = partial(accounts.add_user, display_name=f"Payer {number}", role="member", password_hash=None, now=now)
        db.write_sync(partial(add, id=id, username=f"payer-{number}"))
        reports = [_report(rng, f"{number}-{n}", now) for n in range(records // people // IN_A_SESSION)]
        for at in range(0, len(reports), 25):
            some = reports[at : at + 25]
            db.write_sync(partial(record, user_id=id, reports=some, road=Road.TRANSCRIPTS, days=Days("UTC"), now=now))
    db.close_sync()


def _report(rng: random.Random, name: str, now: int) -> Report:
    began = now - rng.randrange(365) * DAY - rng.randrange(DAY)
    tool, project = rng.choice(TOOLS), session_hash(name.partition("-")[0], f"{rng.randrange(6)}")[:16]
    sent = [
        Record(
            key=record_key(f"{name}-{n}", "r"),
            at=min(began + n * 30_000, now),
            model=rng.choice(MODELS[: 1 + n % 3]),
            input=rng.randrange(2_000),
            output=rng.randrange(2_000),
            cache_write_5m=rng.randrange(5_000),
            cache_read=rng.randrange(100_000),
        )
        for n in range(IN_A_SESSION)
    ]
    return Report(TOOL_BY_ID[tool], session_hash(tool, name), sent[0].at, sent[-1].at, sent, project)


def _today() -> str:
    return Days("UTC").of(clock.now())


def _command(data: Path, *options: str) -> list[str]:
    return measure.arena("admin", "export", "usage", "--data", data, *options)


def _export(data: Path, name: str, *options: str) -> list[str]:
    made = must(measure.run(_command(data, *options)), name)
    size, rows = len(made.out) / 1e6, made.out.count(b"\r\n") - 1
    return [name, f"{rows:,}", f"{size:.1f}", f"{made.wall:.1f}", f"{made.cpu:.1f}", f"{made.peak:.0f}"]


if __name__ == "__main__":
    main()
