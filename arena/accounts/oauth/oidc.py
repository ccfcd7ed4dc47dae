"""Any OpenID Connect provider: found by discovery, believed by the signature on its ID token."""

from collections.abc import Mapping
from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from joserfc.jws import JWSRegistry
from msgspec import Struct

from arena.accounts.models import Asked, Identity
from arena.accounts.oauth._exchange import code_of, get, redeem, talk, untrue
from arena.core.clock import MINUTE
from arena.core.config import OpenID
from arena.core.origins import is_safe

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Signatures with a public key. None at all, and those with a shared secret, are not among them."""
SCOPE = "openid profile email"
KEPT = 60 * MINUTE
"""How long what a provider says about itself, and its keys, are believed without asking again."""
SKEW = 60
"""Seconds that its clock may be off."""


class Metadata(Struct):
    """What a provider says about itself (OpenID Connect Discovery 1.0 section 3), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """Sign-in by one OpenID Connect provider."""

    def __init__(self, settings: OpenID) -> None:
        self.settings = settings
        self._metadata: tuple[int, Metadata] | None = None
        self._keys: tuple[int, KeySet] | None = None
        self._renewed_at = -KEPT

    async def begin(self, asked: Asked, now: int) -> str:
        """The address where the provider asks its visitor. Raises `Unavailable`."""
        async with talk(self.settings, asked, SCOPE) as client:
            about = await self._about(client, now)
            address, _ = client.create_authorization_url(
                about.authorization_endpoint, state=asked.state, code_verifier=asked.verifier, nonce=asked.nonce
            )
        return str(address)

    async def finish(self, asked: Asked, answer: Mapping[str, str], now: int) -> Identity:
        """Say who came back. Raises `Forbidden` and `Unavailable`."""
        async with talk(self.settings, asked, SCOPE) as client:
            about = await self._about(client, now)
            named = answer.get("iss")
            if (named is None and about.authorization_response_iss_parameter_supported) or (
                named is not None and named != about.issuer  # RFC 9207: the answer of another provider
            ):
                raise untrue(self.settings, "iss of the answer")
            client.token_endpoint_auth_method = self._method(about)
            token = await redeem(client, about.token_endpoint, self.settings, code_of(answer, self.settings), asked)
            claims = await self._claims(client, about, token, asked, now)
            told: Mapping[str, Any] = claims
            if not claims.get("email") and about.userinfo_endpoint:
                told = await get(client, about.userinfo_endpoint, dict[str, Any], token["access_token"])
                if told.get("sub") != claims["sub"]:
                    raise untrue(self.settings, "sub of the user info")
        return _identity(about.issuer, claims, told)

    async def _about(self, client: AsyncOAuth2Client, now: int) -> Metadata:
        if self._metadata is None or now - self._metadata[0] > KEPT:
            issuer = self.settings.issuer
            address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            about = await get(client, address, Metadata)
            if about.issuer != issuer:
                raise ValueError(f"it calls itself {about.issuer[:100]}, the configuration calls it {issuer}")
            if not is_safe(about.authorization_endpoint):
                raise ValueError("its authorization endpoint is not encrypted")
            self._metadata = now, about
        return self._metadata[1]

    def _method(self, about: Metadata) -> str:
        if not self.settings.client_secret:
            return "none"
        # In a form nothing needs to be quoted; in a header both sides must agree how.
        known = about.token_endpoint_auth_methods_supported
        return "client_secret_post" if "client_secret_post" in known else "client_secret_basic"

    async def _claims(
        self, client: AsyncOAuth2Client, about: Metadata, token: Mapping[str, Any], asked: Asked, now: int
    ) -> Mapping[str, Any]:
        """What the ID token says, if its signature is the provider's and it was made for this box and this sign-in."""
        sealed = token.get("id_token")
        if not isinstance(sealed, str):
            raise untrue(self.settings, "no ID token")
        id = self.settings.client_id
        try:
            try:
                opened = _open(sealed, await self._key_set(client, about, now))
            except InvalidKeyIdError:
                opened = _open(sealed, await self._key_set(client, about, now, renew=True))
            claims = CodeIDToken(
                opened.claims,
                opened.header,
                {"iss": {"essential": True, "value": about.issuer}, "aud": {"essential": True, "value": id}},
                {"client_id": id, "access_token": token["access_token"], "nonce": asked.nonce},
            )
            claims.validate(now // 1000, SKEW)
        except (JoseError, TypeError, KeyError, AttributeError) as no:
            raise untrue(self.settings, f"ID token: {no}") from no
        if not (isinstance(claims["sub"], str) and 0 < len(claims["sub"]) <= 255):
            raise untrue(self.settings, "sub")
        return dict(claims)

    async def _key_set(self, client: AsyncOAuth2Client, about: Metadata, now: int, renew: bool = False) -> KeySet:
        """The provider's keys. For a key that nobody knows they are asked for again, at most once a minute."""
        if renew and now - self._renewed_at < MINUTE:
            raise InvalidKeyIdError("an unknown key, again within a minute")
        if renew or self._keys is None or now - self._keys[0] > KEPT:
            if renew:
                self._renewed_at = now
            found = await get(client, about.jwks_uri, KeySetSerialization)
            self._keys = now, KeySet.import_key_set(found)
        return self._keys[1]


def _open(sealed: str, keys: KeySet) -> jwt.Token:
    return jwt.decode(sealed, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))


def _identity(issuer: str, claims: Mapping[str, Any], told: Mapping[str, Any]) -> Identity:
    """Who somebody is. ``told`` is where their e-mail address stands: in the claims, or beside them."""
    email = _text(told, "email")
    is_verified = told.get("email_verified") in (True, "true")
    login = _text(claims, "preferred_username") or _text(told, "preferred_username") or email
    return Identity(
        "oidc",
        issuer,
        claims["sub"],
        login,
        _text(claims, "name") or _text(told, "name"),
        (email,) if email and is_verified else (),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value[:200] if isinstance(value, str) else ""
