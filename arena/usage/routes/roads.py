"""What came by which road, for each person to see."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromQuery

from arena.accounts.guards import me
from arena.core import clock
from arena.core.errors import NotFound
from arena.usage import store
from arena.usage.pages import roads as pages
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render


@get("/dashboard/roads")
async def roads(request: Request[Any, Any, Any], month: FromQuery[str] = "") -> Response[bytes]:
    """Show the visitor what each road brought of a month, what of it counts, and why."""
    if month and not pages.is_month(month):
        raise NotFound("There is no such month; one is written like 2026-11.")
    box, visitor = box_of(request), me(request)
    today = box.days.of(clock.now())

    def read(conn: Any) -> pages.RoadsPage:
        shown = month or (store.last_road_day(conn, visitor.id, "9999") or today)[:7]
        before = store.last_road_day(conn, visitor.id, shown)
        after = store.first_road_day(conn, visitor.id, f"{shown}-99")
        return pages.roads(
            shown,
            store.road_days(conn, visitor.id, shown, f"{shown}-99"),
            before=before and before[:7],
            after=after and after[:7],
            zone=box.config.arena.time_zone,
        )

    return render(request, "usage/roads.html", await box.db.read(read), nav="dashboard", headers=PRIVATE)
