"""The figures of the box, for whatever collects them."""

from functools import partial
from typing import Any

from litestar import Request, Response, get

from arena.core import clock
from arena.core.errors import Unavailable
from arena.operations.actions.metrics import exposition, look
from arena.operations.models import Counted
from arena.web.box import Box, box_of

TYPE = "text/plain; version=0.0.4"


@get("/metrics")
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Tell all figures as Prometheus reads them."""
    box = box_of(request)
    today = box.days.of(clock.now())
    see = partial(look, place=box.place, config=box.config)
    try:
        seen, rows, figures = await box.db.read(
            lambda conn: (see(conn), box.sizes(conn), box.figures(conn, box.config, today))
        )
    except Unavailable:  # what was counted says that as well
        text = exposition(_counted(box), None, {})
    else:
        text = exposition(_counted(box), seen, rows, figures)
    return Response(text, media_type=TYPE, headers={"cache-control": "no-store"})


def _counted(box: Box) -> Counted:
    return Counted(
        requests=box.counts.requests,
        kept=box.counts.kept,
        records=box.counts.records,
        refused=box.counts.refused,
        streams=box.live.readers,
        commits=box.db.commits,
        commit_seconds=box.db.commit_seconds,
        slow_statements=box.db.slow_statements,
        refused_writes=box.db.refused_writes,
        is_damaged=bool(box.db.damage),
        worker_runs=box.worker_runs(),
    )
