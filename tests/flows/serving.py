"""A real box: `arena serve` as a process of its own, the people on it, and what its database holds."""

import contextlib
import hmac
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from arena.accounts import store
from arena.accounts.actions import keys, people
from arena.audit.models import OPERATOR
from arena.core import clock, sqlite
from arena.core.db import Database
from tests.client.system import System

ROOT = Path(__file__).parents[2]
ARENA = (sys.executable, "-m", "arena")
UNLIMITED = {
    f"ARENA_LIMITS__{name}": str(10**9) for name in ("API", "AUTHENTICATION", "SENSITIVE", "PUBLIC", "UPLOAD", "OTLP")
}
"""Limits that no test reaches, for they all come from one address at once; `tests/api/test_limits.py` sets its own."""
UNDERWAY: "list[Serving]" = []
"""Every box that was started and not yet stopped, so that a failed test can show its log."""
SESSIONS = "/api/v1/sessions"
USAGE = ("usage_records", "sessions", "token_usage", "road_days", "daily_user_stats", "user_stats", "collectors")


def environment(**more: str) -> dict[str, str]:
    """Our environment without what would configure an arena."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARENA_", "CLAUDE_", "XDG_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more}


def arena(*argv: str, timeout: float = 30, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*ARENA, *argv],
        check=False,
        cwd=ROOT,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


class Serving:
    """One `arena serve`; `start` and `stop` may be called again, the folder stays."""

    program: Sequence[str | Path] = ARENA
    cwd = ROOT

    def __init__(self, data: Path, *options: str, **env: str) -> None:
        self.data, self.options, self.env = data, options, {**UNLIMITED, **env}
        self.log = data.with_name(data.name + ".log")
        self.url = ""
        self.said: list[str] = []
        """Its lines on standard output that were read so far."""
        self._heard: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, is_ready: bool = True) -> "Serving":
        """Serve, and wait until it says where, and that it is ready if it shall be."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, "serve", "--port", "0", "--data", str(self.data), *self.options],
                cwd=self.cwd,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
            )
        UNDERWAY.append(self)
        self.said, self._heard = [], []
        self.url = self._read_until("arena is at ", 20)[-1].removeprefix("arena is at ")
        if is_ready:
            wait_until(lambda: get(f"{self.url}/readyz").status_code == 200, 10)
        return self

    def environment(self) -> dict[str, str]:
        """What it finds in its environment."""
        return environment(**self.env)

    def first_link(self) -> str:
        """The one-time link, which stands alone on its line."""
        return self._read_until("http", 10)[-1]

    def stop(self) -> int:
        """Ask it to end, as an operator's machine does; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(10)
            rest = self.process.stdout.read().decode() if self.process.stdout else ""
            self.said += [*self._heard, *rest.splitlines()]
            return code
        finally:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None
        UNDERWAY.remove(self)

    def worker_pids(self) -> list[int]:
        """The living workers of this folder."""
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (process / "cmdline").read_bytes().split(b"\0")
                    if b"worker" in words and str(self.data).encode() in words:
                        found.append(int(process.name))
        return found

    def _read_until(self, start: str, seconds: float) -> list[str]:
        """All lines of standard output so far, up to one that begins so."""
        assert self.process is not None
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self._heard:
                self.said.append(line)
                if line.startswith(start):
                    del self._heard[: self._heard.index(line) + 1]
                    return self.said
            self._heard.clear()
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                chunk = os.read(self.process.stdout.fileno(), 65_536).decode()
                if not chunk:
                    break
                self._heard = chunk.splitlines()
        raise AssertionError(f"`arena serve` never said {start!r}: {self.said} {self.log.read_text()}")

    # -- what is in it

    def ask(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Look into the database beside the running box."""
        conn = sqlite.connect(self.data / "arena.db", readonly=True)
        try:
            return [tuple(row) for row in conn.execute(sql, values)]
        finally:
            conn.close()

    def counts(self) -> dict[str, tuple[Any, ...]]:
        """How much usage there is: rows of each table, and all tokens."""
        found = {name: self.ask(f"SELECT COUNT(*) FROM {name}")[0] for name in USAGE}
        found["tokens"] = self.ask(
            "SELECT SUM(input_tokens), SUM(output_tokens), SUM(cache_tokens) FROM daily_user_stats"
        )[0]
        return found

    def add(self, name: str, *, private: bool = False, role: Any = "member") -> "Person":
        """Put somebody with a key on the box, beside the running process as `arena admin` would."""

        def write(conn: Any) -> str:
            person = people.add_user(conn, name=name, role=role, caller=OPERATOR, now=clock.now())
            if private:
                store.set_private(conn, person.id, private=True, now=clock.now())
            return keys.make_key(conn, user_id=person.id, caller=OPERATOR, now=clock.now())

        return Person(self, name, self.write(write))

    def write(self, fn: Any) -> Any:
        """Run a function in a write of our own."""
        db = Database(self.data / "arena.db")
        try:
            return db.write_sync(fn)
        finally:
            db.close_sync()


class Person:
    """Somebody with a key, speaking to the box as programs do."""

    def __init__(self, box: Serving, name: str, key: str) -> None:
        self.box, self.name, self.key = box, name, key

    def sign(self, body: bytes, *, at: int | None = None) -> dict[str, str]:
        """The headers of a signed request."""
        stamp = str(int(time.time()) if at is None else at)
        signature = hmac.new(self.key.encode(), stamp.encode() + b":" + body, "sha256").hexdigest()
        return {"X-API-Key": self.key, "X-Timestamp": stamp, "X-Signature": signature}

    def request(self, body: Any, **headers: str) -> dict[str, Any]:
        """The content and headers of a signed request; bytes travel as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return {"content": raw, "headers": {"Content-Type": "application/json", **self.sign(raw), **headers}}

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Send a signed request. No answer may be a failure of the box."""
        answer = post(f"{self.box.url}{path}", **self.request(body, **headers))
        assert answer.status_code < 500, answer.text
        return answer

    def send(self, body: Any, **headers: str) -> httpx.Response:
        """Send one session."""
        return self.post(SESSIONS, body, **headers)

    def batch(self, *items: Any) -> httpx.Response:
        """Send several sessions."""
        return self.post(f"{SESSIONS}/batch", {"sessions": list(items)})

    def get(self, path: str) -> Any:
        """Ask with the key; the data of a good answer."""
        answer = get(f"{self.box.url}{path}", headers={"X-API-Key": self.key})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def totals(self) -> tuple[int, int, int]:
        """Input and output tokens and sessions of all time, as the box tells them."""
        stats = self.get("/api/v1/rank")["stats"]
        return stats["inputTokens"], stats["outputTokens"], stats["totalSessions"]


class Visitor(httpx.Client):
    """A browser without scripts."""

    def __init__(self, box: Serving) -> None:
        super().__init__(base_url=box.url, follow_redirects=True, timeout=20, verify=False)

    def csrf(self, page: str) -> str:
        """The token in the form of a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(page).text)
        assert found, page
        return found[1]

    def join(self, link: str, name: str, password: str = "correct horse battery") -> httpx.Response:
        """Fill in the form of a one-time link."""
        data = {"csrf": self.csrf(link), "name": name, "display": name.title(), "password": password}
        return self.post(link, data=data)

    def make_key(self, label: str = "laptop") -> str:
        """Make a key on the dashboard and copy it."""
        answer = self.post("/dashboard/keys", data={"csrf": self.csrf("/dashboard"), "label": label})
        found = re.search(r"<code>(modu_arena_[0-9a-f]{8}_[0-9a-f]{32})</code>", answer.text)
        assert found, answer.text
        return found[1]


class Laptop:
    """A machine with its own home of arena and its own transcripts."""

    def __init__(self, folder: Path, claude: Path) -> None:
        self.home, self.claude = folder, claude
        self.system = System(folder.with_name(f"{folder.name}-system"))
        self.env = {"ARENA_HOME": str(folder), "CLAUDE_CONFIG_DIR": str(claude), "HOME": str(folder)}
        self.env["PATH"] = self.system.path

    def run(self, *argv: str) -> str:
        """Run a command that must succeed; what it said."""
        done = arena(*argv, **self.env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def login(self, person: Person, *options: str) -> str:
        """Sign in with a key given."""
        return self.run("login", "--server", person.box.url, "--api-key", person.key, *options)

    def sync(self) -> dict[str, Any]:
        """Send what is new; the summary."""
        summary: dict[str, Any] = json.loads(self.run("sync", "--json"))
        return summary

    def hook(self, event: Any) -> None:
        """Do what a tool does when a session ends."""
        done = subprocess.run(
            [*ARENA, "hook", "claude-code"],
            check=False,
            cwd=ROOT,
            env=environment(**self.env),
            input=json.dumps(event).encode(),
            capture_output=True,
            timeout=10,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        """Begin a command."""
        return subprocess.Popen(
            [*ARENA, *argv], cwd=ROOT, env=environment(**self.env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


def request(method: str, url: str, **how: Any) -> httpx.Response:
    """Ask as somebody new, without cookies. (Loading certificates that nobody needs takes longer than the answer.)"""
    return httpx.request(method, url, verify=False, timeout=20, **how)


get, post = partial(request, "GET"), partial(request, "POST")


def wait_until(holds: Any, seconds: float, pause: float = 0.02) -> None:
    """Look again and again until something holds; an address that does not answer yet does not hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if holds():
                return
        time.sleep(pause)
    raise AssertionError(f"not within {seconds} s")


def now_iso(ago: float = 0) -> str:
    """The time, or some seconds ago, as programs write it."""
    return clock.iso(clock.now() - int(ago * 1000))


def session(**fields: Any) -> dict[str, Any]:
    """A good session of the wire protocol, that ends now."""
    return {"endedAt": now_iso(), "inputTokens": 300, "outputTokens": 120, "modelName": "claude-sonnet-4-5", **fields}
