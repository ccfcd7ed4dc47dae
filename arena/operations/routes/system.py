"""The state of the box, for administrators."""

from functools import partial
from typing import Any

from litestar import Request, Response, get

from arena.core import clock
from arena.operations.actions.health import facts
from arena.operations.pages.system import SystemPage, settings, tls
from arena.operations.rules.findings import findings
from arena.web.box import box_of
from arena.web.forms import PRIVATE
from arena.web.render import render

AnyRequest = Request[Any, Any, Any]


@get("/admin/system")
async def system(request: AnyRequest) -> Response[bytes]:
    """Show what there is, what it does and what is weak about it."""
    box, now = box_of(request), clock.now()
    look = partial(facts, place=box.place, now=now)
    seen, rows = await box.db.read(lambda conn: (look(conn), box.sizes(conn)))
    page = SystemPage(
        findings=tuple(findings(box.config, seen, now)),
        facts=seen,
        address=box.address,
        tls=tls(box.config, box.address),
        zone=box.config.arena.time_zone,
        worker_runs=box.worker_runs(),
        readers=box.live.readers,
        rows=rows,
        settings=settings(box.config),
        now=now,
    )
    return render(request, "operations/system.html", page, headers=PRIVATE)
