"""The operators' doors: health, figures, the security log, and the state of the system."""

from litestar import Router

from arena.operations.routes import audit, health, metrics, system

router = Router(
    path="/", route_handlers=[health.healthz, health.readyz, metrics.metrics, audit.log, audit.export, system.system]
)
