"""Somebody who receives webhooks on loopback, with faults on demand."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.peers.server import Postbox

Fault = int | tuple[int, dict[str, str]] | Callable[[BaseHTTPRequestHandler], None]


class Receiver(Postbox):
    """Answers 204; ``faults`` come first, one a call: a status, one with headers, or a function."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        super().__init__()
        self.url += "/hook/T0KEN"

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        """Keep what came, and answer."""
        self.bodies.append(to.rfile.read(int(to.headers["Content-Length"])))
        self.headers.append({name.lower(): value for name, value in to.headers.items()})
        self.paths.append(to.path)
        fault = self.faults.pop(0) if self.faults else 204
        if callable(fault):
            fault(to)
            return
        status, headers = fault if isinstance(fault, tuple) else (fault, {})
        to.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            to.send_header(name, value)
        to.end_headers()
