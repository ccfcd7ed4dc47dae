"""Prices as administrators see them: the tables that were taken over, and the models whose price nobody knows."""

from typing import Any

from litestar import Request, Response, get

from arena.prices import store as tables
from arena.usage import store
from arena.usage.pages import prices as pages
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render


@get("/admin/prices")
async def prices(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Show the models without a price, and where the prices are from."""
    unknown, versions = await box_of(request).db.read(lambda conn: (store.unpriced_models(conn), tables.versions(conn)))
    zone = box_of(request).config.arena.time_zone
    return render(request, "usage/prices.html", pages.prices(unknown, versions, zone=zone), headers=PRIVATE)
