"""An OpenID provider that can be made to lie, signed as it should be where that is the point."""

import base64
import hmac
import json
import secrets
import time
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.peers.server import Answer, Asked, Peer

JSON = {"content-type": "application/json"}


class Liar(Peer):
    """The provider. `claims`, `header`, `about`, `keys`, `told` and `answers` change what it would say."""

    def __init__(self) -> None:
        super().__init__()
        self.key: RSAKey | ECKey = _key()
        self.published = [self.key]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.about: dict[str, Any] = {}
        self.told: dict[str, Any] | None = None
        self.answers: dict[str, Answer] = {}
        self.nonces: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    def answer(self, asked: Asked) -> Answer:
        """Lead to what a path says."""
        self.counts[asked.path] = self.counts.get(asked.path, 0) + 1
        if asked.path in self.answers:
            return self.answers[asked.path]
        match asked.path:
            case "/.well-known/openid-configuration":
                said: Any = {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/keys",
                    "userinfo_endpoint": f"{self.url}/me",
                    **self.about,
                }
            case "/keys":
                said = {"keys": [key.as_dict(private=False) for key in self.published]}
            case "/token":
                said = {
                    "access_token": secrets.token_hex(),
                    "token_type": "Bearer",
                    "id_token": self._id_token(self.nonces.pop(asked.form["code"], "")),
                }
            case "/me":
                said = self.told
            case _:
                return 404, JSON, b"{}"
        return 200, JSON, json.dumps(said).encode()

    def sign_in(self, address: str, **back: str) -> str:
        """Let somebody in at the address that arena led to; returns the address that they are led back to."""
        query = dict(httpx.URL(address).params)
        code = secrets.token_hex()
        self.nonces[code] = query["nonce"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], **back})}"

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "248289761001",
            "aud": "arena",
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "email": "jane@example.org",
            "email_verified": True,
            "preferred_username": "jane",
            **self.claims,
        }
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {name: value for name, value in header.items() if value is not None}
        if header["alg"].startswith(("HS", "none")):  # an honest library does not do this
            return _forged(header, claims, self.key.as_pem(private=False))
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])


@cache
def _key() -> RSAKey:
    """One key for all tests: making it takes longer than most of them."""
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


def _forged(header: dict[str, Any], claims: dict[str, Any], public_key: bytes) -> str:
    """A token that is not signed, or with the public key as if it were a shared secret."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    tag = hmac.digest(public_key, signed, "sha256") if header["alg"] == "HS256" else b""
    return f"{signed.decode()}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"
