"""P10: 500 open live boards while 50 sessions a second arrive: how late a board hears of one, and what that costs.

    python tests/bench/live.py

The clock of a session starts before it is sent, and stops when a board's socket has the message that tells of it: its
commit, the quarter of a second for which arrivals are gathered, and the sending are in between. With `--fetch` each
board also fetches itself again, as a browser does, two seconds at the least after the last time.
"""

import argparse
import json
import re
import selectors
import socket
import threading
import time

import measure
from measure import heading, processor_seconds, request, scratch, signed, table

TOKENS = re.compile(rb'"tokens":(\d+)')
LENGTH = re.compile(rb"content-length: (\d+)")
AGAIN = 2.0
"""Seconds between two fetches of a board (see `static/live.js`)."""


def main() -> None:
    """Open the boards, send, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", type=int, default=500)
    parser.add_argument("--rate", type=float, default=50, help="sessions a second (default 50)")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    heading(f"P10: {options.boards} live boards, {options.rate:g} sessions/s for {options.seconds:g} s")
    with scratch() as folder:
        data = folder / "box"
        data.mkdir()
        keys = measure.make_people(data, 4, 1)
        rows = []
        with measure.box_over(data) as box:
            for fetches in (False, True):
                boards = Boards(box.port, options.boards, 2_000_000 if fetches else 1_000_000, fetches=fetches)
                time.sleep(2)
                before, began = processor_seconds(box.process.pid), time.perf_counter()
                send(box.port, keys, boards, options.rate, options.seconds)
                used, took = processor_seconds(box.process.pid) - before, time.perf_counter() - began
                boards.end()
                waits = sorted(boards.waits)
                name = "boards that fetch themselves again" if fetches else "boards that listen"
                heard = len(waits) / (options.boards * options.rate * options.seconds)
                figures = [f"{1e3 * waits[len(waits) * share // 100]:.0f}" for share in (50, 99)]
                rows.append([name, f"{heard:.1%}", *figures, f"{1e3 * waits[-1]:.0f}", f"{used / took:.1%}"])
    table(("", "told", "p50 ms", "p99 ms", "longest ms", "server CPU, of a core"), rows)
    print("targets: p99 below 400 ms, less than 15 % of a core")


class Boards:
    """Open boards, read in a thread."""

    def __init__(self, port: int, number: int, first: int, *, fetches: bool) -> None:
        self.first = first
        """The tokens of the first session; each has one more than the last."""
        self.sent: dict[int, float] = {}
        """When the session with so many tokens was sent."""
        self.waits: list[float] = []
        self._selector = selectors.DefaultSelector()
        self._port = port
        self._ending = threading.Event()
        self._sockets = []
        for _ in range(number):
            stream = socket.create_connection(("127.0.0.1", port))
            stream.sendall(request("GET", "/live", {"Accept": "text/event-stream"}))
            self._selector.register(stream, selectors.EVENT_READ)
            self._sockets.append(stream)
        self._threads = [threading.Thread(target=self._read, daemon=True)]
        if fetches:
            self._threads.append(threading.Thread(target=self._fetch, args=(number / AGAIN,), daemon=True))
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Hear the last of it, and close."""
        time.sleep(1)
        self._ending.set()
        for thread in self._threads:
            thread.join()
        for stream in self._sockets:
            stream.close()

    def _read(self) -> None:
        while not self._ending.is_set():
            for key, _ in self._selector.select(0.1):
                said = key.fileobj.recv(65_536)
                now = time.perf_counter()
                if not said:
                    raise SystemExit("a live board was closed")
                self.waits += [
                    now - self.sent[tokens] for tokens in map(int, TOKENS.findall(said)) if tokens in self.sent
                ]

    def _fetch(self, rate: float) -> None:
        """Ask for the board as often as all boards together do, over one connection."""
        headers = {"HX-Request": "true", "HX-Target": "board", "Accept-Encoding": "gzip"}
        asking = request("GET", "/?period=weekly", headers)
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            began, number = time.perf_counter(), 0
            while not self._ending.is_set():
                connection.sendall(asking)
                _answer(connection)
                number += 1
                time.sleep(max(0.0, began + number / rate - time.perf_counter()))


def _answer(connection: socket.socket) -> bytes:
    """One whole answer."""
    said = b""
    while (end := said.find(b"\r\n\r\n")) < 0 or len(said) < end + 4 + int(LENGTH.search(said)[1]):
        said += connection.recv(262_144)
    return said


def send(port: int, keys: list[str], boards: Boards, rate: float, seconds: float) -> None:
    """Send sessions at a steady pace, each with a number of tokens of its own."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            tokens = boards.first + number
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            session = {"toolType": "claude-code", "sessionId": f"live-{tokens}", "endedAt": now}
            body = json.dumps({**session, "inputTokens": tokens, "outputTokens": 0}).encode()
            asking = signed("/api/v1/sessions", body, keys[number % len(keys)])
            boards.sent[tokens] = time.perf_counter()
            connection.sendall(asking)
            if not (answer := _answer(connection)).startswith(b"HTTP/1.1 201"):
                raise SystemExit(answer.decode())
            time.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))


if __name__ == "__main__":
    main()
