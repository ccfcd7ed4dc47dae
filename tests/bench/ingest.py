"""P4 and P5: signed submissions a second, each durable before its answer, beside a Django service; and batches of 100.

    python tests/bench/ingest.py

The box gets signed sessions (`POST /api/v1/sessions`) of four people with two keys each; the peer gets scores with a
token (`POST /api/scores/`), a row in PostgreSQL and a place in Redis. 32 connections; rounds of each in turn.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator

import measure
from measure import LOAD_HEADS, Load, heading, load, load_row, median, ratio, request, signed, table

CONNECTIONS = 32
BATCH = 100
PEOPLE, KEYS = 4, 2
MOST = 12_000
"""Requests made ready for a second of load; a run that uses them all ends early, and its rate stands."""


def main() -> None:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4, help="of load in each run (default 4)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with measure.scratch() as scratch:
        data = scratch / "box"
        data.mkdir()
        keys = measure.make_people(data, PEOPLE, KEYS)
        peer = measure.peer_service(scratch, 1_000)
        numbers = itertools.count()
        single: list[Load] = []
        batches: list[Load] = []
        scores: list[Load] = []
        with measure.box_over(data) as box, peer or measure.nothing() as service:
            heading(f"P4, P5: {CONNECTIONS} connections, {options.rounds} rounds of {options.seconds:g} s in turn")
            for turn in range(options.rounds + 1):
                seconds = options.seconds if turn else 1  # the first turn only warms up
                load_of = {"connections": CONNECTIONS, "seconds": seconds, "expect": 201}
                made = singles(keys, numbers, int(MOST * seconds))
                single.append(load(box.port, made, [box.process.pid], **load_of))
                if service is not None:
                    made = _scores(service.game, service.tokens, int(MOST / 2 * seconds))
                    scores.append(load(service.port, made, service.processes, **load_of))
                made = _batches(keys, numbers, int(MOST / 25 * seconds))
                batches.append(load(box.port, made, [box.process.pid], **load_of))
            del single[0], batches[0], scores[:1]
        _tell(single, batches, scores)


def _session(number: int, now: str) -> dict[str, object]:
    return {
        "toolType": "claude-code",
        "sessionId": f"bench-{number}",
        "startedAt": now,
        "endedAt": now,
        "inputTokens": 1_000 + number % 977,
        "outputTokens": 300 + number % 211,
        "cacheCreationTokens": 2_000,
        "cacheReadTokens": 50_000 + number % 1_009,
        "modelName": "claude-sonnet-4-5-20250929",
        "durationSeconds": 60,
        "turnCount": 3,
        "toolUsage": {"Read": 4, "Edit": 2},
        "codeMetrics": {"linesAdded": 20, "linesDeleted": 4, "filesModified": 2, "filesCreated": 0},
    }


def singles(keys: list[str], numbers: Iterator[int], count: int) -> list[bytes]:
    """So many signed requests of one session each."""
    now = _now()
    bodies = [json.dumps(_session(next(numbers), now)).encode() for _ in range(count)]
    return [signed("/api/v1/sessions", body, keys[at % len(keys)]) for at, body in enumerate(bodies)]


def _batches(keys: list[str], numbers: Iterator[int], count: int) -> list[bytes]:
    now = _now()
    made = []
    for key in itertools.islice(itertools.cycle(keys), count):
        body = json.dumps({"sessions": [_session(next(numbers), now) for _ in range(BATCH)]}).encode()
        made.append(signed("/api/v1/sessions/batch", body, key))
    return made


def _scores(game: int, tokens: list[str], count: int) -> list[bytes]:
    heads = [{"Authorization": f"Bearer {token}"} for token in tokens]
    bodies = [json.dumps({"game_id": game, "score": number}).encode() for number in range(count)]
    return [request("POST", "/api/scores/", heads[at % len(heads)], body) for at, body in enumerate(bodies)]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _tell(singles: list[Load], batches: list[Load], scores: list[Load]) -> None:
    rows = [load_row("arena, single", singles), load_row(f"arena, batches of {BATCH}", batches)]
    if scores:
        rows.append(load_row("peer, single", scores))
    table(LOAD_HEADS, rows)
    print()
    more = median(zip(batches, singles, strict=True), lambda pair: BATCH * pair[0].rate / pair[1].rate)
    less = median(zip(batches, singles, strict=True), lambda pair: pair[0].cpu / BATCH / pair[1].cpu)
    p99 = 1e3 * median(singles, lambda each: each.p99)
    rows = [
        [
            "P4 requests/s, arena",
            f"{median(singles, lambda each: each.rate):,.0f}",
            ">= 5,000 on an idle machine",
        ],
        ["P4 p99, arena", f"{p99:.1f} ms", "< 30 ms"],
        ["P5 records/s, batches / singles", f"{more:.1f} x", ">= 8 x"],
        ["P5 CPU a record, batches / singles", f"{less:.3f} x", "-"],
    ]
    if scores:
        rate, cpu = ratio(singles, scores)
        rows.insert(0, ["P4 rate, arena / peer", f"{rate:.1f} x", ">= 6 x"])
        rows.insert(1, ["P4 CPU a request, arena / peer", f"{cpu:.3f} x", "<= 0.12 x"])
    table(("", "measured", "target"), rows)


if __name__ == "__main__":
    main()
