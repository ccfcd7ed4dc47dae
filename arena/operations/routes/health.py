"""Health, for whatever watches the box."""

import sqlite3
from typing import Any

from litestar import Request, Response, get

import arena
from arena.core import sqlite
from arena.core.errors import Unavailable
from arena.web.box import box_of


@get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "version": arena.__version__}


@get("/readyz")
async def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    """The database can be written and the worker runs; 503 with the reason otherwise."""
    box = box_of(request)
    if not box.worker_runs():
        return Response({"status": "unavailable", "reason": "the worker is being started again"}, status_code=503)
    try:
        await box.db.write(_touch)
    except (Unavailable, sqlite3.Error) as problem:
        return Response({"status": "unavailable", "reason": str(problem)}, status_code=503)
    return Response({"status": "ok", "journal": sqlite.JOURNAL, "sqlite": sqlite.VERSION})


def _touch(conn: sqlite3.Connection) -> None:
    """Take the write lock and let it go; nothing is written."""
    conn.execute("SELECT 1")
