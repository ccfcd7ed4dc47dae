"""The usage room's doors, one file a road."""

from litestar import Router

from arena.usage.routes import v1

router = Router(path="/", route_handlers=[v1.router])
