"""P11: from the start of `arena serve` to its first answer, and from TERM to its end with 50 open event streams.

python tests/bench/start.py
"""

import argparse
import contextlib
import socket
import time
from pathlib import Path

from measure import Box, heading, median, scratch, start_box, table

STREAMS = 50


def main() -> None:
    """Start and stop a box some times, on a new folder and on a used one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    heading(f"P11: start to first answer; stop with {STREAMS} open event streams")
    starts: dict[str, list[float]] = {"new folder": [], "used folder": []}
    stops, codes = [], set()
    with scratch() as folder:
        for number in range(rounds):
            data = folder / str(number)
            data.mkdir()
            for took_of_kind in starts.values():
                took, box = _started(data)
                took_of_kind.append(took)
                stop, code = _stopped(box)
                stops.append(stop)
                codes.add(code)
    rows = [[f"first answer, {kind}", f"{median(took, float):.2f}", "<= 1.0"] for kind, took in starts.items()]
    rows.append([f"end, {STREAMS} streams", f"{median(stops, float):.2f} (longest {max(stops):.2f})", "<= 10"])
    table(("", "seconds", "target"), rows)
    print(f"exit codes: {sorted(codes)} (target: 0)")


def _started(data: Path) -> tuple[float, Box]:
    began = time.perf_counter()
    box = start_box(data)
    return time.perf_counter() - began, box


def _stopped(box: Box) -> tuple[float, int]:
    with contextlib.ExitStack() as streams:
        for _ in range(STREAMS):
            stream = streams.enter_context(socket.create_connection(("127.0.0.1", box.port)))
            stream.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
            if b" 200 " not in stream.recv(4096)[:20]:
                raise SystemExit("GET /live did not open a stream")
        began = time.perf_counter()
        code = box.stop()
        return time.perf_counter() - began, code


if __name__ == "__main__":
    main()
