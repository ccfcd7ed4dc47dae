"""Signs in through this machine's browser: it brings the key to an address that only this machine has (RFC 8252)."""

import hmac
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from arena.client import terminal
from arena.client.api import Api
from arena.client.credentials import Credentials, checked_key
from arena.client.home import Refused

PATIENCE = 300.0
"""Seconds that the browser has: the box lets nobody say yes any later."""

LINGER = 2.0
"""Seconds to stay, at the most, until the browser has the page that says the rest."""

IDLE = 10.0

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – arena</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 376px; margin: 0; padding: 72px; font: 15px/22px sans-serif;
  color: light-dark(#14191c, #edf1f1); background: light-dark(#fff, #0f1315); }}
h1 {{ margin: 0 0 20px; font-size: 34px; line-height: 40px; font-weight: 600; letter-spacing: -.02em;
  text-wrap: balance; }}
@media (max-width: 639px) {{ body {{ padding: 40px 16px; }} h1 {{ font-size: 26px; line-height: 32px; }} }}
</style>
<h1>{title}</h1>
<p>{sentence}</p>
"""


def has_browser() -> bool:
    """Say whether a browser opens where the person sits: not over SSH, and not without a screen."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    if os.environ.get("BROWSER"):
        return True
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform not in {"win32", "darwin"} and not screen:
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def sign_in(server: str, label: str, say: Callable[[str], None]) -> str:
    """Have the browser ask its person, and return the key that it brings. Refuses in one sentence otherwise."""
    with Api(Credentials(server, "")) as api:
        api.knock()
    state = secrets.token_urlsafe(32)
    try:
        listener = _Listener(state)
    except OSError as error:
        raise Refused(
            f"no port of this machine can be opened for the browser's answer ({error.strerror or error}); "
            "run `arena login --device`."
        ) from None
    with listener:
        asked = urlencode({"redirect_uri": listener.address, "state": state, "label": label})
        address = f"{server}/api/auth/cli?{asked}"
        say(f"say yes in the browser; if none opens, go to\n  {address}")
        # Some browsers are waited for until they are closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        if not listener.answered.wait(PATIENCE):
            raise Refused("nobody answered in the browser within five minutes; run `arena login` again.")
        listener.shown.wait(LINGER)
    said = listener.said
    if "api_key" not in said:
        why = terminal.clean(said.get("error_description", "")) or "the answer in the browser was no."
        raise Refused(f"nothing was signed in: {why[0].lower()}{why[1:]}")
    return checked_key(said["api_key"])


class _Listener(ThreadingHTTPServer):
    """Hears the browser on a port of its own, and keeps the first answer that knows the state."""

    allow_reuse_address = False

    def __init__(self, state: str) -> None:
        self.state = state
        self.said: dict[str, str] = {}
        self.answered, self.shown = threading.Event(), threading.Event()
        self.strangers = 0
        self._deciding = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Browser)
        # By number: what a machine calls localhost may be somebody else's listener at another of its addresses.
        self.address = f"http://127.0.0.1:{self.server_port}/callback"

    def __enter__(self) -> "_Listener":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Say nothing of browsers that hang up."""

    def hear(self, said: dict[str, str]) -> bool:
        """Keep an answer if it is the first; says whether it knows the state at all."""
        with self._deciding:
            if not hmac.compare_digest(said.get("state", "").encode("utf-8", "replace"), self.state.encode()):
                self.strangers += 1
                if self.strangers == 1:
                    terminal.complain("an answer to another sign-in was turned away; still waiting for yours.")
                return False
            if not self.answered.is_set():
                self.said = said
                self.answered.set()
            return True


class _Browser(BaseHTTPRequestHandler):
    server: _Listener
    timeout = IDLE

    def do_GET(self) -> None:
        """Take the answer, and lead on to an address that does not hold the key; there, say that it is over."""
        parts = urlsplit(self.path)
        if parts.path == "/callback":
            if self.server.hear(dict(parse_qsl(parts.query))):
                self._answer(303, b"", ("Location", "/done"))
            else:
                self._page(400, "Not this sign-in.", "The terminal waits for another answer. You may close this page.")
        elif parts.path == "/done" and self.server.answered.is_set():
            if "api_key" in self.server.said:
                self._page(200, "Your terminal goes on.", "It is being signed in. You may close this page.")
            else:
                self._page(200, "Nothing was signed in.", "The terminal knows. You may close this page.")
            self.server.shown.set()
        else:
            self._page(404, "Nothing is here.", "You may close this page.")

    def log_message(self, *_: object) -> None:
        """Say nothing: the address holds the key."""

    def _page(self, status: int, title: str, sentence: str) -> None:
        content = PAGE.format(title=title, sentence=sentence).encode()
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        self._answer(status, content, ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", policy))

    def _answer(self, status: int, content: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
