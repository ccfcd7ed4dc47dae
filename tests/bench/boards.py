"""P6 and P8: the first page of a board, as JSON and as HTML, kept and made anew.

    python tests/bench/boards.py

P6 compares `GET /api/leaderboard` with the peer's sorted set in Redis, 100,000 people on both boards. P8 reads the
page of 50 rows over 64 connections, asks again with its ETag (304), and holds that against the box's bare JSON floor,
`/healthz`. At last it shows what a read costs that no kept answer can serve: the first one after a commit.
"""

import argparse
import gzip
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import measure
from measure import (
    LOAD_HEADS,
    Box,
    Load,
    heading,
    load,
    load_row,
    median,
    must,
    processor_seconds,
    ratio,
    request,
    table,
)

JSON_CONNECTIONS, PAGE_CONNECTIONS = 32, 64
JSON_PATH = "/api/leaderboard?limit=50"
PAGE_PATH = "/leaderboard"
FIRST_READS = 3


def main() -> None:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--few", type=int, default=2_000, help="people of the smaller box (default 2000)")
    parser.add_argument("--seconds", type=float, default=3, help="of load in each run (default 3)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with measure.scratch() as scratch:
        large, key = _filled(scratch / "large", options.people)
        peer = measure.peer_service(scratch, options.people)
        with measure.box_over(large) as box, peer or measure.nothing() as service:
            heading(f"P6, P8: {options.people:,} people, {options.rounds} rounds of {options.seconds:g} s in turn")
            _look(box)
            plays = {
                "board JSON, arena": _play(box, options, JSON_CONNECTIONS, JSON_PATH),
                "page, gzip": _play(box, options, PAGE_CONNECTIONS, PAGE_PATH, {"Accept-Encoding": "gzip"}),
                "page unchanged, 304": _play(box, options, PAGE_CONNECTIONS, PAGE_PATH, expect=304),
                "/healthz": _play(box, options, PAGE_CONNECTIONS, "/healthz"),
            }
            if service is not None:
                page = request("GET", f"/api/leaderboard/{service.game}/")
                plays["board JSON, peer"] = lambda: load(
                    service.port,
                    [page],
                    service.processes,
                    connections=JSON_CONNECTIONS,
                    seconds=options.seconds,
                    expect=200,
                    again=True,
                )
            runs: dict[str, list[Load]] = {name: [] for name in plays}
            for _ in range(options.rounds):
                for name, play in plays.items():
                    runs[name].append(play())
        _tell(runs)
        heading("The first read after a commit: a signed submission, then one read; medians")
        with measure.box_over(large) as box:
            rows = _first_reads(box, key, f"{options.people:,}")
        small, key = _filled(scratch / "small", options.few)
        with measure.box_over(small) as box:
            rows = _first_reads(box, key, f"{options.few:,}") + rows
        table(("people", "read", "ms", "server CPU ms"), rows)


def _filled(data: Path, people: int) -> tuple[Path, str]:
    """A data folder with so many people and one more, whose key is returned."""
    data.mkdir()
    fill = [sys.executable, measure.HERE / "people.py", "--data", data, "--count", str(people)]
    must(measure.run(fill), "people.py")
    must(measure.run(measure.arena("admin", "users", "add", "reporter", "--data", data)), "arena admin users add")
    made = must(measure.run(measure.arena("admin", "keys", "create", "reporter", "--data", data)), "arena admin keys")
    return data, made.out.decode().strip()


def _look(box: Box) -> None:
    """Say how large the page is."""
    _, _, packed = measure.get(box.port, PAGE_PATH, {"Accept-Encoding": "gzip"})
    plain = gzip.decompress(packed)
    rows = plain.count(b"<tr") - plain.count(b"<thead")
    print(f"{PAGE_PATH}: {len(plain) / 1024:.1f} KiB, {len(packed) / 1024:.1f} KiB gzipped (target <= 15), {rows} rows")


def _play(
    box: Box,
    options: argparse.Namespace,
    connections: int,
    path: str,
    headers: dict[str, str] | None = None,
    expect: int = 200,
) -> Callable[[], Load]:
    def play() -> Load:
        asked = dict(headers or {})
        if expect == 304:
            if time.time() % 60 > 59 - options.seconds:  # presence is on the page: its ETag holds for a minute
                time.sleep(61 - time.time() % 60)
            asked["If-None-Match"] = measure.get(box.port, path)[1]["etag"]
        measure.get(box.port, path, headers)  # whoever comes first in a minute waits; that is measured apart
        made = [request("GET", path, asked)]
        return load(
            box.port,
            made,
            [box.process.pid],
            connections=connections,
            seconds=options.seconds,
            expect=expect,
            again=True,
        )

    return play


def _first_reads(box: Box, key: str, people: str) -> list[list[str]]:
    """Submit, then read, some times for each kind of read."""
    numbers = itertools.count()
    rows = []
    for name, path in (
        ("page, week", PAGE_PATH),
        ("page, all time", f"{PAGE_PATH}?period=all_time"),
        ("JSON, week", JSON_PATH),
        ("JSON, all time", f"{JSON_PATH}&period=all_time"),
        ("page, week, again", ""),
    ):
        took, used = [], []
        for _ in range(FIRST_READS):
            if path:
                _submit(box, key, next(numbers))
            before, began = processor_seconds(box.process.pid), time.perf_counter()
            status, _, _ = measure.get(box.port, path or PAGE_PATH)
            took.append(time.perf_counter() - began)
            used.append(processor_seconds(box.process.pid) - before)
            if status != 200:
                raise SystemExit(f"GET {path} answered {status}")
        rows.append([people, name, f"{1e3 * statistics.median(took):.1f}", f"{1e3 * statistics.mean(used):.0f}"])
    return rows


def _submit(box: Box, key: str, number: int) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    body = {"sessionId": f"read-{number}", "startedAt": now, "endedAt": now, "inputTokens": 10, "outputTokens": 5}
    sent = measure.signed("/api/v1/sessions", json.dumps(body).encode(), key)
    load(box.port, [sent], [box.process.pid], connections=1, seconds=1, expect=201)


def _tell(runs: dict[str, list[Load]]) -> None:
    table(LOAD_HEADS, [load_row(name, each) for name, each in runs.items()])
    print()
    p99 = 1e3 * median(runs["page, gzip"], lambda each: each.p99)
    rate, cpu = ratio(runs["page unchanged, 304"], runs["/healthz"])
    rows = [
        [f"P8 page, p99 with {PAGE_CONNECTIONS} connections", f"{p99:.1f} ms", "< 5 ms"],
        ["P8 rate, 304 / healthz", f"{rate:.2f} x", ">= 1.2 x"],
        ["P8 CPU a request, 304 / healthz", f"{cpu:.2f} x", "-"],
    ]
    if "board JSON, peer" in runs:
        rate, cpu = ratio(runs["board JSON, arena"], runs["board JSON, peer"])
        rows.insert(0, ["P6 rate, arena / peer", f"{rate:.1f} x", ">= 10 x"])
        rows.insert(1, ["P6 CPU a request, arena / peer", f"{cpu:.3f} x", "<= 0.05 x"])
    table(("", "measured", "target"), rows)


if __name__ == "__main__":
    main()
