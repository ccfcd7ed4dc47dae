"""GitHub, at github.com or as an Enterprise of one's own. It speaks OAuth, not OpenID Connect: who somebody is stands
in its API, and is the numeric id there; a login can be given up and taken by somebody else.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from msgspec import Struct

from arena.accounts.models import Asked, Identity
from arena.accounts.oauth._exchange import code_of, get, redeem, silent, talk
from arena.core.config import GitHub

PAGE = 100
PAGES = 10
API = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}


class User(Struct):
    """`GET /user`, as far as it is used."""

    id: int
    login: str
    name: str | None = None


class Email(Struct):
    """One of `GET /user/emails`."""

    email: str
    primary: bool
    verified: bool


class Organisation(Struct):
    """One of `GET /user/orgs`."""

    login: str


class Provider:
    """Sign-in by GitHub."""

    def __init__(self, settings: GitHub) -> None:
        self.settings = settings
        self.url = settings.issuer
        self.api = _api(self.url)
        self.scope = "user:email read:org" if settings.organisations else "user:email"

    async def begin(self, asked: Asked, now: int) -> str:
        """The address where GitHub asks its visitor."""
        async with talk(self.settings, asked, self.scope) as client:
            address, _ = client.create_authorization_url(
                f"{self.url}/login/oauth/authorize", state=asked.state, code_verifier=asked.verifier
            )
        return str(address)

    async def finish(self, asked: Asked, answer: Mapping[str, str], now: int) -> Identity:
        """Say who came back. Raises `Forbidden` and `Unavailable`."""
        code = code_of(answer, self.settings)
        method = "client_secret_post"
        async with talk(self.settings, asked, self.scope, token_endpoint_auth_method=method) as client:
            token = await redeem(client, f"{self.url}/login/oauth/access_token", self.settings, code, asked)
            access = token["access_token"]
            try:
                user = await get(client, f"{self.api}/user", User, access, **API)
                emails = await self._emails(client, access)
                organisations = await self._organisations(client, access)
            except httpx2.HTTPStatusError as no:
                raise silent(self.settings, f"status {no.response.status_code}", _pause(no.response, now)) from no
        return Identity("github", self.url, str(user.id), user.login, user.name or "", emails, organisations)

    async def _emails(self, client: AsyncOAuth2Client, token: str) -> tuple[str, ...]:
        """The addresses that GitHub has verified, the main one first; none if it may not tell them."""
        try:
            found = await get(client, f"{self.api}/user/emails?per_page={PAGE}", list[Email], token, **API)
        except httpx2.HTTPStatusError as no:
            if no.response.status_code in (403, 404) and not _is_limited(no.response):
                return ()
            raise
        return tuple(each.email for each in sorted(found, key=lambda each: not each.primary) if each.verified)

    async def _organisations(self, client: AsyncOAuth2Client, token: str) -> tuple[str, ...]:
        """The organisations that somebody is a member of, if anybody wants to know."""
        found: list[str] = []
        for page in range(1, PAGES + 1 if self.settings.organisations else 1):
            address = f"{self.api}/user/orgs?per_page={PAGE}&page={page}"
            some = await get(client, address, list[Organisation], token, **API)
            found += [each.login for each in some]
            if len(some) < PAGE:
                break
        return tuple(found)


def _api(url: str) -> str:
    """Where the API is: beside github.com, beside an Enterprise in GitHub's cloud, inside an Enterprise server."""
    parts = urlsplit(url)
    if parts.netloc == "github.com" or parts.netloc.endswith(".ghe.com"):
        return f"{parts.scheme}://api.{parts.netloc}"
    return f"{url}/api/v3"


def _is_limited(answer: httpx2.Response) -> bool:
    return answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers


def _pause(answer: httpx2.Response, now: int) -> int | None:
    """Seconds until a limit of GitHub's ends, if it is one."""
    after, reset = answer.headers.get("retry-after", ""), answer.headers.get("x-ratelimit-reset", "")
    if after.isdecimal():
        return int(after)
    return max(1, int(reset) - now // 1000) if _is_limited(answer) and reset.isdecimal() else None
