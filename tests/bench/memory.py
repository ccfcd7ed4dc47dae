"""P12: memory of web and worker: idle, under load with open live boards, and after a million sessions.

    python tests/bench/memory.py

Resident memory (RSS) is what `ps` tells; the two processes share pages of libraries, so their proportional share
(PSS) is what the box truly takes; USS would be free at once if a process ended.
"""

import argparse
import contextlib
import socket
import time
from pathlib import Path

import measure
from ingest import BATCH, KEYS, PEOPLE, _batches
from measure import Box, heading, load, scratch, table

CONNECTIONS = 16
ROUND = 20_000
"""Sessions that are made ready at a time."""


def main() -> None:
    """Measure one box in all three states."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--boards", type=int, default=100, help="live boards that are open under load")
    options = parser.parse_args()
    heading(f"P12: memory of web and worker, MiB; {options.sessions:,} sessions, {options.boards} live boards")
    rows = []
    with scratch() as folder:
        data = folder / "box"
        data.mkdir()
        keys = measure.make_people(data, PEOPLE, KEYS)
        with measure.box_over(data) as box:
            while not (data / "beat").exists():
                time.sleep(0.1)
            time.sleep(3)
            rows.append(["idle", *_memory(box)])
            numbers = iter(range(10**9))
            with live_boards(box.port, options.boards):
                for done in range(0, options.sessions, ROUND):
                    made = _batches(keys, numbers, ROUND // BATCH)
                    load(box.port, made, [box.process.pid], connections=CONNECTIONS, seconds=600, expect=201)
                    _look_around(box)
                    if done == 0:
                        rows.append([f"after {ROUND:,} sessions, boards open", *_memory(box)])
                rows.append([f"after {options.sessions:,} sessions, boards open", *_memory(box)])
            time.sleep(10)
            rows.append([f"after {options.sessions:,} sessions, at rest", *_memory(box)])
            size = sum(file.stat().st_size for file in data.glob("arena.db*"))
    table(("", "web RSS", "worker RSS", "RSS together", "PSS together", "USS together"), rows)
    print(f"database and log: {size / 2**20:.0f} MiB, {size / options.sessions:.0f} bytes a session")
    print("targets: 130 MB together idle, 220 MB after a million sessions")


def _look_around(box: Box) -> None:
    for path in ("/", "/leaderboard?period=all_time", "/api/leaderboard", "/metrics"):
        measure.get(box.port, path)


@contextlib.contextmanager
def live_boards(port: int, number: int):
    """So many open boards, whose messages are read and thrown away by nobody: they wait in the sockets."""
    with contextlib.ExitStack() as streams:
        for _ in range(number):
            stream = streams.enter_context(socket.create_connection(("127.0.0.1", port)))
            stream.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        yield


def _memory(box: Box) -> list[str]:
    """RSS of web and worker, and RSS, PSS and USS of both."""
    found = []
    for pid in (box.process.pid, *_children(box.process.pid)):
        fields = {}
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, size, *_ = line.split()
            fields[name.rstrip(":")] = int(size) / 1024
        found.append((fields["Rss"], fields["Pss"], fields["Private_Clean"] + fields["Private_Dirty"]))
    together = [sum(each[at] for each in found) for at in range(3)]
    return [f"{size:.0f}" for size in (found[0][0], sum(each[0] for each in found[1:]), *together)]


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


if __name__ == "__main__":
    main()
