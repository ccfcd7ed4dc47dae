"""Health, for whatever watches the box."""

from typing import Any

from litestar import Request, Response, get

import arena
from arena.core import sqlite
from arena.operations.actions.health import Readiness
from arena.web.box import box_of


@get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "version": arena.__version__}


@get("/readyz")
async def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    """The database can be read and written, its disk has room, and the worker runs; 503 with the reasons otherwise."""
    box = box_of(request)
    known: Readiness = box.memory.setdefault("operations", Readiness(box.db, box.place))
    reasons = list(await known.reasons())
    if not box.worker_runs():
        reasons.append("the worker is being started again")
    if reasons:
        return Response({"status": "unavailable", "reason": "; ".join(reasons)}, status_code=503)
    return Response({"status": "ok", "journal": sqlite.JOURNAL, "sqlite": sqlite.VERSION})
