"""Render a page, or only the block of it that htmx asked for.

Block name = element id = ``hx-target``. One handler and one template serve both the page and its fragment.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType

import arena
from arena.core.folders import folder
from arena.web import words
from arena.web.assets import asset
from arena.web.box import Connection, visitor_of
from arena.web.session import csrf_of

VARY = "Cookie, HX-Request, HX-Target, HX-History-Restore-Request"


@cache
def environment() -> Environment:
    """The Jinja environment: everything escaped, a missing variable is an error."""
    made = Environment(
        loader=FileSystemLoader(folder("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=asset, arena_version=arena.__version__)
    made.filters.update({name: getattr(words, name) for name in words.__all__})
    made.globals.update({name: getattr(words, name) for name in words.__all__})
    return made


def theme_of(connection: Connection) -> str | None:
    """The theme that the visitor chose, or None to follow their system."""
    theme = connection.cookies.get("theme")
    return theme if theme in ("light", "dark") else None


def render(
    request: Request[Any, Any, Any],
    template: str,
    page: Any,
    *,
    nav: str | None = None,
    status: int = 200,
    csrf: str | None = None,
    cookies: Sequence[Cookie] = (),
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """Answer with a page, or with the block that ``HX-Target`` names if the template has it.

    ``page`` is the template's own Struct. A history-restore request always gets the page.
    """
    found = environment().get_template(template)
    context = found.new_context(
        {
            "page": page,
            "visitor": visitor_of(request),
            "csrf": csrf if csrf is not None else csrf_of(request),
            "theme": theme_of(request),
            "path": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "nav": nav,
            "live_url": "/live",
        }
    )
    target = request.headers.get("hx-target", "")
    whole = request.headers.get("hx-history-restore-request") == "true" or target not in found.blocks
    parts = found.root_render_func(context) if whole else found.blocks[target](context)
    body = "".join(parts).encode()
    return Response(
        body,
        status_code=status,
        media_type=MediaType.HTML,
        headers={"vary": VARY, "cache-control": "no-cache", **(headers or {})},
        cookies=list(cookies),
    )
