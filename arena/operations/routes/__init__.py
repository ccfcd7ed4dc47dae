"""The operators' doors: health, the security log, and the state of the system."""

from litestar import Router

from arena.operations.routes import audit, health, system

router = Router(path="/", route_handlers=[health.healthz, health.readyz, audit.log, audit.export, system.system])
