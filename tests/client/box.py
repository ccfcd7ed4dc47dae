"""A box of cardboard: the endpoints that the laptop speaks to, over a real socket, with faults on demand."""

import gzip
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "modu_arena_0123abcd_" + "0123456789abcdef" * 2


class Box:
    """Keeps what it was sent; ``faults`` are answered first, one a request: a status, bytes, or a function."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.heard = b""
        """Each byte that came over the socket, and bodies also as they were before they were packed."""
        self.faults: list[Any] = []
        self.refuse = ""
        self.skew = 0
        self.delay = 0.0
        self.lasts = 600
        """Seconds that a code is good for."""
        self.rank: dict[str, Any] = {}
        """What `/api/v1/rank` says beside what boxes of every age say."""
        self.collected: list[dict[str, Any]] = []
        """What `/api/auth/device/token` answers, one a request."""
        box = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                box.answer(self, b"")

            def do_POST(self) -> None:
                box.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: Any) -> None:
                pass

            def date_time_string(self, timestamp: float | None = None) -> str:
                return super().date_time_string(int(time.time()) + box.skew)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def usage_requests(self) -> list[Any]:
        return [body for path, _, body in self.requests if path == "/api/v1/usage"]

    def answer(self, to: BaseHTTPRequestHandler, raw: bytes) -> None:
        headers = {name.lower(): value for name, value in to.headers.items()}
        plain = gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else raw
        self.heard += b"\n".join((to.raw_requestline, bytes(to.headers), raw, plain))
        time.sleep(self.delay)
        if self.faults:
            fault = self.faults.pop(0)
            if callable(fault):
                fault(to)
            elif isinstance(fault, int):
                self.reply(to, fault, {"success": False, "error": {"code": "X", "message": "as you wished"}})
            else:
                self.send(to, 200, fault)
            return
        if to.path.startswith("/api/auth/device"):
            assert "x-api-key" not in headers
            self.requests.append((to.path, headers, json.loads(raw)))
            self.device(to)
            return
        if to.command == "POST":
            now = int(time.time()) + self.skew
            stamp = headers["x-timestamp"]
            wanted = hmac.new(headers["x-api-key"].encode(), f"{stamp}:".encode() + raw, "sha256").hexdigest()
            assert headers["x-signature"] == wanted
            if abs(int(stamp) - now) > 300:
                error = {"code": "UNAUTHORIZED", "message": "clock", "details": {"serverTime": now}}
                self.reply(to, 401, {"success": False, "error": error})
                return
        body = json.loads(plain) if plain else None
        self.requests.append((to.path, headers, body))
        self.reply(to, 200, {"success": True, "data": self.data(to.path, body), "meta": {}})

    def device(self, to: BaseHTTPRequestHandler) -> None:
        if to.path.endswith("/token"):
            said = self.collected.pop(0)
            self.reply(to, 400 if "error" in said else 200, said)
            return
        page = f"{self.url}/device"
        asked = {"device_code": "the long one", "user_code": "BCDF-GHJK", "expires_in": self.lasts, "interval": 5}
        self.reply(to, 200, {**asked, "verification_uri": page, "verification_uri_complete": f"{page}?code=BCDF-GHJK"})

    def data(self, path: str, body: Any) -> Any:
        if path == "/api/v1/verify":
            return {
                "valid": True,
                "username": "alice",
                "apiKeyPrefix": "0123abcd",
                "privacyMode": False,
                "createdAt": 1,
            }
        if path == "/api/v1/rank":
            place = {"position": 2, "compositeScore": 414.16, "totalParticipants": 9}
            stats = {"totalTokens": 9, "totalSessions": 1, "inputTokens": 4, "outputTokens": 5}
            return {
                "username": "alice",
                "rankings": {"daily": place, "allTime": None},
                "stats": stats,
                "lastUpdated": 1,
                **self.rank,
            }
        if path == "/api/v1/usage":
            return self.store(body)
        if path == "/api/v1/forget":
            gone = [name for name, session in self.sessions.items() if session["project"] == body["project"]]
            return {"sessions": len([self.sessions.pop(name) for name in gone]), "records": 1}
        return {}

    def store(self, body: Any) -> Any:
        said: dict[str, Any] = {"stored": 0, "grown": 0, "known": 0, "failed": 0, "problems": []}
        for number, session in enumerate(body["sessions"]):
            self.sessions[session["session"]] = session
            for place, record in enumerate(session["records"]):
                old = self.records.get(record["key"])
                if self.refuse:
                    said["failed"] += 1
                    said["problems"].append({"session": number, "record": place, "reason": self.refuse})
                    continue
                said["stored" if old is None else "known" if old == record else "grown"] += 1
                self.records[record["key"]] = record
        return said

    def reply(self, to: BaseHTTPRequestHandler, status: int, content: Any) -> None:
        self.send(to, status, json.dumps(content).encode())

    def send(self, to: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
        to.send_response(status)
        to.send_header("Content-Length", str(len(content)))
        to.end_headers()
        to.wfile.write(content)
