"""The choice of light or dark."""

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.params import FromQuery

from arena.web.box import box_of
from arena.web.forms import see_other
from arena.web.session import safe_next

YEAR = 365 * 86_400

AnyRequest = Request[Any, Any, Any]


@get("/theme")
async def theme(request: AnyRequest, to: FromQuery[str] = "", next: FromQuery[str] = "/") -> Response[bytes]:
    """Remember light or dark; anything else follows the visitor's system again."""
    chosen = to if to in ("light", "dark") else ""
    cookie = Cookie(
        key="theme",
        value=chosen,
        max_age=YEAR if chosen else 0,
        path="/",
        samesite="lax",
        secure=box_of(request).is_tls,
    )
    return see_other(safe_next(next), cookie)
