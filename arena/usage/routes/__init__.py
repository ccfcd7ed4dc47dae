"""The usage room's doors, one file a road."""

from litestar import Router

from arena.usage.routes import v1

router = Router(path="/", route_handlers=[v1.router])
hot = {"/api/v1/sessions": v1.sessions.fn, "/api/v1/sessions/batch": v1.batch.fn}
