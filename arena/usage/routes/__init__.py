"""The usage room's doors, one file a road, and what administrators see and decide of what came by them."""

from litestar import Router

from arena.usage.routes import anomalies, bill, otlp, prices, roads, sync, v1

router = Router(
    path="/",
    route_handlers=[
        v1.router,
        sync.sync,
        otlp.router,
        anomalies.anomalies,
        anomalies.decide,
        prices.prices,
        roads.roads,
        bill.usage,
        bill.export,
        bill.export_own,
    ],
)
hot = {"/api/v1/sessions": v1.sessions.fn, "/api/v1/sessions/batch": v1.batch.fn}
