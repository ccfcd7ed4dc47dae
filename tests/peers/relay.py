"""What stands between a caller and a server, and can be made to do what networks and busy servers do."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit


class Relay:
    """Hands every connection on to a server until it is told otherwise.

    ``answers`` are given, one to a new connection, instead of the server's; as many connections as ``cuts`` says end
    once ``cut_after`` bytes were sent; a new one waits ``pause`` seconds; while ``hold_after`` is set, no more bytes
    than that are handed on.
    """

    def __init__(self, url: str) -> None:
        to = urlsplit(url)
        self._to = (to.hostname, to.port)
        self.answers: list[tuple[int, str]] = []
        self.cuts, self.cut_after, self.pause = 0, 1 << 20, 0.0
        self.hold_after: int | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections: nobody is there."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller, contextlib.suppress(OSError):
            time.sleep(self.pause)
            if self.answers:
                _answer(caller, *self.answers.pop(0))
                return
            with socket.create_connection(self._to) as server:
                back = threading.Thread(target=_carry, args=(server, caller, lambda _: False), daemon=True)
                back.start()
                _carry(caller, server, self._is_cut)
                for each in (server, caller):
                    with contextlib.suppress(OSError):
                        each.shutdown(socket.SHUT_RDWR)
                back.join(5)

    def _is_cut(self, sent: int) -> bool:
        while self.hold_after is not None and sent >= self.hold_after:
            time.sleep(0.01)
        if not self.cuts or sent < self.cut_after:
            return False
        self.cuts -= 1
        return True


def _carry(one: socket.socket, other: socket.socket, is_cut: Callable[[int], bool]) -> None:
    sent = 0
    with contextlib.suppress(OSError):
        while not is_cut(sent) and (block := one.recv(65_536)):
            other.sendall(block)
            sent += len(block)


def _answer(caller: socket.socket, status: int, code: str) -> None:
    """Take the whole request in, then refuse it as S3 does."""
    asked = caller.makefile("rb")
    length, waits = 0, False
    while (line := asked.readline().strip().lower()) != b"":
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
        waits = waits or line == b"expect: 100-continue"
    asked.read(0 if waits else length)
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
    head = f"HTTP/1.1 {status} {code}\r\ncontent-type: application/xml\r\ncontent-length: {len(body)}\r\n"
    caller.sendall(f"{head}connection: close\r\n\r\n".encode() + body)
