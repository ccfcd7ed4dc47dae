"""Requests that leave the box: encrypted, within limits of size and time, never led on to another address.

Import it where something is asked, not at the top of what every start imports: it costs a fifth of a second.
"""

from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from typing import cast
from urllib.request import getproxies, proxy_bypass

import httpx2

from arena.core.origins import is_safe

BODY = 1 << 20
"""Bytes of an answer that are read at the most: no sign-in provider says as much."""
PATIENCE = 3.0
"""Seconds to wait for a connection or the next bytes. Whoever asks limits the whole."""
TRUST = httpx2.create_ssl_context()
"""Whom this machine trusts, read once: it takes 30 ms."""


class Refused(httpx2.TransportError):
    """What was to be asked, or what was answered, is not what this box takes part in."""


class Careful(httpx2.AsyncBaseTransport):
    """The way out: to https (or this machine) alone, through the proxy of the environment; answers have an end.

    Redirects are not followed (httpx2's own default), so nobody is led to another host. ``plain`` is the beginning of
    addresses that may be asked without encryption nevertheless, because whoever configured the box said so.
    """

    def __init__(self, plain: str = "") -> None:
        self._plain = plain.rstrip("/") + "/" if plain else ""
        proxy = getproxies().get("https")
        self._direct = httpx2.AsyncHTTPTransport(verify=TRUST)
        self._through = httpx2.AsyncHTTPTransport(verify=TRUST, proxy=proxy) if proxy else None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it and begin to take the answer. Raises `Refused` and what httpx2 raises."""
        address = str(request.url)
        if not is_safe(address) and not (self._plain and address.startswith(self._plain)):
            raise Refused("an address that is neither https nor this machine")
        request.headers["accept-encoding"] = "identity"  # what is packed has no known size
        way = self._direct
        if self._through is not None and request.url.scheme == "https" and not proxy_bypass(request.url.host):
            way = self._through
        answer = await way.handle_async_request(request)
        if answer.headers.get("content-encoding", "identity") != "identity":
            await answer.aclose()
            raise Refused("a packed answer")
        return httpx2.Response(
            answer.status_code,
            headers=answer.headers.raw,
            stream=_Limited(cast(httpx2.AsyncByteStream, answer.stream)),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._direct.aclose()
        if self._through is not None:
            await self._through.aclose()


class _Limited(httpx2.AsyncByteStream):
    """A body that breaks off when it is too long."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > BODY:
                raise Refused("an answer without an end")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def wait_asked(headers: Mapping[str, str]) -> float:
    """Seconds that whoever answered asks to wait (Retry-After, as seconds or as a date); 0 if they do not."""
    told = headers.get("retry-after", "")
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        since = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (parsedate_to_datetime(told) - since).total_seconds())
    except (ValueError, TypeError):
        return 0.0
