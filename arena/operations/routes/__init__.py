"""The operators' doors: health, figures, the security log, deliveries, the jobs, and the state of the system."""

from litestar import Router

from arena.operations.routes import audit, deliveries, health, jobs, metrics, system

router = Router(
    path="/",
    route_handlers=[
        health.healthz,
        health.readyz,
        metrics.metrics,
        audit.log,
        audit.export,
        deliveries.deliveries,
        deliveries.again,
        jobs.timetable,
        jobs.run,
        system.system,
    ],
)
