"""Somebody who receives webhooks on loopback, with faults on demand."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = int | tuple[int, dict[str, str]] | Callable[[BaseHTTPRequestHandler], None]


class Receiver:
    """Answers 204; ``faults`` come first, one a call: a status, one with headers, or a function."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/T0KEN"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

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
