"""Webhooks: post JSON to an address that the operator configured, signed if there is a secret.

Headers and signature are those of Standard Webhooks: ``webhook-id`` is the same however often a message is sent.
Import it where something is sent: httpx2 costs a fifth of a second.
"""

import asyncio
import base64
import hmac

import httpx2

from arena.core.outgoing import Careful, wait_asked
from arena.core.sending import Unsent

WHOLE = 15.0
"""Seconds that one call may take."""
AGAIN = frozenset({408, 425, 429})
"""Statuses below 500 after which another try may help."""


async def post(url: str, body: bytes, *, id: str, at: int, secret: bytes | None) -> None:
    """Post JSON; any status 2xx is taken as received, whatever comes after it. ``at`` is epoch seconds.

    Raises `Unsent`: no sentence holds the address, which may be a secret. Redirects are not followed.
    """
    headers = {
        "content-type": "application/json",
        "user-agent": "arena",
        "webhook-id": id,
        "webhook-timestamp": str(at),
    }
    if secret is not None:
        headers["webhook-signature"] = signature(secret, id, at, body)
    try:
        async with (
            asyncio.timeout(WHOLE),
            httpx2.AsyncClient(transport=Careful(), timeout=WHOLE) as client,
            client.stream("POST", url, content=body, headers=headers) as got,
        ):
            status, wait = got.status_code, wait_asked(got.headers)
    except (TimeoutError, httpx2.TimeoutException) as no:
        raise Unsent(f"Nobody answered within {WHOLE:.0f} seconds.", again=True) from no
    except (httpx2.HTTPError, httpx2.InvalidURL) as no:
        raise Unsent(f"The address could not be reached, or broke off ({type(no).__name__}).", again=True) from no
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Unsent(f"The address leads elsewhere ({status}); configure where it leads to.", again=False)
    if status >= 500 or status in AGAIN:
        raise Unsent(f"The receiver is busy or broken ({status}).", again=True, wait=wait)
    raise Unsent(f"The receiver refused the message ({status}).", again=False)


def signature(secret: bytes, id: str, at: int, body: bytes) -> str:
    """Sign a message: version and base64 of HMAC-SHA-256 over id, time and body."""
    tag = hmac.digest(secret, b".".join((id.encode(), str(at).encode(), body)), "sha256")
    return f"v1,{base64.b64encode(tag).decode()}"
