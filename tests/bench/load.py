"""The load generator, a process of its own: plays prepared requests and notes when each answer was whole.

Requests are made and signed before the clock starts, and answers are only measured, not decoded, so that a server
and not this program is the bottleneck. `measure.load` runs it; it prints one line of JSON.
"""

import json
import pickle
import resource
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any


def main() -> int:
    """Play the plan in the file that is named."""
    plan = pickle.loads(Path(sys.argv[1]).read_bytes())
    print(json.dumps(play(**plan)))
    return 0


def play(port: int, requests: list[bytes], connections: int, seconds: float, again: bool) -> dict[str, Any]:
    """Send each request over the connection that is free; a connection waits for its answer before the next one."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    sent: dict[int, float] = {}
    held: dict[int, bytes] = {}
    waits: list[float] = []
    statuses: dict[str, int] = {}
    last = b""
    at, count = 0, len(requests)

    def connect() -> int:
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[made.fileno()] = made
        poll.register(made.fileno(), select.EPOLLIN)
        return made.fileno()

    def drop(number: int) -> None:
        poll.unregister(number)
        sockets.pop(number).close()

    for _ in range(connections):
        connect()
    began = time.perf_counter()
    deadline = began + seconds
    cpu = _cpu()
    for number in list(sockets) if again else list(sockets)[:count]:
        sent[number] = time.perf_counter()
        sockets[number].sendall(requests[at % count])
        at = at + 1 if not again else (at + 1) % count
    while sent:
        for ready, _ in poll.poll(30):
            number = ready
            if number not in sent:
                continue
            data = sockets[number].recv(262_144)
            if not data:
                raise ConnectionError("the server hung up without an answer")
            if number in held:
                data = held.pop(number) + data
            end = data.find(b"\r\n\r\n")
            head = data[:end].lower()
            if end < 0 or len(data) < end + 4 + _length(head):
                held[number] = data
                continue
            now = time.perf_counter()
            waits.append(now - sent.pop(number))
            status = data[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1
            last = data
            if at == count and again:
                at = 0
            if now >= deadline or at == count:
                continue
            if head.find(b"connection: close") >= 0:
                drop(number)
                number = connect()
            sent[number] = time.perf_counter()
            sockets[number].sendall(requests[at])
            at += 1
    took, used = time.perf_counter() - began, _cpu() - cpu
    waits.sort()
    return {
        "requests": len(waits),
        "seconds": took,
        "statuses": statuses,
        "p50": waits[len(waits) // 2],
        "p99": waits[len(waits) * 99 // 100],
        "cpu": used,
        "last": last[:300].decode("utf-8", "replace"),
    }


def _length(head: bytes) -> int:
    at = head.find(b"\ncontent-length: ")
    if at >= 0:
        return int(head[at + 17 :].split(b"\r", 1)[0])
    if b" 304 " in head[:13]:
        return 0
    raise ValueError(f"an answer without a length: {head[:200]!r}")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
