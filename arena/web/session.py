"""Cookies and forms: the signed session cookie, the CSRF token bound to it, and the check of where a form came from."""

import hmac
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer
from litestar import Request
from litestar.datastructures import Cookie

from arena.core import ids
from arena.core.errors import Forbidden
from arena.web.box import Connection, box_of

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DEVICE_DAYS = 400
"""Browsers keep no cookie for longer."""
_PATH_HERE = re.compile(r"/(?!/)[!-\[\]-~]*")
"""One slash, then visible ASCII without backslash: the rest may be read as another host or another header."""


def cookie_name(connection: Connection) -> str:
    """`__Host-arena` behind TLS; plain `arena` on http, where browsers refuse the prefix."""
    return "__Host-arena" if box_of(connection).is_tls else "arena"


def token_of(connection: Connection) -> str | None:
    """The session token from the cookie, if the cookie is ours."""
    return _token(connection, cookie_name(connection), "session")


def session_cookie(connection: Connection, token: str, seconds: int) -> Cookie:
    """The cookie that carries a session token; 0 seconds takes it back."""
    return _cookie(connection, cookie_name(connection), _seal(connection, token, "session"), seconds)


def device_of(connection: Connection) -> Any:
    """What this browser was given to remember of those who signed in with it (see `device_cookie`), or None."""
    return _open(connection, _device_cookie_name(connection), "device")


def device_cookie(connection: Connection, remembered: Any) -> Cookie:
    """The cookie that remembers, in plain JSON types and for as long as browsers allow, who signed in here."""
    sealed = _seal(connection, remembered, "device")
    return _cookie(connection, _device_cookie_name(connection), sealed, DEVICE_DAYS * 86_400)


def csrf_of(connection: Connection) -> str:
    """The token that a form of this visitor must carry; empty for somebody without any cookie of ours."""
    return next(good_tokens(connection), "")


def good_tokens(connection: Connection) -> Iterator[str]:
    """The CSRF tokens of this visitor's forms: the one of now, then those of forms shown before a rotation."""
    token = token_of(connection) or _token(connection, _form_cookie_name(connection), "form")
    if token:
        for secret in box_of(connection).keyring.valid:
            yield _csrf(secret, token)


def form_cookie(connection: Connection) -> tuple[str, Cookie | None]:
    """A CSRF token for a form shown to somebody who is not signed in, and the cookie it needs if they have none."""
    if known := csrf_of(connection):
        return known, None
    token = ids.token()
    name = _form_cookie_name(connection)
    sealed = _seal(connection, token, "form")
    return _csrf(box_of(connection).secret, token), _cookie(connection, name, sealed, 86_400)


def keep(connection: Connection, name: str, value: Any, now: int, seconds: int) -> Cookie:
    """The cookie that keeps a value in a visitor's browser for a while: they can read it, but not change it."""
    sealed = _seal(connection, [now + seconds * 1000, value], f"kept {name}")
    return _cookie(connection, f"{cookie_name(connection)}-{name}", sealed, seconds)


def kept(connection: Connection, name: str, now: int) -> Any:
    """What `keep` put into this browser, or None: nothing, or not by us, or too long ago."""
    until, value = _open(connection, f"{cookie_name(connection)}-{name}", f"kept {name}") or (0, None)
    return value if until > now else None


def forget(connection: Connection, name: str) -> Cookie:
    """The cookie that takes back what `keep` put into this browser."""
    return _cookie(connection, f"{cookie_name(connection)}-{name}", "", 0)


async def check_form(request: Request[Any, Any, Any]) -> None:
    """Refuse an unsafe request that may use a visitor's cookie behind their back. What a route asks for, by its `opt`:

    * as a rule, a form of ours: sent from here, with the token of its page;
    * ``csrf="json"``, for programs that know no token: that, or JSON that no other site sent. Without asking first a
      browser sends another site's forms, but no ``application/json``; if it asks, no answer here ever allows
      credentials, so it sends neither cookie nor request;
    * ``csrf=False``: nothing, because the route takes no cookie for an answer.

    Raises `Forbidden`.
    """
    asks = request.route_handler.opt.get("csrf")
    if request.method not in UNSAFE or asks is False:
        return
    if not _same_origin(request):
        raise Forbidden("This form was sent from another site. Open the page here and send it again.")
    if asks == "json" and _is_json(request):
        return
    sent = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
    if not any(hmac.compare_digest(sent.encode(), each.encode()) for each in good_tokens(request)):
        if asks == "json":
            raise Forbidden("Send this as JSON, with the header Content-Type: application/json.")
        raise Forbidden("This form is too old. Go back, reload the page and send it again.")


def safe_next(address: str) -> str:
    """A place on this site to go to: the address if it is a path here, else the front page."""
    return address if _PATH_HERE.fullmatch(address) else "/"


def _is_json(request: Request[Any, Any, Any]) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _same_origin(request: Request[Any, Any, Any]) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    configured = box_of(request).config.server.url
    theirs = origin.partition("://")[2]
    return theirs == request.headers.get("host") or bool(configured and theirs == urlsplit(configured).netloc)


def _form_cookie_name(connection: Connection) -> str:
    return cookie_name(connection) + "-form"


def _device_cookie_name(connection: Connection) -> str:
    return cookie_name(connection) + "-device"


def _csrf(secret: str, token: str) -> str:
    return hmac.new(secret.encode(), f"csrf:{token}".encode(), "sha256").hexdigest()


def _seal(connection: Connection, content: Any, salt: str) -> str:
    return str(_sealer([box_of(connection).secret], salt).dumps(content))


def _open(connection: Connection, name: str, salt: str) -> Any:
    sealed = connection.cookies.get(name)
    if not sealed:
        return None
    try:
        return _sealer(box_of(connection).keyring.valid[::-1], salt).loads(sealed)
    except BadSignature:
        return None


def _sealer(secrets: Sequence[str], salt: str) -> URLSafeSerializer:
    """What signs and checks: the last secret signs, any of them checks. HMAC-SHA-256; by itself it takes SHA-1."""
    return URLSafeSerializer(list(secrets), salt, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256})


def _token(connection: Connection, name: str, salt: str) -> str | None:
    token = _open(connection, name, salt)
    return token if isinstance(token, str) else None


def _cookie(connection: Connection, name: str, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=name,
        value=value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=box_of(connection).is_tls,
    )
