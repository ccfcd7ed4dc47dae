"""A mail server on loopback that takes what it is sent, or misbehaves as it is told; and mail as a reader sees it."""

import asyncio
import email
import ssl
import threading
import time
import warnings
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

PASSWORD = "correct horse"
Fault = str | float
"""An answer to RCPT ("rcpt 550 ...") or to DATA ("451 ..."); to hang up before its yes ("drop") or after it ("rude");
seconds to wait before it."""


class Mailbox:
    """The server. ``faults`` come first, one a message; ``letters`` is all that it said yes to, or dropped after."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, offers_tls: bool = True, login: bool = False) -> None:
        self.faults: list[Fault] = []
        self.letters: list[EmailMessage] = []
        self.rcpt: list[str] = []
        self.secured: list[bool] = []
        self.logins: list[tuple[str, str]] = []
        self._tls, self._offered, self._login = tls, tls if offers_tls else None, login
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        self._loop = asyncio.new_event_loop()
        self._connected: list[SMTP] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(5)

    def close(self) -> None:
        """Listen no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a box that mails by this server."""
        said = {"HOST": "127.0.0.1", "PORT": str(self.port), "SECURITY": "none", "SENDER": "Arena <arena@example.org>"}
        return {f"ARENA_MAIL__{name}": value for name, value in {**said, **more}.items()}

    def to(self, address: str) -> list[EmailMessage]:
        """The letters to somebody."""
        return [letter for letter, rcpt in zip(self.letters, self.rcpt, strict=True) if rcpt == address]

    # -- what aiosmtpd asks

    async def handle_RCPT(self, _: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.faults and isinstance(self.faults[0], str) and self.faults[0].startswith("rcpt "):
            return str(self.faults.pop(0)).removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, str) and fault not in ("drop", "rude"):
            return fault
        letter = email.message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(letter, EmailMessage)
        if isinstance(fault, float):
            await asyncio.sleep(fault)
        self.letters.append(letter)
        self.rcpt += envelope.rcpt_tos
        self.secured.append(session.ssl is not None)
        assert server.transport is not None
        if fault == "drop":
            server.transport.abort()
        if fault == "rude":
            server.transport.write(b"250 OK\r\n")
            server.transport.close()
        return "250 OK"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        more: dict[str, Any] = {}
        if self._login:
            more = {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": False}

        def made() -> SMTP:
            with warnings.catch_warnings(action="ignore"):  # that a login is not asked for encryption first
                self._connected.append(
                    SMTP(self, hostname="mailbox", tls_context=self._offered, loop=self._loop, **more)
                )
            return self._connected[-1]

        wrapped = self._tls if self._offered is None else None
        serving = self._loop.create_server(made, "127.0.0.1", self.port, ssl=wrapped)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for connected in self._connected:
            if connected.transport is not None:
                connected.transport.abort()
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))


def said(letter: EmailMessage, kind: str = "plain") -> str:
    """What a letter says, as plain text or as "html"."""
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def wait_for(mailbox: Mailbox, address: str, number: int = 1, seconds: float = 20) -> list[EmailMessage]:
    """The letters to somebody, once there are so many."""
    deadline = time.monotonic() + seconds
    while len(found := mailbox.to(address)) < number:
        assert time.monotonic() < deadline, f"{len(found)} of {number} letters to {address}"
        time.sleep(0.05)
    return found
