"""What every provider does: talk within a time limit, and turn what goes wrong into one sentence for the visitor."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
import msgspec
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from arena.accounts.models import Asked
from arena.core.config import GitHub, OpenID
from arena.core.errors import Forbidden, Unavailable
from arena.core.log import log
from arena.core.outgoing import PATIENCE, Careful

DEADLINE = 4.0
"""Seconds for all that a provider is asked at once: somebody waits for the page."""
CODE = re.compile(r"[a-z_]{1,40}")

T = TypeVar("T")


@asynccontextmanager
async def talk(settings: GitHub | OpenID, asked: Asked, scope: str, **more: Any) -> AsyncIterator[AsyncOAuth2Client]:
    """Open a client that speaks for this box, with PKCE.

    Raises `Unavailable` when the provider does not answer as it should or in time, and `Forbidden` when it refuses.
    The log names the reason; neither names what was sent.
    """
    client = AsyncOAuth2Client(
        settings.client_id,
        settings.client_secret.value if settings.client_secret else None,
        scope=scope,
        redirect_uri=asked.redirect_uri,
        code_challenge_method="S256",
        transport=Careful(),
        timeout=PATIENCE,
        headers={"user-agent": "arena"},
        **more,
    )
    try:
        async with asyncio.timeout(DEADLINE), client:
            yield client
    except OAuthError as no:
        raise refused(settings, str(no.error)) from no
    except httpx2.HTTPStatusError as no:
        raise silent(settings, f"status {no.response.status_code}") from no
    except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL) as no:
        raise silent(settings, f"{type(no).__name__}: {no}") from no
    except (ValueError, RecursionError) as no:  # what is not JSON, or not of the shape that was agreed
        raise silent(settings, str(no)) from no


async def get(client: AsyncOAuth2Client, address: str, type: type[T], token: str = "", **headers: str) -> T:
    """Ask for JSON of a shape. Raises what `talk` turns into sentences."""
    if token:
        headers["authorization"] = f"Bearer {token}"
    answer = await client.request("GET", address, headers=headers, withhold_token=True)
    answer.raise_for_status()
    if answer.status_code != 200:
        raise ValueError(f"status {answer.status_code}")
    return msgspec.json.decode(answer.content, type=type)


async def redeem(client: AsyncOAuth2Client, address: str, settings: GitHub | OpenID, code: str, asked: Asked) -> Any:
    """Give the code for tokens, which nobody keeps."""
    token = await client.fetch_token(address, grant_type="authorization_code", code=code, code_verifier=asked.verifier)
    if not isinstance(token.get("access_token"), str):
        raise ValueError("no access token")
    return token


def code_of(answer: Mapping[str, str], settings: GitHub | OpenID) -> str:
    """The code that the visitor brought back. Raises `Forbidden` or `Unavailable` when they brought a refusal."""
    if error := answer.get("error"):
        raise refused(settings, error)
    if not answer.get("code"):
        raise refused(settings, "no_code")
    return answer["code"]


def refused(settings: GitHub | OpenID, error: str) -> Forbidden | Unavailable:
    """The sentence for an OAuth error (RFC 6749 sections 4.1.2.1 and 5.2, and GitHub's own)."""
    name, error = settings.name, error if CODE.fullmatch(error) else "unknown"
    if error == "access_denied":
        return Forbidden(f"{name} was not allowed to say who you are, so nothing was changed here.")
    if error in ("server_error", "temporarily_unavailable"):
        return silent(settings, error)
    log().warning("oauth", name=name, reason=error)
    if error in ("invalid_grant", "bad_verification_code", "no_code"):
        return Forbidden(f"{name} does not know this sign-in, or it was used already. Begin again.")
    return Forbidden(f"{name} refused ({error}). Begin again; if it stays so, tell an administrator of this arena.")


def silent(settings: GitHub | OpenID, reason: str, retry_after: int | None = None) -> Unavailable:
    """The sentence for a provider that does not answer, or not as it should."""
    log().warning("oauth", name=settings.name, reason=reason)
    return Unavailable(
        f"{settings.name} does not answer as it should just now. Try again in a moment, or sign in another way.",
        retry_after=retry_after,
    )


def untrue(settings: GitHub | OpenID, reason: str) -> Forbidden:
    """The sentence for an answer that does not prove who somebody is."""
    log().warning("oauth", name=settings.name, reason=reason)
    return Forbidden(f"The answer of {settings.name} does not prove who you are, so nobody was signed in. Begin again.")
