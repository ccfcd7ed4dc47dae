"""The operators' doors: health, figures, the security log, the jobs, and the state of the system."""

from litestar import Router

from arena.operations.routes import audit, health, jobs, metrics, system

router = Router(
    path="/",
    route_handlers=[
        health.healthz,
        health.readyz,
        metrics.metrics,
        audit.log,
        audit.export,
        jobs.timetable,
        jobs.run,
        system.system,
    ],
)
