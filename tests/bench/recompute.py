"""P13: `arena admin retention` and then `arena admin recompute` over a million records, while the box serves.

    python tests/bench/recompute.py                # --records 100000 for a quick look

The box is that of `disk.py`: invented people, four months, of which retention closes what is older than 90 days.
Meanwhile one client asks for the board and another one sends signed sessions, each waiting for its answer; every sum
is then compared with what it was before.
"""

# isort: skip_file
# `arena.core.sqlite` first: it chooses the SQLite library.
from arena.core import sqlite

import argparse
import http.client
import itertools
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import disk
import measure
from measure import Cost, arena, heading, must, run, table

from arena.core import clock, config
from arena.core.db import Database
from arena.core.migrate import migrate
from arena.rooms import schemas

SUMS = ("road_days", "daily_user_stats", "daily_tool_stats", "user_stats", "user_tool_stats")
WRITTEN = ("created_at", "updated_at")


def main() -> None:
    """Fill a box, serve it, recompute it, and tell what that took and what others felt of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    records: int = parser.parse_args().records
    with measure.scratch() as scratch:
        place = config.place(scratch)
        migrate(place.database, schemas())
        heading(f"P13: {records:,} records of {disk.PEOPLE} people")
        db, now = Database(place.database), clock.now()
        disk.fill(db, disk.join(db, now), records, now)
        db.close_sync()
        (key,) = measure.make_people(scratch, 1, 1)
        with measure.box_over(scratch) as box:
            found = {"box idle": _served(box.port, key, lambda: time.sleep(5))}
            for what in ("retention", "recompute"):
                before = _sums(place.database)
                found[what] = _served(box.port, key, partial(run, arena("admin", what, "--data", scratch)))
                must(found[what][0], f"arena admin {what}")
                if before != _sums(place.database):
                    sys.exit(f"{what} moved a sum")
    table(
        ("", "seconds", "processor, s", "peak MiB", "target, s"),
        [
            [what, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.peak:.0f}", "<= 15" if what == "recompute" else "-"]
            for what, (cost, _) in found.items()
            if cost.wall
        ],
    )
    print()
    table(
        ("meanwhile, ms", "answers", "p50", "p99", "longest"),
        [
            [f"{what}, {when}", f"{len(took):,}", *(f"{1e3 * each:.1f}" for each in _spread(took))]
            for when, (_, asked) in found.items()
            for what, took in asked.items()
        ],
    )
    print("\nEvery sum is what it was before.")


Took = dict[str, list[float]]


def _served(port: int, key: str, do: Callable[[], Cost | None]) -> tuple[Cost, Took]:
    """Do something while two clients ask; return what it cost and how long each answer took."""
    ended = threading.Event()
    numbers = itertools.count(time.time_ns())
    ways: dict[str, Callable[[], bytes]] = {
        "board": lambda: measure.request("GET", "/api/leaderboard?limit=50"),
        "session": lambda: measure.signed("/api/v1/sessions", _session(next(numbers)), key),
    }
    with ThreadPoolExecutor() as pool:
        asking = {what: pool.submit(_ask, port, make, ended) for what, make in ways.items()}
        try:
            cost = do() or Cost(0, 0, 0, 0, b"")
        finally:
            ended.set()
        return cost, {what: each.result() for what, each in asking.items()}


def _ask(port: int, make: Callable[[], bytes], ended: threading.Event) -> list[float]:
    took = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not ended.wait(0.01):
            began = time.perf_counter()
            connection.sendall(make())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            took.append(time.perf_counter() - began)
            if answer.status >= 300:
                sys.exit(f"the box answered {answer.status}")
    return sorted(took)


def _session(number: int) -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.dumps({"sessionId": f"bench-{number}", "endedAt": now, "inputTokens": 100, "outputTokens": 10}).encode()


def _spread(took: list[float]) -> tuple[float, float, float]:
    return took[len(took) // 2], took[len(took) * 99 // 100], took[-1]


def _sums(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every sum of the people who do not report just now."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with closing(sqlite.connect(database, readonly=True)) as conn:
        for name in SUMS:
            columns = [row[1] for row in conn.execute(f"PRAGMA table_info({name})") if row[1] not in WRITTEN]
            rows = conn.execute(
                f"SELECT {', '.join(columns)} FROM {name} "
                "WHERE user_id IN (SELECT id FROM users WHERE username LIKE 'worker-%')"
            )
            found[name] = sorted(map(tuple, rows))
    return found


if __name__ == "__main__":
    main()
