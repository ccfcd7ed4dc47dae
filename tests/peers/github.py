"""GitHub as its documentation describes it, at the address of an Enterprise server: web flow and API.

Errors of the token endpoint come with status 200; the API has its own base path, wants a user agent, hides what the
token's scopes do not cover, and has limits.
"""

import base64
import html
import json
import secrets
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.peers.server import Answer, Asked, Peer

SECRET = "the secret of the app"
JSON = {"content-type": "application/json; charset=utf-8"}


@dataclass
class Person:
    """Somebody with an account there."""

    id: int
    login: str
    name: str | None = None
    emails: list[tuple[str, bool, bool]] = field(default_factory=list)
    """Address, main one, verified."""
    organisations: list[str] = field(default_factory=list)


class GitHub(Peer):
    """The server. ``visitor`` is who is signed in there; ``answers`` holds what a path says instead, once each."""

    def __init__(self) -> None:
        super().__init__()
        self.visitor = Person(583231, "octocat", "The Octocat", [("octocat@example.org", True, True)])
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, tuple[Person, set[str]]] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.hold: threading.Event | None = None
        """While it is there and not set, nothing is answered."""
        self.asked: list[Asked] = []

    def answer(self, asked: Asked) -> Answer:
        """Lead to the handler of the path."""
        self.asked.append(asked)
        if self.hold is not None:
            self.hold.wait(30)
        if self.answers.get(asked.path):
            return self.answers[asked.path].pop(0)
        match asked.method, asked.path:
            case "GET", "/login/oauth/authorize":
                return self._ask(asked.query)
            case "POST", "/login/oauth/authorize":
                return self._decide(asked.form)
            case "POST", "/login/oauth/access_token":
                return self._redeem(asked)
            case "GET", path if path.startswith("/api/v3/"):
                return self._api(asked)
        return 404, JSON, b'{"message":"Not Found"}'

    def say(self, path: str, status: int, body: Any, **headers: str) -> None:
        """Say something else the next time that a path is asked."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((status, {**JSON, **named}, content))

    def revoke(self) -> None:
        """Forget every token."""
        self.tokens.clear()

    def _ask(self, query: dict[str, str]) -> Answer:
        if query.get("client_id") != "arena":
            return 404, {}, b""
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in query.items()
        )
        page = (
            f"<!doctype html><title>Authorize arena</title><h1>Authorize arena for {self.visitor.login}?</h1>"
            f'<form method="post">{hidden}<button name="authorize" value="1">Authorize</button>'
            f'<button name="authorize" value="0">Cancel</button></form>'
        )
        return 200, {"content-type": "text/html; charset=utf-8"}, page.encode()

    def _decide(self, form: dict[str, str]) -> Answer:
        back = {"state": form["state"]}
        if form["authorize"] == "1":
            code = secrets.token_hex(10)
            self.codes[code] = form
            back["code"] = code
        else:
            back |= {"error": "access_denied", "error_description": "The user has denied your application access."}
        return 302, {"location": f"{form['redirect_uri']}?{urlencode(back)}"}, b""

    def _redeem(self, asked: Asked) -> Answer:
        sent = asked.form
        given = self.codes.pop(sent.get("code", ""), None)
        if (sent.get("client_id"), sent.get("client_secret")) != ("arena", SECRET):
            said: dict[str, Any] = _error("incorrect_client_credentials")
        elif given is None or _challenge(sent.get("code_verifier", "")) != given.get("code_challenge"):
            said = _error("bad_verification_code")
        elif sent.get("redirect_uri") not in (None, given["redirect_uri"]):
            said = _error("redirect_uri_mismatch")
        else:
            token = f"gho_{secrets.token_hex(18)}"
            self.tokens[token] = self.visitor, set(given.get("scope", "").split())
            said = {"access_token": token, "scope": given.get("scope", "").replace(" ", ","), "token_type": "bearer"}
        if "json" in asked.headers.get("accept", ""):
            return 200, JSON, json.dumps(said).encode()
        return 200, {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, urlencode(said).encode()

    def _api(self, asked: Asked) -> Answer:
        if not asked.headers.get("user-agent"):
            return 403, {}, b"Request forbidden by administrative rules."
        found = self.tokens.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if found is None:
            return 401, JSON, b'{"message":"Bad credentials"}'
        person, scopes = found
        page = int(asked.query.get("page", 1)) - 1
        size = int(asked.query.get("per_page", 30))
        match asked.path.removeprefix("/api/v3"):
            case "/user":
                said: Any = {"login": person.login, "id": person.id, "name": person.name, "type": "User", "email": None}
            case "/user/emails" if scopes & {"user", "user:email"}:
                said = [
                    {"email": email, "primary": primary, "verified": verified, "visibility": None}
                    for email, primary, verified in person.emails
                ]
            case "/user/orgs":
                known = person.organisations if scopes & {"user", "read:org"} else []
                said = [{"login": each, "id": number} for number, each in enumerate(known)]
                said = said[page * size : (page + 1) * size]
            case _:
                return 404, JSON, b'{"message":"Not Found"}'
        return 200, JSON, json.dumps(said).encode()


def sign_in(address: str, *, refuses: bool = False) -> str:
    """Do what a person does there, beginning at the address that arena led to; returns where they are led back to."""
    query = dict(httpx.URL(address).params)
    data = {**query, "authorize": "0" if refuses else "1"}
    answer = httpx.post(address, data=data, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def _error(code: str) -> dict[str, str]:
    return {"error": code, "error_description": f"It is {code}.", "error_uri": "https://docs.github.com/"}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
