"""The operators' doors: health, and the security log."""

from litestar import Router

from arena.operations.routes import audit, health

router = Router(path="/", route_handlers=[health.healthz, health.readyz, audit.log, audit.export])
